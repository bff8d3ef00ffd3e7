#!/bin/sh
# listed.sh ROOT [FILE...]: the build by Meson leaves nothing out. Every source of an example or of a test that a
# CMakeLists.txt names is named in the meson.build beside it. With FILEs: they are all *_test.cpp under ROOT/tests, so
# the build directory was configured after the last of them was written.
set -u
root=$1
shift
cd "$root" || exit 1
bad=0 checked=0

for list in examples/CMakeLists.txt tests/CMakeLists.txt tests/*/CMakeLists.txt; do
  directory=$(dirname "$list")
  # The fuzzers and the users of the package are built by CMake only, or by nobody.
  case $directory in tests/fuzz | tests/package) continue ;; esac
  for source in $(sh meson/find.sh "$directory" '*.cpp' 2); do
    case $source in *_test.cpp) [ "$directory" = examples ] || continue ;; esac
    # CMake may add the .cpp to a name by itself.
    name=${source%.cpp}
    grep -qE "(^|[( ])$name(\.cpp)?([ )]|\$)" "$list" || continue
    checked=$((checked + 1))
    if ! grep -qF "'$source'" "$directory/meson.build"; then
      echo "$list names $source, $directory/meson.build does not"
      bad=1
    fi
  done
done
if [ "$checked" -lt 20 ]; then
  echo "only $checked sources were found in the lists of CMake"
  bad=1
fi

if [ $# -gt 0 ] && [ "$(printf '%s\n' "$@" | LC_ALL=C sort)" != "$(sh meson/find.sh tests '*_test.cpp')" ]; then
  echo "the build directory does not know all *_test.cpp: meson setup --reconfigure"
  bad=1
fi
[ "$bad" -eq 0 ] && echo "$checked sources of CMake's lists are in those of Meson"
exit "$bad"
