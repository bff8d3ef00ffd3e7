# The installed package: headers, libraries, quernConfig.cmake and quern.pc. Where Highway was built from source, its own
# install rules put it into the same prefix, so that find_package(quern) works from that prefix alone.
include(CMakePackageConfigHelpers)

set(quern_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/quern")

install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/include/quern"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp"
)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(TARGETS ${quern_installed_targets} EXPORT quern_targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT quern_targets NAMESPACE quern:: FILE quernTargets.cmake DESTINATION "${quern_package_dir}")

if(QUERN_HIGHWAY_FROM_SOURCE)
  # The thread pool is header only, but belongs to the part of Highway that is not built here.
  install(
    DIRECTORY "${QUERN_HIGHWAY_DIR}/hwy/contrib/thread_pool"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/hwy/contrib"
    FILES_MATCHING PATTERN "*.h"
  )
endif()

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/quernConfig.cmake.in" "${PROJECT_BINARY_DIR}/quernConfig.cmake"
  INSTALL_DESTINATION "${quern_package_dir}"
)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/quernConfigVersion.cmake" COMPATIBILITY SameMinorVersion
)
install(
  FILES "${PROJECT_BINARY_DIR}/quernConfig.cmake" "${PROJECT_BINARY_DIR}/quernConfigVersion.cmake"
  DESTINATION "${quern_package_dir}"
)

# For pkg-config: quern, which needs libhwy, and quern_catalog.
set(quern_pkg_config_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
set(quern_pkg_config_files quern.pc)
if(TARGET quern_catalog)
  list(APPEND quern_pkg_config_files quern_catalog.pc)
endif()
foreach(file IN LISTS quern_pkg_config_files)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${file}.in" "${PROJECT_BINARY_DIR}/${file}" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${file}" DESTINATION "${quern_pkg_config_dir}")
endforeach()
if(QUERN_HIGHWAY_FROM_SOURCE)
  list(APPEND quern_pkg_config_files libhwy.pc) # which Highway's own rules have installed before
endif()

# Those files state the prefix known when the build was configured; cmake --install --prefix may name another one.
install(CODE "set(quern_pkg_config_dir \"${quern_pkg_config_dir}\")\nset(files \"${quern_pkg_config_files}\")")
install(
  CODE [[
  if(NOT IS_ABSOLUTE "${quern_pkg_config_dir}")
    foreach(file IN LISTS files)
      set(file "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${quern_pkg_config_dir}/${file}")
      if(EXISTS "${file}")
        file(READ "${file}" text)
        string(REGEX REPLACE "^prefix=[^\n]*" "prefix=${CMAKE_INSTALL_PREFIX}" text "${text}")
        file(WRITE "${file}" "${text}")
      endif()
    endforeach()
  endif()
]]
)
