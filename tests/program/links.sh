#!/bin/sh
# links.sh WORK "COMPILER FLAGS": what the public functions call for a codec is defined in exactly one file; none and two
# are link errors that name the codec.
set -u
work=$1 compile="$2 -std=c++20 -O0 -DHWY_COMPILE_ONLY_STATIC -DHWY_IS_DEBUG_BUILD=0"
mkdir -p "$work" && cd "$work" || exit 1
cat >codec.hpp <<'END'
#include "quern/quern.hpp"
struct my_codec : quern::codec<quern::integer<8>, quern::levels<quern::group<32, quern::f16>>> {
  static constexpr const char* name = "my_codec";
};
END
cat >use.cpp <<'END'
#include "codec.hpp"
int main() {
  float x[32] = {};
  const quern::packed<my_codec> w(1, 32);
  quern::dequantize(w, quern::matrix_view<float>(x, 1, 32));
  return x[0] != 0;
}
END
cat >define.cpp <<'END'
#include "quern/simd.hpp"
#include "codec.hpp"
QUERN_INSTANTIATE(my_codec);
END
for file in use define; do
  $compile -I. -c $file.cpp -o $file.o || exit 1
done
$compile use.o define.o -o once && ./once || { echo "one definition does not work"; exit 1; }

# expect WHAT PATTERN OBJECTS...
expect() {
  what=$1 pattern=$2
  shift 2
  if $compile "$@" -o never >never.txt 2>&1; then
    echo "$what links, but must not"
    exit 1
  fi
  if ! grep "$pattern" never.txt | grep -q my_codec; then
    echo "$what: no message names the codec"
    cat never.txt
    exit 1
  fi
}
expect "no definition" "undefined reference\|undefined symbol" use.o
expect "two definitions" "multiple definition\|duplicate symbol" use.o define.o define.o
