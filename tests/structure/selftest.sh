#!/bin/sh
# selftest.sh CXX: makes small trees, sound ones and ones with a single fault, and checks what headers.sh, includes.sh and
# text.sh say about them.
set -u
cxx=$1
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

start() {
  rm -rf "$tree/t"
  mkdir -p "$tree/t/quern/base" "$tree/t/quern/number" "$tree/t/quern/codec"
  echo '#pragma once' >"$tree/t/quern/base/bits.hpp"
  echo '#include "quern/base/bits.hpp"' >"$tree/t/quern/number/number.hpp"
  echo '#include "quern/number/number.hpp"' >"$tree/t/quern/codec/codec.hpp"
}

# put FILE LINE: appends a line to a header of the tree.
put() { mkdir -p "$(dirname "$tree/t/quern/$1")" && printf "$2\n" >>"$tree/t/quern/$1"; }

# pass COMMAND...; fail SENTENCE COMMAND...: the outcome that the command must have.
pass() {
  if ! output=$("$@" 2>&1); then
    printf 'should pass: %s\n%s\n' "$*" "$output"
    failures=$((failures + 1))
  fi
}
fail() {
  sentence=$1
  shift
  if output=$("$@" 2>&1); then
    printf 'should fail with "%s": %s\n%s\n' "$sentence" "$*" "$output"
    failures=$((failures + 1))
  else
    case $output in
    *"$sentence"*) ;;
    *)
      printf 'should say "%s": %s\n%s\n' "$sentence" "$*" "$output"
      failures=$((failures + 1))
      ;;
    esac
  fi
}

includes="sh $here/includes.sh $tree/t/quern"
headers="sh $here/headers.sh $tree/t $cxx"
text="sh $here/text.sh $tree/t"

start
pass $includes
pass $headers
pass $text

start && put base/shape.hpp '#include "quern/codec/codec.hpp"'
fail 'base/shape.hpp:1: #include "quern/codec/codec.hpp"' $includes
start && put number/e8m0.hpp '#include "quern/number/number.hpp"' && put number/f32.hpp '#include "quern/number/e8m0.hpp"'
fail 'siblings in number/' $includes
start && put layout/field.hpp '#include "quern/number/number.hpp"'
fail 'number (level 1) is not below layout (level 1)' $includes
start && put codec/codec.hpp '# include  <Eigen/Core>'
fail 'Eigen/Core does not belong here' $includes
start && put codec/codec.hpp '#include "hwy/highway.h"'
fail 'hwy/highway.h does not belong here' $includes
start && put kernels.hpp '#include "hwy/detect_targets.h"' && put quantize/method.hpp '#include <Eigen/Core>'
pass $includes
start && put kernels.hpp '#include "hwy/highway.h"'
fail 'kernels.hpp:1: #include "hwy/highway.h"' $includes
start && put codec/codec.hpp '#include <boost/any.hpp>'
fail 'no dependency of ours' $includes
start && put odd/odd.hpp '#include <span>'
fail 'no place for odd/odd.hpp' $includes

start && put codec/codec.hpp 'inline std::size_t forgotten;'
fail 'quern/codec/codec.hpp does not compile alone' $headers
start && put codec/codec.hpp 'inline void f() { throw 1; }'
fail 'do not compile with -fno-exceptions' $headers
start && put codec/codec.hpp 'inline int f(double x) { int y = x; return y; }'
fail 'does not compile alone' $headers

start && put codec/codec.hpp '// ends with a blank '
fail 'codec.hpp:2: blank' $text
start && put codec/codec.hpp '\tint x;'
fail 'codec.hpp:2: tab' $text
start && put codec/codec.hpp '// TO''DO: later'
fail 'codec.hpp:2: reminder' $text
start && put codec/codec.hpp "// $(printf '%0140d' 0)"
fail 'line of 143 columns' $text

if [ "$failures" -ne 0 ]; then
  echo "$failures self-tests failed"
  exit 1
fi
echo "the checkers fail where they should"
