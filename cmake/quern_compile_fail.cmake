# tests/compile_fail/*.cpp: one ctest test per file, run by compile_fail.cmake, and tests of that runner.
file(GLOB files CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" compile_fail/*.cpp)

function(quern_add_compile_fail name file)
  add_test(
    NAME ${name}
    COMMAND ${CMAKE_COMMAND} -DCXX=${CMAKE_CXX_COMPILER} "-DFLAGS=${quern_include_flags}" -DFILE=${file} -P
            ${PROJECT_SOURCE_DIR}/cmake/compile_fail.cmake
  )
endfunction()

foreach(file IN LISTS files)
  string(REGEX REPLACE "\\.cpp$" "" name ${file})
  quern_add_compile_fail(${name} "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
endforeach()

# The runner itself: what it must accept, and what it must refuse and why.
set(directory "${CMAKE_CURRENT_BINARY_DIR}/compile_fail_runner")
function(quern_runner_test name first_line code outcome)
  set(file "${directory}/${name}.cpp")
  file(CONFIGURE OUTPUT "${file}" CONTENT "${first_line}\n${code}\n" @ONLY)
  quern_add_compile_fail(compile_fail_runner/${name} "${file}")
  if(outcome)
    set_tests_properties(compile_fail_runner/${name} PROPERTIES PASS_REGULAR_EXPRESSION "${outcome}")
  endif()
endfunction()

set(good "int main() {}")
set(bad "static_assert(sizeof(int) == 1, \"size: an int is not [one] byte; mend it\");")
quern_runner_test(right_sentence "// expect: size: an int is not [one] byte; mend it" "${bad}" "")
quern_runner_test(good_code "// expect-ok" "${good}" "")
quern_runner_test(wrong_sentence "// expect: size: something else" "${bad}" "does not contain the sentence")
quern_runner_test(compiles_after_all "// expect: size: an int is not [one] byte; mend it" "${good}" "compiles, but must not")
quern_runner_test(bad_control "// expect-ok" "${bad}" "must compile, but does not")
quern_runner_test(no_expectation "// nothing" "${bad}" "first line must be")
