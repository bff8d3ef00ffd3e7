#!/bin/sh
# text.sh ROOT: our text files hold no trailing blanks, no tabs in code, no reminders left behind and, in code, no line
# of more than 140 columns. Files that git ignores are not ours; neither are golden data and the licence.
set -u
cd "$1" || exit 1

if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  files=$(git ls-files --cached --others --exclude-standard)
else
  files=$(find . \( -name .git -o -name build -o -name deps \) -prune -o -type f -print | sed 's|^\./||')
fi
files=$(echo "$files" | grep -v -e '^tests/golden/' -e '^LICENSE$' | sort)

list=$(mktemp)
trap 'rm -f "$list"' EXIT
# -I: text files only. -s: a file that git still lists may be deleted.
printf '%s\n' "$files" | tr '\n' '\0' | xargs -0 grep -Ils '' >"$list"
if [ ! -s "$list" ]; then
  echo "no files under $1"
  exit 1
fi

# In the C locale a character beyond ASCII is several; all but its first byte are dropped before columns are counted.
tr '\n' '\0' <"$list" | LC_ALL=C xargs -0 awk '
  function complain(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why
    bad = 1
  }
  FNR == 1 {
    code = FILENAME ~ /\.(hpp|cpp|h|cuh|cu|cmake|sh|awk)$/ || FILENAME ~ /(^|\/)(CMakeLists\.txt|quern|run)$/
    reminder = "(TO" "DO|FIX" "ME|XX" "X)([^A-Za-z_]|$)"
  }
  / $|\t$|\r$/ { complain("blank at the end of the line") }
  code && /\t/ { complain("tab") }
  $0 ~ reminder { complain("reminder left behind") }
  code {
    gsub(/[\200-\277]/, "")
    if (length($0) > 140) complain("line of " length($0) " columns")
  }
  END { exit bad }
' || exit 1
echo "$(wc -l <"$list") files are tidy"
