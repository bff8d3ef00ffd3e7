# Compiles FILE with CXX and FLAGS, syntax only. Its first line says what must come of it: "// expect: SENTENCE" where it
# must not compile and the compiler must say SENTENCE, "// expect-ok" where it must compile.
file(READ "${FILE}" text)
string(REGEX MATCH "^[^\n]*" first_line "${text}")

set(ENV{LC_ALL} C)
execute_process(
  COMMAND ${CXX} -std=c++20 ${FLAGS} -fmessage-length=0 -fsyntax-only "${FILE}"
  RESULT_VARIABLE result
  OUTPUT_VARIABLE output
  ERROR_VARIABLE output
)

# message(FATAL_ERROR) breaks long lines, so the reason is printed before it.
function(fail reason)
  message("${FILE}: ${reason}")
  message(FATAL_ERROR "not as the first line says")
endfunction()

if(first_line STREQUAL "// expect-ok")
  if(NOT result EQUAL 0)
    fail("must compile, but does not:\n${output}")
  endif()
elseif(first_line MATCHES "^// expect: (.+)$")
  set(sentence "${CMAKE_MATCH_1}")
  string(FIND "${output}" "${sentence}" position)
  if(result EQUAL 0)
    fail("compiles, but must not; expected: ${sentence}")
  elseif(position EQUAL -1)
    fail("the compiler's output does not contain the sentence '${sentence}':\n${output}")
  endif()
else()
  fail("the first line must be '// expect: SENTENCE' or '// expect-ok', not '${first_line}'")
endif()
