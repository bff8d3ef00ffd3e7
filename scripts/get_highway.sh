#!/bin/sh
# get_highway.sh [DIRECTORY]: makes Highway 1.2 or newer available. In order of preference:
#   1  nothing to do: an installed package, or a source tree in DIRECTORY, is new enough;
#   2  as root, the distribution's package libhwy-dev, where it is new enough;
#   3  the source package of this or a newer suite of the same distribution, unpacked into DIRECTORY (deps/highway). It
#      comes through a temporary apt index that checks the archive's signature; nothing on the system is changed, and
#      root is not needed.
# QUERN_SUITE names the suites to try, instead of the ones below. Tested on Debian 12; the Ubuntu suites are not tested.
set -eu

minimum=1.2.0
destination=${1:-$(cd "$(dirname "$0")/.." && pwd)/deps/highway}
# Temporary files stay out of DIRECTORY until they are complete.
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

say() { echo "get_highway: $*"; }
run() {
  echo "+ $*"
  "$@"
}
new_enough() { [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$minimum" "$1" | sort -V | head -n 1)" = "$minimum" ]; }

# The version of a source tree, from hwy/base.h; empty where there is none.
tree_version() {
  sed -n 's/^#define HWY_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' "$1/hwy/base.h" 2>/dev/null | paste -s -d . -
}

installed=$(pkg-config --modversion libhwy 2>/dev/null || true)
if new_enough "$installed"; then
  say "the installed Highway $installed is new enough"
  exit 0
fi
present=$(tree_version "$destination")
if new_enough "$present"; then
  say "Highway $present is in $destination"
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  say "no apt-get here. Install Highway $minimum or newer, or unpack its source into $destination."
  exit 1
fi

candidate=$(apt-cache policy libhwy-dev 2>/dev/null | sed -n 's/^ *Candidate: *//p')
[ "$candidate" != "(none)" ] || candidate=
if new_enough "${candidate%%-*}" && [ "$(id -u)" = 0 ]; then
  run apt-get install -y --no-install-recommends libhwy-dev
  exit 0
fi

. /etc/os-release
case "$ID:${VERSION_CODENAME:-}" in
debian:bullseye | debian:bookworm) suites=trixie ;;
debian:trixie) suites=trixie ;;
debian:*) suites=sid ;;
ubuntu:*) suites="${VERSION_CODENAME:-} resolute questing" ;;
*) suites= ;;
esac

# write_source SUITE: an apt source for SUITE's source packages, with the archive and the key of the first entry that
# this machine has.
write_source() {
  stanzas=
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ubuntu.sources; do
    if [ -z "$stanzas" ] && [ -f "$file" ]; then stanzas=$file; fi
  done
  if [ -n "$stanzas" ]; then
    {
      awk -v RS= 'NR == 1' "$stanzas" | grep -vE '^(#|Types:|Suites:|Enabled:)'
      printf 'Types: deb-src\nSuites: %s\n' "$1"
    } >"$temporary/highway.sources"
    echo "$temporary/highway.sources"
  else
    line=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -E '^deb[[:space:]]' | head -n 1)
    options=$(echo "$line" | grep -oE '\[[^]]*\]' || true)
    address=$(echo "$line" | sed 's/\[[^]]*\]//' | awk '{ print $2 }')
    echo "deb-src $options $address $1 main" >"$temporary/highway.list"
    echo "$temporary/highway.list"
  fi
}

for suite in ${QUERN_SUITE:-$suites}; do
  source=$(write_source "$suite")
  mkdir -p "$temporary/lists/partial" "$temporary/cache/archives/partial"
  private="-o Dir::Etc::sourcelist=$source -o Dir::Etc::sourceparts=- -o Dir::State::lists=$temporary/lists"
  private="$private -o Dir::Cache=$temporary/cache -o APT::Sandbox::User=root"
  # Unquoted: options without blanks.
  run apt-get $private -qq update || continue
  (cd "$temporary" && run apt-get $private -qq source --download-only highway) || continue
  archive=$(find "$temporary" -maxdepth 1 -name 'highway_*.orig.tar.*' ! -name '*.asc' | head -n 1)
  [ -n "$archive" ] || continue
  mkdir "$temporary/tree"
  run tar -xf "$archive" -C "$temporary/tree" --strip-components=1
  found=$(tree_version "$temporary/tree")
  if new_enough "$found"; then
    run rm -rf "$destination"
    run mkdir -p "$(dirname "$destination")"
    run mv "$temporary/tree" "$destination"
    say "Highway $found, source of suite $suite, is in $destination"
    exit 0
  fi
  say "suite $suite has Highway ${found:-of an unknown version}, and $minimum is needed"
  rm -rf "$temporary/tree" "$archive"
done

say "no Highway $minimum or newer found. Unpack its source into $destination by hand, or install it."
exit 1
