# Finds Highway 1.2 or newer as hwy::hwy: an installed package first, else the source tree that scripts/get_highway.sh
# leaves in deps/highway. Sets QUERN_HIGHWAY_FROM_SOURCE in the second case.
set(QUERN_HIGHWAY_DIR "${PROJECT_SOURCE_DIR}/deps/highway" CACHE PATH "Highway's source tree, used where no package is")
set(QUERN_HIGHWAY_FROM_SOURCE OFF)

if(NOT TARGET hwy::hwy)
  find_package(hwy 1.2 CONFIG QUIET)
endif()

# In a function, because Highway's CMakeLists.txt reads these variables as they stand around it.
function(quern_add_highway)
  file(STRINGS "${QUERN_HIGHWAY_DIR}/hwy/base.h" lines REGEX "^#define HWY_(MAJOR|MINOR|PATCH) [0-9]+$")
  list(TRANSFORM lines REPLACE "^#define HWY_[A-Z]+ " "")
  list(JOIN lines "." version)
  if(version VERSION_LESS 1.2)
    message(FATAL_ERROR "Quern needs Highway 1.2 or newer; ${QUERN_HIGHWAY_DIR} holds '${version}'. "
                        "Run scripts/get_highway.sh.")
  endif()
  message(STATUS "Highway ${version}, source in ${QUERN_HIGHWAY_DIR}")
  set(CMAKE_PROJECT_VERSION ${version}) # for libhwy.pc, which otherwise states the version of the outermost project
  set(CMAKE_WARN_DEPRECATED OFF)
  set(HWY_ENABLE_CONTRIB OFF CACHE BOOL "")
  set(HWY_ENABLE_EXAMPLES OFF CACHE BOOL "")
  set(HWY_ENABLE_TESTS OFF CACHE BOOL "")
  set(HWY_ENABLE_INSTALL ${QUERN_INSTALL} CACHE BOOL "")
  # Not EXCLUDE_FROM_ALL, which would drop Highway's install rules as well; the two extra targets are excluded one by one.
  add_subdirectory("${QUERN_HIGHWAY_DIR}" "${PROJECT_BINARY_DIR}/highway" SYSTEM)
  foreach(extra IN ITEMS hwy_test hwy_list_targets)
    if(TARGET ${extra})
      set_target_properties(${extra} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
  endforeach()
  if(NOT TARGET hwy::hwy)
    add_library(hwy::hwy ALIAS hwy)
  endif()
endfunction()

if(TARGET hwy::hwy)
  message(STATUS "Highway ${hwy_VERSION}, installed")
elseif(EXISTS "${QUERN_HIGHWAY_DIR}/hwy/highway.h")
  quern_add_highway()
  set(QUERN_HIGHWAY_FROM_SOURCE ON)
else()
  message(FATAL_ERROR "Quern needs Highway 1.2 or newer, and no such package is installed. "
                      "Run scripts/get_highway.sh, which puts its source into deps/highway, and configure again.")
endif()
