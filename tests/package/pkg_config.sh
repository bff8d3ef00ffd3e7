#!/bin/sh
# pkg_config.sh CONSUMER WORK VERSION LIBDIR FAMILY "COMPILER FLAGS" INSTALL...: runs INSTALL with WORK/prefix as its
# last argument, which must install Quern there, builds the program CONSUMER with what pkg-config says about that prefix
# and the compiler alone, runs it and expects it to print VERSION. LIBDIR: where libraries are, relative to the prefix.
# FAMILY: one whose presets are in the installed library of the catalogue, empty where there is none.
set -u
consumer=$1 work=$2 version=$3 libdir=$4 family=$5 compile=$6
shift 6
prefix=$work/prefix

run() {
  "$@" >"$work/log" 2>&1 || {
    echo "$*"
    cat "$work/log"
    exit 1
  }
}
fail() {
  echo "$*"
  exit 1
}

rm -rf "$work"
mkdir -p "$work" || exit 1
run "$@" "$prefix"
export PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"

[ "$(pkg-config --modversion quern)" = "$version" ] || fail "pkg-config does not say version $version of quern"
cflags=$(pkg-config --cflags quern) && libs=$(pkg-config --libs quern) || fail "pkg-config does not know quern"
case " $cflags " in
*" -I$prefix/include "*) ;;
*) fail "the headers are not in $prefix/include: $cflags" ;;
esac

# Three SIMD targets on x86: with one only, nothing of Highway need be linked. Unquoted: flags without blanks.
few=-DHWY_DISABLED_TARGETS=0x3DBF
for file in main light codec; do
  run $compile -std=c++20 $few $cflags -c "$consumer/$file.cpp" -o "$work/$file.o"
done
run $compile "$work/main.o" "$work/light.o" "$work/codec.o" $libs -o "$work/consumer"
run "$work/consumer"
cat "$work/log"
grep -qxF "quern $version" "$work/log" || fail "the consumer does not print the version $version"

if [ -n "$family" ]; then
  flags=$(pkg-config --cflags --libs quern_catalog) || fail "pkg-config does not know quern_catalog"
  run $compile -std=c++20 "-DFAMILY=$family" "$consumer/preset.cpp" $flags -o "$work/preset"
  run "$work/preset"
fi
