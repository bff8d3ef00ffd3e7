#!/bin/sh
# headers.sh INCLUDE_DIR CXX [FLAG...]: every header under INCLUDE_DIR/quern compiles when it is the first and only thing
# that a file includes, with all warnings; and all of them together do without exceptions and RTTI. The kernels
# (-inl.hpp, simd.hpp) do not stand alone and are left out; so are interop/openmp.hpp, which needs a flag of its own, and
# quantize/ where Eigen is not among the include directories.
set -u
include=$1 cxx=$2
shift 2

cd "$include" || exit 1
headers=$(find quern -name '*.hpp' ! -name '*-inl.hpp' ! -path quern/simd.hpp ! -path quern/interop/openmp.hpp | sort)
if ! echo '#include <Eigen/Core>' | "$cxx" "$@" -x c++ -E - >/dev/null 2>&1; then
  headers=$(echo "$headers" | grep -v '^quern/quantize/')
fi
if [ -z "$headers" ]; then
  echo "no headers under $include/quern"
  exit 1
fi

# One header per call, $0; the compiler and its flags are the arguments. Compiled from standard input, because a header
# that is the main file earns a warning for its #pragma once.
one='
printf "#include \"%s\"\n" "$0" |
  "$@" -std=c++20 -Wall -Wextra -Wconversion -Werror -I. -x c++ -fsyntax-only - || {
    echo "$0 does not compile alone"
    exit 1
  }
'
jobs=$(nproc 2>/dev/null || echo 2)
if ! echo "$headers" | xargs -P "$jobs" -I{} sh -c "$one" {} "$cxx" "$@"; then
  exit 1
fi
if ! echo "$headers" | sed 's/.*/#include "&"/' |
  "$cxx" "$@" -std=c++20 -Wall -Wextra -Wconversion -Werror -fno-exceptions -fno-rtti -I. -x c++ -fsyntax-only -; then
  echo "the headers do not compile with -fno-exceptions -fno-rtti"
  exit 1
fi
echo "$(echo "$headers" | wc -l) headers compile alone"
