#!/bin/sh
# includes.sh DIRECTORY: every #include in the headers under DIRECTORY is allowed by layers.txt. Prints each line that is
# not, with the reason.
set -u
layers=$(dirname "$0")/layers.txt
case $layers in /*) ;; *) layers=$PWD/$layers ;; esac

cd "$1" || exit 1
files=$(find . -name '*.hpp' | sed 's|^\./||' | sort)
if [ -z "$files" ]; then
  echo "no headers under $1"
  exit 1
fi
awk '
  # Whether path is place itself or lies in it.
  function within(path, place) { return path == place || index(path, place "/") == 1 }

  # The place, a line of layers.txt, to which a path belongs; "" where none does.
  function place_of(path, p) {
    for (p in level) if (within(path, p)) return p
    return ""
  }

  function complain(why) {
    printf "%s:%d: %s\n    %s\n", FILENAME, FNR, $0, why
    bad = 1
  }

  function check_own(to, here, there, i) {
    here = place_of(FILENAME)
    there = place_of(to)
    if (here == "") return
    if (there == "") return complain("layers.txt has no place for " to)
    if (level[there] < level[here]) return
    if (here == there && !(here in closed)) return
    for (i = 1; i <= edges; i++) if (within(FILENAME, edge_from[i]) && within(to, edge_to[i])) return
    if (here == there) complain("siblings in " here "/ do not include each other")
    else complain(there " (level " level[there] ") is not below " here " (level " level[here] ")")
  }

  function check_outside(to, i, known) {
    if (to ~ /^[a-z_0-9]+$/) return  # the standard library
    known = 0
    for (i = 1; i <= outsides; i++)
      if (index(to, outside_prefix[i]) == 1) {
        known = 1
        if (within(FILENAME, outside_place[i])) return
      }
    complain(known ? to " does not belong here, see layers.txt" : to " is no dependency of ours")
  }

  FILENAME == layers {
    if ($1 == "place") {
      level[$3] = $2
      if ($4 == "closed") closed[$3] = 1
    } else if ($1 == "edge") {
      edge_from[++edges] = $2
      edge_to[edges] = $3
    } else if ($1 == "outside") {
      outside_prefix[++outsides] = $2
      outside_place[outsides] = $3
    } else if ($1 !~ /^#/ && NF > 0) complain("not understood")
    next
  }

  FNR == 1 && place_of(FILENAME) == "" { complain("layers.txt has no place for " FILENAME) }

  /^[ \t]*#[ \t]*include[ \t]*["<]/ {
    to = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*["<]/, "", to)
    sub(/[">].*$/, "", to)
    if (sub(/^quern\//, "", to)) check_own(to)
    else check_outside(to)
  }

  END { exit bad }
' layers="$layers" "$layers" $files || exit 1
echo "$(echo "$files" | wc -l) headers include downwards only"
