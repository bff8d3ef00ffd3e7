#!/bin/sh
# documentation.sh ROOT CATALOGUE: what README.md and docs/*.md show is true. Every block of C++ stands, apart from its
# indentation, in a file under examples/; the first of README.md is examples/readme.cpp. Blocks of text that describe types
# of GGUF, and the tables of the catalogue, are what CATALOGUE prints. Links to files lead somewhere.
set -u
root=$1 catalogue=$2
cd "$root" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() {
  echo "$*"
  bad=1
}

# holds FILE PART: whether the lines of PART stand in FILE, one after the other; blanks before and after do not count.
holds() {
  awk '
    { gsub(/^[ \t]+|[ \t]+$/, "") }
    FILENAME == ARGV[1] { part[++n] = $0; next }
    { line[++m] = $0 }
    END {
      for (i = 1; i + n - 1 <= m; ++i) {
        for (j = 1; j <= n && line[i + j - 1] == part[j]; ++j);
        if (j > n) exit 0
      }
      exit 1
    }
  ' "$2" "$1"
}

# Blocks become files named PAGE.NUMBER.LANGUAGE.
for page in README.md docs/*.md; do
  awk -v to="$work/$(echo "$page" | tr / _)" '
    /^```/ && !inside { inside = 1; file = to "." ++n "." substr($0, 4); printf "" >file; next }
    /^```/ { inside = 0; close(file); next }
    inside { print >file }
    END { exit inside }
  ' "$page" || complain "$page: a block does not end"
done

blocks=0
for block in "$work"/*.cpp; do
  blocks=$((blocks + 1))
  found=
  for file in examples/*.cpp examples/*/*.cpp examples/*/*.hpp; do
    if holds "$file" "$block"; then found=1 && break; fi
  done
  if [ -z "$found" ]; then
    complain "$(basename "$block"): this code is in no file under examples/:"
    cat "$block"
  fi
done
[ "$blocks" -gt 10 ] || complain "only $blocks blocks of C++ were found"

# README's example is the whole file from its first #include on.
sed -n '/^#include/,$p' examples/readme.cpp >"$work/readme"
first=$(ls "$work"/README.md.*.cpp | sort -t. -k3n | head -n 1)
cmp -s "$work/readme" "$first" || complain "README.md: the first example is not examples/readme.cpp"

table() {
  "$catalogue" "$1" >"$work/table" || complain "$catalogue $1 failed"
  holds "$2" "$work/table" || complain "$2: the table is not what '$catalogue $1' prints"
}
table families README.md
table presets docs/catalogue.md
table gguf docs/gguf_types.md
for block in "$work"/*.text; do
  case $(head -n 1 "$block") in
  gguf.*) holds "$work/table" "$block" || complain "$(basename "$block"): not what describe says" ;;
  esac
done

for page in README.md docs/*.md; do
  # Outside of code, what stands in ](...).
  for link in $(awk '/^```/ { code = !code } !code' "$page" | grep -o '](\([^)#]*\)' | sed 's/^](//' | grep -v '^https*:'); do
    [ -e "$(dirname "$page")/$link" ] || complain "$page: nothing at $link"
  done
done

[ "$bad" -eq 0 ] && echo "$blocks blocks of C++ are in the examples; tables and pictures are those of the library"
exit "$bad"
