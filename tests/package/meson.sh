#!/bin/sh
# meson.sh MESON ROOT HIGHWAY CONSUMER WORK VERSION: builds the project CONSUMER by Meson in WORK, with ROOT as its
# subproject quern and Highway's source, where no package is, in HIGHWAY; runs its program and expects it to print
# VERSION. Nothing of Quern is installed with it unless asked for. The compiler and its flags are CXX and CXXFLAGS.
set -u
meson=$1 root=$2 highway=$3 consumer=$4 work=$5 version=$6

run() {
  "$@" >"$work/log" 2>&1 || {
    echo "$*"
    cat "$work/log"
    exit 1
  }
}

rm -rf "$work"
mkdir -p "$work/project/subprojects" || exit 1
cp "$consumer"/*.cpp "$consumer/meson.build" "$work/project"
ln -s "$root" "$work/project/subprojects/quern"

run "$meson" setup "$work/build" "$work/project" --force-fallback-for=quern "-Dquern:highway_dir=$highway"
run "$meson" compile -C "$work/build"
run "$work/build/consumer"
cat "$work/log"
grep -qxF "quern $version" "$work/log" || {
  echo "the consumer does not print the version $version"
  exit 1
}

run "$meson" install --no-rebuild -C "$work/build" --destdir "$work/installed"
installed=$(cd "$work" && find installed ! -type d 2>/dev/null)
if [ -n "$installed" ]; then
  echo "a subproject installs files:"
  echo "$installed"
  exit 1
fi
