#!/bin/sh
# cross.sh DIR WORK "INCLUDE FLAGS": the checksums on other machines, emulated: Arm with NEON, SVE and SVE2, and s390x,
# which is big-endian. 77 where there is no cross compiler or no emulator.
set -u
here=$1 work=$2 include=$3 ran=0 bad=0

# try NAME COMPILER EMULATOR FLAGS EMULATOR-FLAGS
try() {
  if ! command -v "$2" >/dev/null || ! command -v "$3" >/dev/null; then
    echo "$1: not here ($2, $3)"
    return
  fi
  ran=1
  if sh "$here/exact.sh" "$here" "$work" "$2 $include -O2 -static $4" "$3 $5"; then
    echo "$1: the golden checksums"
  else
    echo "$1: FAILED"
    bad=1
  fi
}

arm="aarch64-linux-gnu-g++ qemu-aarch64-static"
try NEON $arm "" "-cpu max"
try SVE $arm "-march=armv8.2-a+sve" "-cpu max"
try SVE2 $arm "-march=armv9-a" "-cpu max"
try s390x s390x-linux-gnu-g++ qemu-s390x-static "-march=z14 -mzvector" "-cpu max"

[ $bad = 0 ] || exit 1
[ $ran = 1 ] || exit 77
