#!/bin/sh
# find.sh DIRECTORY PATTERN [DEPTH]: the files under DIRECTORY whose name matches PATTERN, one a line, relative to
# DIRECTORY, sorted; those no deeper than DEPTH.
set -u
cd "$1" || exit 1
find . -maxdepth "${3:-100}" -type f -name "$2" | sed 's|^\./||' | LC_ALL=C sort
