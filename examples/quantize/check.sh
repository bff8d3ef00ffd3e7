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
run 0 --codec gguf.iq2_xxs "$weights" "$folder/grids.gguf"
says 'gguf.iq2_xxs'
run 0 --codec bnb.nf4 --rule '*query*=keep' --rule '*dense*=mx.mxfp8_e4m3' "$folder/a.gguf" "$folder/g.safetensors"
says 'mx.mxfp8_e4m3'
cmp -n 64 "$folder/c.safetensors" "$folder/d.safetensors" || complain "keeping a packed matrix changes it"

# What has the codec already stays byte for byte, from file to file.
run 0 --codec gguf.q4_k "$folder/a.gguf" "$folder/h.gguf"
cmp "$folder/a.gguf" "$folder/h.gguf" || complain "quantizing to the same codec changes a file"
run 0 --codec keep "$folder/a.gguf" "$folder/i.safetensors"
run 0 --codec gguf.f32 "$folder/a.gguf" "$folder/j.safetensors"
run 0 --codec gguf.f32 "$folder/i.safetensors" "$folder/k.safetensors"
cmp "$folder/j.safetensors" "$folder/k.safetensors" || complain "weights of GGUF are others in safetensors"
holds() { LC_ALL=C grep -aq -- "$2" "$1" || complain "not in $(basename "$1"): $2"; }
holds "$folder/j.safetensors" '"encoder.layer.4.output.dense.weight":{"dtype":"F32","shape":\[192,1536\]'
# Matrices of a codec that the program does not know are carried along with what the file says of them.
LC_ALL=C sed 's/example.nf4_g24/example.nf4_g99/g' "$folder/c.safetensors" >"$folder/unknown.safetensors"
run 0 --codec keep "$folder/unknown.safetensors" "$folder/l.safetensors"
holds "$folder/l.safetensors" '"quern.matrix:encoder.layer.4.output.dense.weight":"1 192 1536 example.nf4_g99"'
holds "$folder/l.safetensors" '"quern.codec:example.nf4_g99":'

# data FILE: the bytes of tensors of F32, all of $weights: the header, which may say more or less, is before them.
data() { tail -c $((4 * 443136)) "$1"; }
# The owner's names, where the codec has an owner: written, read, and the same file from every source.
for codec in bnb.nf4 bnb.nf4_double bnb.llm_int8 compressed_tensors.packed_int4_g128 compressed_tensors.nvfp4 nv.nvfp4 \
  fp8.e4m3_block gptq.v1_4bit_g128 awq.gemm_g128 mlx.affine_4bit_g64; do
  run 0 --codec $codec "$weights" "$folder/m.safetensors"
  says ' wants "quantization'
  holds "$folder/m.safetensors" "\"quern.owner:encoder.layer.4.output.dense.weight\":\"1 192 1536 $codec\""
  run 0 --codec keep "$folder/m.safetensors" "$folder/n.safetensors"
  cmp "$folder/m.safetensors" "$folder/n.safetensors" || complain "keeping $codec changes it"
  run 0 --codec $codec "$folder/m.safetensors" "$folder/n.safetensors"
  cmp "$folder/m.safetensors" "$folder/n.safetensors" || complain "quantizing $codec to $codec changes it"
  run 0 --codec gguf.f32 "$folder/m.safetensors" "$folder/n.safetensors"
  says '442368 weights quantized to 32.000 bits, SQNR inf'
  [ $codec = bnb.nf4_double ] && continue  # whose blocks do not end with the rows
  run 0 --codec $codec --names quern "$weights" "$folder/o.safetensors"
  holds "$folder/o.safetensors" '"encoder.layer.4.output.dense.weight.codes":{"dtype":"U8"'
  run 0 --codec $codec "$folder/o.safetensors" "$folder/p.safetensors"
  run 0 --codec gguf.f32 "$folder/o.safetensors" "$folder/q.safetensors"
  cmp "$folder/m.safetensors" "$folder/p.safetensors" || complain "$codec has other bytes by way of Quern's names"
  data "$folder/n.safetensors" >"$folder/n.data"
  data "$folder/q.safetensors" | cmp - "$folder/n.data" || complain "$codec decodes to other numbers in Quern's names"
done
run 0 --codec bnb.nf4 "$weights" "$folder/m.safetensors"
holds "$folder/m.safetensors" '"encoder.layer.4.output.dense.weight.quant_state.bitsandbytes__nf4":{"dtype":"U8"'
holds "$folder/m.safetensors" '"format":"pt"'
says '"quant_method":"bitsandbytes"'

# tensors FILE HEADER BYTES: a file of tensors, bytes as printf takes them.
tensors() {
  printf "\\$(printf '%03o' $((${#2} % 256)))\\$(printf '%03o' $((${#2} / 256)))\\0\\0\\0\\0\\0\\0" >"$1"
  printf '%s' "$2" >>"$1"
  printf "$3" >>"$1"
}
# Another program's file, which does not name the codec: 1 and -1.5, times 2. MLX writes null in place of metadata.
header='{"__metadata__":null,"m.weight":{"dtype":"F8_E4M3","shape":[1,2],"data_offsets":[4,6]},'
header="$header"'"m.weight_scale":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}'
tensors "$folder/foreign.safetensors" "$header" '\000\000\000\100\070\274'
run 0 --source mlx.affine_4bit_g64 --source fp8.e4m3_channel --codec gguf.f32 "$folder/foreign.safetensors" "$folder/r.safetensors"
holds "$folder/r.safetensors" '"m.weight":{"dtype":"F32","shape":\[1,2\]'
[ "$(tail -c 8 "$folder/r.safetensors" | od -An -tx1 | tr -d ' \n')" = 00000040000040c0 ] || complain "not 2 and -3"
run 0 --source fp8.e4m3_channel --codec keep "$folder/foreign.safetensors" "$folder/r.safetensors"
holds "$folder/r.safetensors" '"quern.owner:m.weight":"1 1 2 fp8.e4m3_channel"'
run 0 --codec keep "$folder/foreign.safetensors" "$folder/r.safetensors"
says 'm.weight_scale .* F32 .* keep'
# The same matrix, of which each tensor lies in a file of its own.
header='{"m.weight":{"dtype":"F8_E4M3","shape":[1,2],"data_offsets":[0,2]}}'
tensors "$folder/part-1.safetensors" "$header" '\070\274'
header='{"m.weight_scale":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}'
tensors "$folder/part-2.safetensors" "$header" '\000\000\000\100'
printf '{"weight_map":{"m.weight":"part-1.safetensors","m.weight_scale":"part-2.safetensors"}}' >"$folder/parts.json"
run 0 --source fp8.e4m3_channel --codec gguf.f32 "$folder/parts.json" "$folder/v.safetensors"
run 0 --source fp8.e4m3_channel --codec gguf.f32 "$folder/foreign.safetensors" "$folder/r.safetensors"
cmp "$folder/r.safetensors" "$folder/v.safetensors" || complain "a matrix in two files is another one"
run 0 --source fp8.e4m3_channel --codec keep "$folder/parts.json" "$folder/v.safetensors"
run 0 --source fp8.e4m3_channel --codec keep "$folder/foreign.safetensors" "$folder/r.safetensors"
cmp "$folder/r.safetensors" "$folder/v.safetensors" || complain "keeping a matrix in two files changes it"
# In Quern's own scheme: the first file has the codes and says what they are, the second has the scales.
header_of() { tail -c +9 "$1" | head -c "$(od -An -tu1 -N2 "$1" | awk '{ print $1 + 256 * $2 }')"; }
run 0 --names quern --codec fp8.e4m3_channel --source fp8.e4m3_channel --rule '*=fp8.e4m3_channel' \
  "$folder/foreign.safetensors" "$folder/r.safetensors"
said=$(header_of "$folder/r.safetensors" | sed 's/,"m.weight.codes".*//')
tensors "$folder/part-1.safetensors" "$said"',"m.weight.codes":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}' '\070\274'
header='{"m.weight.scales":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
tensors "$folder/part-2.safetensors" "$header" '\000\000\000\100'
printf '{"weight_map":{"m.weight.codes":"part-1.safetensors","m.weight.scales":"part-2.safetensors"}}' >"$folder/parts.json"
run 0 --codec keep "$folder/parts.json" "$folder/v.safetensors"
cmp "$folder/r.safetensors" "$folder/v.safetensors" || complain "keeping a packed matrix in two files changes it"
rm "$folder/part-2.safetensors"
run 1 --codec keep "$folder/parts.json" "$folder/x.safetensors"
says 'part-2.safetensors.*cannot be opened'
# Blocks that run on from row to row; and a name that no owner has.
header='{"__metadata__":{"format":"pt"},"m.weight":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},'
header="$header"'"other":{"dtype":"F32","shape":[1,1],"data_offsets":[24,28]}}'
one='\000\000\200\077' zero='\000\000\000\000'
tensors "$folder/rows.safetensors" "$header" "$one$zero$one$zero$zero$one$one"
run 0 --codec bnb.nf4 "$folder/rows.safetensors" "$folder/s.safetensors"
says '^m.weight .* bnb.nf4 '
says '^other .* keep: the name of a matrix ends with .weight'
run 0 --codec gguf.f32 "$folder/s.safetensors" "$folder/t.safetensors"
run 0 --codec keep "$folder/rows.safetensors" "$folder/u.safetensors"
cmp "$folder/t.safetensors" "$folder/u.safetensors" || complain "a matrix that is one row to its codec is not what it was"

# What is wrong is refused, and leaves nothing.
ls -A "$folder" >"$folder/before"
run 2 --codec no.such "$weights" "$folder/x.gguf"
says 'no codec is called no.such'
run 2 --codec bnb.nf4 "$weights" "$folder/x.gguf"
says 'has no number in GGUF'
run 2 --names nobody "$weights" "$folder/x.safetensors"
run 2 --source gguf.q4_k "$weights" "$folder/x.safetensors"
says "no codec with owner's names is called gguf.q4_k"
run 2 --codec keep "$folder/m.safetensors" "$folder/x.gguf"
says 'of bnb.nf4 has no type in GGUF'
LC_ALL=C sed 's/"shape":\[1,2\]/"shape":[2,1]/' "$folder/foreign.safetensors" >"$folder/shape.safetensors"
run 1 --source fp8.e4m3_channel --codec keep "$folder/shape.safetensors" "$folder/x.safetensors"
says 'tensor m.weight_scale: the tensor does not have the shape of the matrix'
rm "$folder/shape.safetensors"
LC_ALL=C sed 's/"blocksize": 64/"blocksize": 32/' "$folder/m.safetensors" >"$folder/blocks.safetensors"
run 1 --codec keep "$folder/blocks.safetensors" "$folder/x.safetensors"
says 'the blocks have another length'
rm "$folder/blocks.safetensors"
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
# Killed: the old one stays.
"$program" --codec gguf.q8_0 "$folder/hole.safetensors" "$folder/kept.gguf" >/dev/null 2>&1 &
pid=$!
sleep 1
kill -KILL $pid
wait $pid 2>/dev/null
[ "$(cat "$folder/kept.gguf")" = old ] || complain "a file was lost when the program was killed"

exit $bad
