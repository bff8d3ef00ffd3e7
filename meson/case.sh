#!/bin/sh
# case.sh PROGRAM FILE: runs the test cases of tests/FILE that PROGRAM holds. A file without a test case fails, so that
# a filter which matches nothing cannot pass.
set -u
output=$("$1" --source-file="*/tests/$2" --no-path-filenames 2>&1)
status=$?
printf '%s\n' "$output"
case $output in *"test cases: "*) ;; *) exit 1 ;; esac
if printf '%s\n' "$output" | grep -q 'test cases: *0 '; then exit 1; fi
exit $status
