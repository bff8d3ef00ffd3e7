#!/bin/sh
# exact.sh DIR WORK "COMPILER FLAGS" [RUNNER]: compiles DIR/exact.cpp for the one target of the flags, runs it as it is and
# with subnormals flushed, and compares what it prints with DIR/golden.txt. RUNNER: a command to run it under.
set -u
here=$1 work=$2 compile=$3 runner=${4:-}
mkdir -p "$work" || exit 1
program=$work/exact$$
trap 'rm -f "$program" "$program.txt"' EXIT

$compile -std=c++20 -DHWY_COMPILE_ONLY_STATIC -DHWY_IS_DEBUG_BUILD=0 "$here/exact.cpp" -o "$program" || exit 1
for argument in "" --flush; do
  $runner "$program" $argument >"$program.txt" || exit 1
  diff "$here/golden.txt" "$program.txt" || {
    echo "not the golden checksums: $compile; $argument"
    exit 1
  }
done
