#!/bin/sh
# check.sh PROGRAM WEIGHTS FOLDER: what the program promises of its files: the same bytes for any number of threads, what
# it wrote can be read, nothing is left of what failed, and memory stays small however large a file is.
set -u
program=$1 weights=$2 folder=$3
. "$(dirname "$0")/../check_program.sh"
says() { grep -q -- "$1" "$folder/log" || complain "not said: $1"; }

# Every kind of file, from every other kind.
run 0 --codec gguf.q4_k "$weights" "$folder/a.gguf"
says 'gguf.q5_0: a row is no multiple'
run 0 --codec gguf.q4_k --threads 3 "$weights" "$folder/b.gguf"
cmp "$folder/a.gguf" "$folder/b.gguf" || complain "the bytes depend on the number of threads"
run 0 --codec example.nf4_g24 "$weights" "$folder/c.safetensors"
run 0 --codec keep "$folder/c.safetensors" "$folder/d.safetensors"
run 0 --codec gguf.q8_0 "$folder/c.safetensors" "$folder/e.gguf"
run 0 --codec keep "$folder/a.gguf" "$folder/f.gguf"
run 0 --codec bnb.nf4 --rule '*query*=keep' --rule '*dense*=mx.mxfp8_e4m3' "$folder/a.gguf" "$folder/g.safetensors"
says 'mx.mxfp8_e4m3'
cmp -n 64 "$folder/c.safetensors" "$folder/d.safetensors" || complain "keeping a packed matrix changes it"

# What is wrong is refused, and leaves nothing.
ls -A "$folder" >"$folder/before"
run 2 --codec no.such "$weights" "$folder/x.gguf"
says 'no codec is called no.such'
run 2 --codec gguf.iq2_xxs "$weights" "$folder/x.gguf"
run 2 --codec bnb.nf4 "$weights" "$folder/x.gguf"
says 'has no number in GGUF'
run 2 "$weights" "$folder/x.bin"
run 2 "$weights"
run 1 "$folder/missing.gguf" "$folder/x.gguf"
run 1 "$folder/a.gguf" "$folder/no folder/x.gguf"
cp "$folder/a.gguf" "$folder/own.gguf"
run 1 "$folder/own.gguf" "$folder/own.gguf"
says 'is being read'
cmp "$folder/a.gguf" "$folder/own.gguf" || complain "a file was written over while it was read"
rm "$folder/own.gguf"
head -c 100000 "$folder/a.gguf" >"$folder/short.gguf"
# 6000 rows of zeros, of which one weight is NaN: more than a piece.
header='{"w":{"dtype":"F32","shape":[6000,1024],"data_offsets":[0,24576000]}}  '
{
  printf "\\$(printf '%03o' "${#header}")\\0\\0\\0\\0\\0\\0\\0%s" "$header"
  head -c 20480028 /dev/zero
  printf '\000\000\300\177'
  head -c 4095968 /dev/zero
} >"$folder/nan.safetensors"
run 1 --codec gguf.q4_0 "$folder/nan.safetensors" "$folder/x.gguf"
says 'tensor w: .*value 5120007'
rm "$folder/nan.safetensors"
run 1 "$folder/short.gguf" "$folder/x.gguf"
rm "$folder/short.gguf"
ls -A "$folder" >"$folder/after"
grep -v after "$folder/after" | cmp - "$folder/before" || complain "something was left behind"

# A file of 4 GiB that is mostly a hole: one matrix, in 300 MB of memory.
header='{"hole":{"dtype":"F32","shape":[262144,4096],"data_offsets":[0,4294967296]}}'
length=$(printf '%s' "$header" | wc -c)
printf "\\$(printf '%03o' "$length")\\0\\0\\0\\0\\0\\0\\0%s" "$header" >"$folder/hole.safetensors"
truncate -s $((8 + length + 4294967296)) "$folder/hole.safetensors"
(
  ulimit -v 307200 2>/dev/null
  exec "$program" --codec gguf.tq1_0 --threads 2 "$folder/hole.safetensors" "$folder/hole.gguf"
) >"$folder/log" 2>&1 || {
  complain "4 GiB in 300 MB: failed"
  cat "$folder/log"
}
[ "$(wc -c <"$folder/hole.gguf")" -gt 200000000 ] || complain "the large matrix is not there"
rm -f "$folder/hole.gguf"

# Stopped in the middle: no file, and the old one stays.
echo old >"$folder/kept.gguf"
"$program" --codec gguf.q8_0 "$folder/hole.safetensors" "$folder/kept.gguf" >/dev/null 2>&1 &
pid=$!
sleep 1
kill -INT $pid
wait $pid
[ "$(cat "$folder/kept.gguf")" = old ] || complain "a file was lost"
[ -z "$(find "$folder" -name '.*.part')" ] || complain "a half-written file was left behind"

exit $bad
