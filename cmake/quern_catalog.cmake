# The static library quern::catalog: what callers with the light header need for the presets of the catalogue. Each family
# of include/quern/catalog is compiled from the one source, in so many parts that none takes much longer than a minute.
set(quern_families
    "gguf:5"
    "mx:2"
    "nv:1"
    "fp8:1"
    "integers:3"
    "bnb:1"
    "gptq:2"
    "awq:2"
    "mlx:2"
    "compressed_tensors:2"
    "hqq:1"
    "torchao:1"
    "marlin:1"
    "bitnet:1"
    "ik:1"
)
set(QUERN_CATALOG_FAMILIES "" CACHE STRING "Families of presets in quern::catalog, such as 'gguf;mx'; none named: all")

add_library(quern_catalog STATIC)
add_library(quern::catalog ALIAS quern_catalog)
set_target_properties(quern_catalog PROPERTIES EXPORT_NAME catalog LINKER_LANGUAGE CXX)
target_link_libraries(quern_catalog PUBLIC quern_simd)

set(quern_all_families ${quern_families})
list(TRANSFORM quern_all_families REPLACE ":.*" "")
set(quern_built_families ${QUERN_CATALOG_FAMILIES})
if(NOT quern_built_families)
  set(quern_built_families ${quern_all_families})
endif()
foreach(family IN LISTS quern_built_families)
  if(NOT family IN_LIST quern_all_families)
    list(JOIN quern_all_families ", " known)
    message(FATAL_ERROR "QUERN_CATALOG_FAMILIES names '${family}'; there are ${known}.")
  endif()
endforeach()

foreach(line IN LISTS quern_families)
  string(REGEX MATCH "^(.+):(.+)$" matched ${line})
  set(family ${CMAKE_MATCH_1})
  set(parts ${CMAKE_MATCH_2})
  if(NOT family IN_LIST quern_built_families)
    continue()
  endif()
  foreach(part RANGE 1 ${parts})
    set(object quern_catalog_${family}_${part})
    add_library(${object} OBJECT "${PROJECT_SOURCE_DIR}/src/catalog/family.cpp")
    set_target_properties(${object} PROPERTIES POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF)
    target_compile_definitions(
      ${object} PRIVATE QUERN_FAMILY=${family} QUERN_PART=${part} QUERN_PARTS=${parts}
    )
    target_link_libraries(${object} PRIVATE quern_simd quern_targets)
    if(PROJECT_IS_TOP_LEVEL)
      target_link_libraries(${object} PRIVATE quern_warnings)
    endif()
    target_sources(quern_catalog PRIVATE $<TARGET_OBJECTS:${object}>)
  endforeach()
endforeach()
