#!/bin/sh
# leaks.sh OBJECT...: no function outside a namespace of one target (N_*) uses wide registers. Such a function may be a
# weak symbol: the linker could take it in place of one compiled for any machine. Objects are compiled without -m flags.
set -u
for object; do
  objdump -dC --no-show-raw-insn "$object" || exit 1
done | awk '
  function close_function() {
    if (name == "") return
    ++functions
    if (!wide) return
    ++wide_functions
    if (name !~ /::N_[A-Z0-9_]+::/) { print "wide registers outside N_*: " name; bad = 1 }
  }
  /^[0-9a-f]+ <.*>:$/ { close_function(); name = $0; wide = 0; next }
  /%[yz]mm|%k[0-7]|\tv[a-z0-9]+ .*%xmm/ { wide = 1 }
  END {
    close_function()
    print functions + 0 " functions, " wide_functions + 0 " with wide registers"
    exit bad || functions == 0 || wide_functions == 0
  }'
