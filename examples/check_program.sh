# Sourced by tests of programs, with $program and $folder: an empty folder that is removed in the end, and `run`, which
# leaves what the program says in $folder/log. What is wrong is said by `complain`; $bad tells whether anything was.
rm -rf "$folder"
mkdir -p "$folder" || exit 1
trap 'rm -rf "$folder"' EXIT
bad=0
complain() {
  echo "$*"
  bad=1
}
# run STATUS arguments...: the program ends with that status.
run() {
  want=$1
  shift
  "$program" "$@" >"$folder/log" 2>&1
  got=$?
  [ "$got" = "$want" ] || {
    complain "$(basename "$program") $*: status $got, not $want"
    cat "$folder/log"
  }
}
