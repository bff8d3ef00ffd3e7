# How our own programs are compiled, never how a user's are: which SIMD targets, which warnings.
set(QUERN_TARGETS all CACHE STRING "SIMD targets of our own programs: static, few or all")
set_property(CACHE QUERN_TARGETS PROPERTY STRINGS static few all)

# static: the one target of the compiler's flags. few: on x86 the baseline SSE2, AVX2 and AVX3_ZEN4. all: everything
# that Highway compiles, AVX3_DL included, which it leaves out unless asked.
add_library(quern_targets INTERFACE)
if(QUERN_TARGETS STREQUAL "static")
  target_compile_definitions(quern_targets INTERFACE HWY_COMPILE_ONLY_STATIC)
  # Highway takes AVX3_DL for the best target of such flags unless asked for AVX3_ZEN4, the same plus bf16 products.
  include(CheckCXXSourceCompiles)
  check_cxx_source_compiles(
    "
    #if !defined(__AVX512BF16__) || !defined(__AVX512VNNI__)
    #error no bf16 products
    #endif
    int main() {}"
    QUERN_FLAGS_HAVE_AVX512_BF16
  )
  if(QUERN_FLAGS_HAVE_AVX512_BF16)
    target_compile_definitions(quern_targets INTERFACE HWY_WANT_AVX3_ZEN4)
  endif()
elseif(QUERN_TARGETS STREQUAL "few")
  # The bits of hwy/detect_targets.h, 0 to 14 for x86, without 14 (SSE2), 9 (AVX2) and 6 (AVX3_ZEN4). SSE2 stays
  # because it is the baseline of a build without -m flags; without it Highway would fall back to scalar code.
  target_compile_definitions(quern_targets INTERFACE HWY_DISABLED_TARGETS=0x3DBF)
elseif(QUERN_TARGETS STREQUAL "all")
  target_compile_definitions(quern_targets INTERFACE HWY_WANT_AVX3_DL)
else()
  message(FATAL_ERROR "QUERN_TARGETS is '${QUERN_TARGETS}'; it must be static, few or all.")
endif()

add_library(quern_warnings INTERFACE)
target_compile_options(quern_warnings INTERFACE -Wall -Wextra -Wconversion -Werror)
