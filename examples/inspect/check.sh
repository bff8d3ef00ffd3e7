#!/bin/sh
# check.sh PROGRAM WEIGHTS FOLDER QUANTIZE: what the program says of files that are whole, not finite, cut short or
# hostile, with which exit status; and that memory stays small however large a file is. QUANTIZE, the program of that name,
# writes some of them.
set -u
program=$1 weights=$2 folder=$3 quantize=$4
. "$(dirname "$0")/../check_program.sh"
# says TEXT: the last run printed it. Blanks in a row count as one.
says() {
  tr -s ' ' <"$folder/log" >"$folder/said"
  grep -qF -- "$1" "$folder/said" || {
    complain "not said: $1"
    cat "$folder/said"
  }
}
# word N COUNT: the number in COUNT bytes, little-endian, as printf takes them.
word() {
  n=$1 left=$2
  while [ "$left" -gt 0 ]; do
    printf '\\%03o' $((n % 256))
    n=$((n / 256)) left=$((left - 1))
  done
}
# put FILE BYTES...: appends them, spelled for printf.
put() {
  file=$1
  shift
  for bytes in "$@"; do printf "$bytes" >>"$file"; done
}
# safetensors FILE HEADER BYTES...
safetensors() {
  file=$1 header=$2
  shift 2
  printf "$(word "$(printf '%s' "$header" | wc -c)" 8)" >"$file"
  printf '%s' "$header" >>"$file"
  put "$file" "$@"
}
# gguf FILE TENSORS ENTRIES BYTES...: version 3.
gguf() {
  file=$1
  printf GGUF >"$file"
  put "$file" "$(word 3 4)" "$(word "$2" 8)" "$(word "$3" 8)"
  shift 3
  put "$file" "$@"
}
one='\000\000\200\077' nan='\000\000\300\177' infinity='\000\000\200\377' zero='\000\000\000\000'

# A real file.
run 0 "$weights"
says 'safetensors, 4 tensors, 888688 bytes'
says 'licence "Apache-2.0"'
says ' encoder.layer.4.output.dense.weight 192 x 1536 F16 16.000 589824'
says ' all 4 443136 887808 16.028'
run 0 --verify "$weights"
says '443136 values of 4 tensors decoded: all finite'

# Codecs by name, and by GGUF's names.
run 0 --describe Q4_K
says 'gguf.q4_k'
says 'bytes 16-47, n = byte - 16: codes[n] bits 3-0 @0, codes[n + 32] bits 3-0 @4'
cp "$folder/log" "$folder/q4_k"
run 0 --describe gguf.q4_k
cmp "$folder/log" "$folder/q4_k" || complain "Q4_K and gguf.q4_k differ"
run 0 --describe bnb.nf4
says 'codes 4 1 x 1 bnb::nf4_number'
run 2 --describe no.such
says 'no codec and no type of GGUF is called no.such'
run 2 --describe I8
says 'is no codec'

# Wrong usage.
run 2
says 'usage: inspect FILE'
run 2 "$weights" "$weights"
run 2 --verify
run 2 --frobnicate "$weights"
says 'unknown option --frobnicate'
run 2 "$folder/model.bin"
says 'FILE must end with'

# Values that are not finite.
safetensors "$folder/nan.safetensors" '{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}' \
  "$one" "$zero" "$one" "$one" "$nan" "$infinity"
run 0 "$folder/nan.safetensors"
run 1 --verify "$folder/nan.safetensors"
says 'w F32 6 2 0 1 -; first at 4'
says '2 not finite, in 1 tensors'
safetensors "$folder/f64.safetensors" '{"w":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}' \
  '\000\000\000\000\000\000\360\177' '\232\231\231\231\231\231\271\277'
run 1 --verify "$folder/f64.safetensors"
says 'w F64 2 1 -0.1 -0.1 -; first at 0'
safetensors "$folder/f8.safetensors" \
  '{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[2,4]}}' \
  '\070\177' '\001\002'
run 1 --verify "$folder/f8.safetensors"
says 'a F8_E4M3 2 1 1 1 -; first at 1'
says 'b I8 2 - - - -'
says 'tensors without a codec, not decoded: 1'

# GGUF: an array, a string with a control character, and a block of Q8_0 whose scale is infinite; padding that is not 0.
info="$(word 7 8)a.scale$(word 1 4)$(word 64 8)$(word 8 4)$(word 0 8)"
entries="$(word 4 8)some$(word 9 4)$(word 5 4)$(word 6 8)$(word 1 4)$(word 4294967295 4)$(word 3 4)"
entries="$entries$(word 4 4)$(word 5 4)$(word 6 4)"
entries="$entries$(word 4 8)text$(word 8 4)$(word 3 8)a\\033b"
codes=$(word 513 32)
# 24 bytes before the entries, 52 + 27 of those, 39 of the tensor: 142, and so 18 to a multiple of 32.
gguf "$folder/scale.gguf" 1 2 "$entries" "$info" "$(word 0 18)" \
  '\000\074' "$codes" '\000\174' "$codes" "$(word 0 27)" '\007'
run 0 "$folder/scale.gguf"
says 'GGUF version 3, alignment 32, 1 tensors, 256 bytes'
says 'some i32[6] 1, -1, 3, 4, ...'
says 'text string "a\x1bb"'
says 'a.scale 64 Q8_0 8.500 68 160'
run 1 --verify "$folder/scale.gguf"
says 'a.scale Q8_0 64 32 0 2 -; first at 32; scales not finite: 1'
says '28 bytes of padding between and behind tensors, not all zero, first at byte 255'

# A packed matrix: 2 rows of 3 codes of 4 bits, of which a row has 4 bits of padding, and a scale.
describe() { "$program" --describe "$1" | awk '{ printf "%s\\n", $0 }'; }
text=$(describe integers.int4_channel)
# packed FILE DESCRIPTION COLS CODES: codes for printf.
packed() {
  header="{\"__metadata__\":{\"quern.matrix:m\":\"1 2 $3 integers.int4_channel\","
  header="$header\"quern.codec:integers.int4_channel\":\"$2\"},"
  header="$header\"m.codes\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
  header="$header\"m.scales\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[4,12]}}"
  safetensors "$1" "$header" "$4" "$one" "$one"
}
packed "$folder/packed.safetensors" "$text" 3 '\041\003\041\003'
run 0 "$folder/packed.safetensors"
says 'm 2 x 3 integers.int4_channel 16.000 12'
says '.codes 4 U8 4'
run 0 --verify "$folder/packed.safetensors"
says 'm integers.int4_channel 6 0 1 3 zero'
packed "$folder/padding.safetensors" "$text" 3 '\041\003\041\163'
run 0 --verify "$folder/padding.safetensors"
says 'm integers.int4_channel 6 0 1 3 not zero'
packed "$folder/other.safetensors" "another $text" 3 '\041\003\041\003'
run 3 "$folder/other.safetensors"
says 'the file means another format by the name of the codec'
packed "$folder/size.safetensors" "$text" 9 '\041\003\041\003'
run 3 "$folder/size.safetensors"
says 'matrix m, tensor m.codes: the tensor does not have the bytes of the matrix (4, against 10)'
header='{"__metadata__":{"quern.matrix:m":"1 1 1 some.body"},'
header="$header"'"m.packed":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
safetensors "$folder/unknown.safetensors" "$header" '\001'
run 0 --verify "$folder/unknown.safetensors"
says 'm.packed U8'
run 0 "$folder/unknown.safetensors"
says 'codec some.body is not in the catalogue'

# Matrices under their owners' names are the same weights as packed ones.
# matrices FILE: what is found in those of $weights, without the names of their codecs.
matrices() { "$program" --verify "$1" | grep -E 'query|dense.weight' | sort | awk '{ $2 = ""; print }'; }
for codec in bnb.nf4 bnb.llm_int8 compressed_tensors.packed_int4_g128 compressed_tensors.nvfp4 nv.nvfp4 fp8.e4m3_block \
  gptq.v1_4bit_g128 awq.gemm_g128 mlx.affine_4bit_g64; do
  "$quantize" --codec $codec "$weights" "$folder/owned.safetensors" >/dev/null || complain "not quantized to $codec"
  run 0 "$folder/owned.safetensors"
  says 'tensors: 4'
  says " encoder.layer.4.output.dense.weight 192 x 1536 $codec "
  run 0 --verify "$folder/owned.safetensors"
  says "encoder.layer.4.output.dense.weight $codec 294912 0 "
  says '443136 values of 4 tensors decoded: all finite'
  "$quantize" --codec $codec --names quern "$weights" "$folder/quern.safetensors" >/dev/null
  matrices "$folder/owned.safetensors" >"$folder/by_owner"
  matrices "$folder/quern.safetensors" | cmp - "$folder/by_owner" || complain "$codec is decoded to other weights"
  [ "$(wc -l <"$folder/by_owner")" = 2 ] || complain "$codec: not 2 matrices"
done
# One row of blocks to the codec, of which an array stands in a text.
"$quantize" --codec bnb.nf4_double "$weights" "$folder/owned.safetensors" >/dev/null
run 0 "$folder/owned.safetensors"
says ' encoder.layer.4.output.dense.weight 192 x 1536 bnb.nf4_double 4.161 153401'
says ' weight.nested_absmax 18 F32 72'
says ' weight.quant_state.bitsandbytes__nf4 177 U8 177'
run 0 --verify "$folder/owned.safetensors"
says 'encoder.layer.4.output.dense.weight bnb.nf4_double 294912 0 -0.46950573 1.0830078 -'
LC_ALL=C sed 's/"blocksize": 64/"blocksize": 32/' "$folder/owned.safetensors" >"$folder/blocks.safetensors"
run 3 "$folder/blocks.safetensors"
says 'the blocks have another length'

text=$(describe fp8.e4m3_channel)
# owned FILE SAID DESCRIPTION DTYPE SHAPE SCALES BYTES...: SAID: rows, columns and codec in the metadata; the scale, of the
# name SCALES, and two codes for printf.
owned() {
  file=$1
  header="{\"__metadata__\":{\"quern.owner:m.weight\":\"1 $2\",\"quern.codec:fp8.e4m3_channel\":\"$3\"},"
  header="$header\"m.weight\":{\"dtype\":\"$4\",\"shape\":$5,\"data_offsets\":[4,6]},"
  header="$header\"$6\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}"
  shift 6
  safetensors "$file" "$header" "$@"
}
said='1 2 fp8.e4m3_channel' two='\000\000\000\100'
owned "$folder/owned.safetensors" "$said" "$text" F8_E4M3 '[1,2]' m.weight_scale "$two" '\070\274'
run 0 "$folder/owned.safetensors"
says 'm.weight 1 x 2 fp8.e4m3_channel 24.000 6'
says ' weight_scale 1 x 1 F32 4'
run 0 --verify "$folder/owned.safetensors"
says 'm.weight fp8.e4m3_channel 2 0 -3 2 -'
says '2 values of 1 tensors decoded: all finite'
owned "$folder/owned.safetensors" "$said" "$text" F8_E4M3 '[1,2]' m.weight_scale "$two" '\070\377'
run 1 --verify "$folder/owned.safetensors"
says 'm.weight fp8.e4m3_channel 2 1 2 2 -; first at 1'
owned "$folder/owned.safetensors" "$said" "$text" F8_E4M3 '[1,2]' m.weight_scale "$infinity" '\070\274'
run 1 --verify "$folder/owned.safetensors"
says '-; first at 0; scales not finite: 1'
owned "$folder/owned.safetensors" '2 2 fp8.e4m3_channel' "$text" F8_E4M3 '[1,2]' m.weight_scale "$two" '\070\274'
run 3 --verify "$folder/owned.safetensors"
says 'matrix m.weight: the tensors are of another shape than the metadata say (1, against 2)'
owned "$folder/owned.safetensors" "$said" "another $text" F8_E4M3 '[1,2]' m.weight_scale "$two" '\070\274'
run 3 "$folder/owned.safetensors"
says 'the file means another format by the name of the codec'
owned "$folder/owned.safetensors" "$said" "$text" I8 '[1,2]' m.weight_scale "$two" '\070\274'
run 3 "$folder/owned.safetensors"
says "tensor m.weight: the tensor is of another dtype than this format's"
owned "$folder/owned.safetensors" '2 1 fp8.e4m3_channel' "$text" F8_E4M3 '[2,1]' m.weight_scale "$two" '\070\274'
run 3 "$folder/owned.safetensors"
says 'tensor m.weight_scale: the tensor does not have the shape of the matrix'
owned "$folder/owned.safetensors" "$said" "$text" F8_E4M3 '[1,2]' m.scale "$two" '\070\274'
run 3 "$folder/owned.safetensors"
says 'tensor m.weight_scale: the matrix has no such tensor'
owned "$folder/owned.safetensors" '1 two fp8.e4m3_channel' "$text" F8_E4M3 '[1,2]' m.weight_scale "$two" '\070\274'
run 3 "$folder/owned.safetensors"
says 'the metadata of a packed matrix is not'
owned "$folder/owned.safetensors" '1 2 gguf.q8_0' "$text" F8_E4M3 '[1,2]' m.weight_scale "$two" '\070\274'
run 0 --verify "$folder/owned.safetensors"
says 'm.weight F8_E4M3 2 0 -1.5 1 -'
run 0 "$folder/owned.safetensors"
says "codec gguf.q8_0 has no owner's names in the catalogue"
owned "$folder/owned.safetensors" '1 2 some.body' "$text" F8_E4M3 '[1,2]' m.weight_scale "$two" '\070\274'
run 0 "$folder/owned.safetensors"
says 'codec some.body is not in the catalogue'
# A tensor of two matrices, one of them packed.
header="{\"__metadata__\":{\"quern.matrix:m\":\"1 2 3 integers.int4_channel\","
header="$header\"quern.codec:integers.int4_channel\":\"$(describe integers.int4_channel)\","
header="$header\"quern.owner:m.weight\":\"1 1 256 mlx.mxfp4\",\"quern.codec:mlx.mxfp4\":\"$(describe mlx.mxfp4)\"},"
header="$header\"m.weight\":{\"dtype\":\"U32\",\"shape\":[1,32],\"data_offsets\":[0,128]},"
header="$header\"m.scales\":{\"dtype\":\"U8\",\"shape\":[1,8],\"data_offsets\":[128,136]},"
header="$header\"m.codes\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[136,140]}}"
safetensors "$folder/owned.safetensors" "$header" "$(word 0 140)"
run 3 "$folder/owned.safetensors"
says 'matrix m.weight, tensor m.scales: the tensor is that of another matrix, too'

# Several files, by their index.
safetensors "$folder/model-1.safetensors" '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' "$one"
safetensors "$folder/model-2.safetensors" '{"v":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' "$nan"
printf '{"weight_map":{"w":"model-1.safetensors","v":"model-2.safetensors"}}' >"$folder/model.safetensors.index.json"
run 0 "$folder/model.safetensors.index.json"
says 'v 1 F32 32.000 4 62 2'
run 1 --verify "$folder/model.safetensors.index.json"
says 'v F32 1 1 - - -; first at 0'
printf '{"weight_map":{"w":"../model-1.safetensors"}}' >"$folder/out.json"
run 3 "$folder/out.json"
# Matrices whose tensors lie in several files.
weight='"m.weight":{"dtype":"F8_E4M3","shape":[1,2],"data_offsets":[0,2]}'
scale='"m.weight_scale":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}'
said="\"__metadata__\":{\"quern.owner:m.weight\":\"1 1 2 fp8.e4m3_channel\",\"quern.codec:fp8.e4m3_channel\":\"$text\"}"
printf '{"weight_map":{"m.weight":"part-1","m.weight_scale":"part-2"}}' >"$folder/parts.json"
safetensors "$folder/part-1" "{$weight}" '\070\274'
safetensors "$folder/part-2" "{$said,$scale}" "$two"
run 0 "$folder/parts.json"
says 'm.weight 1 x 2 fp8.e4m3_channel 24.000 6'
says ' weight_scale 1 x 1 F32 4'
run 0 --verify "$folder/parts.json"
says 'm.weight fp8.e4m3_channel 2 0 -3 2 -'
says '2 values of 1 tensors decoded: all finite'
safetensors "$folder/part-1" "{$weight}" '\070\377'
run 1 --verify "$folder/parts.json"
says 'm.weight fp8.e4m3_channel 2 1 2 2 -; first at 1'
safetensors "$folder/part-1" "{\"__metadata__\":{\"quern.owner:m.weight\":\"1 2 1 fp8.e4m3_channel\"},$weight}" '\070\274'
run 3 "$folder/parts.json"
says 'metadata quern.owner:m.weight: two files of a model say different things'
text=$(describe integers.int4_channel)
said="\"__metadata__\":{\"quern.matrix:m\":\"1 2 3 integers.int4_channel\",\"quern.codec:integers.int4_channel\":\"$text\"}"
printf '{"weight_map":{"m.codes":"part-1","m.scales":"part-2"}}' >"$folder/parts.json"
safetensors "$folder/part-1" "{$said,\"m.codes\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}" '\041\003\041\003'
safetensors "$folder/part-2" '{"m.scales":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}' "$one" "$one"
run 0 --verify "$folder/parts.json"
says 'm integers.int4_channel 6 0 1 3 zero'
printf '{"weight_map":{"m.codes":"part-1"}}' >"$folder/parts.json"
run 3 "$folder/parts.json"
says 'matrix m, tensor m.scales: the matrix has no such tensor'

# Files that are cut short, and hostile ones.
run 3 "$folder/missing.gguf"
says 'the file cannot be opened'
run 3 --verify "$folder"/missing.safetensors
: >"$folder/empty.gguf"
run 3 "$folder/empty.gguf"
: >"$folder/empty.safetensors"
run 3 "$folder/empty.safetensors"
says 'the file has no room for the length of a header'
dd if="$weights" of="$folder/short.safetensors" bs=1000 count=500 2>/dev/null
run 3 "$folder/short.safetensors"
says 'end of the file'
for size in 3 20 60 120 200; do
  dd if="$folder/scale.gguf" of="$folder/short.gguf" bs=1 count=$size 2>/dev/null
  run 3 --verify "$folder/short.gguf"
done
says 'the data ends beyond the end of the file'
printf '\377\377\377\377\377\377\377\177{}' >"$folder/long.safetensors"
run 3 "$folder/long.safetensors"
says 'the header is too large'
safetensors "$folder/overlap.safetensors" \
  '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}' '123456'
run 3 "$folder/overlap.safetensors"
safetensors "$folder/product.safetensors" \
  '{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'
run 3 "$folder/product.safetensors"
says 'the product of a shape overflows'
gguf "$folder/counts.gguf" 1152921504606846976 0
run 3 "$folder/counts.gguf"
gguf "$folder/type.gguf" 1 0 "$(word 1 8)w$(word 1 4)$(word 32 8)$(word 4 4)$(word 0 8)"
run 3 "$folder/type.gguf"
says 'no type of tensors has this number'
gguf "$folder/name.gguf" 1 0 "$(word 3 8)a\\033b$(word 5 4)" "$(word 0 64)"
run 3 "$folder/name.gguf"
says 'more than 4 dimensions'
says 'a\x1bb'

# A file of 1 GiB that is mostly a hole, in 200 MB of memory.
safetensors "$folder/hole.safetensors" '{"hole":{"dtype":"F32","shape":[1,268435456],"data_offsets":[0,1073741824]}}'
size=$(wc -c <"$folder/hole.safetensors")
dd if=/dev/null of="$folder/hole.safetensors" bs=1 seek=$((size + 1073741820)) 2>/dev/null
put "$folder/hole.safetensors" "$nan"
(
  ulimit -v 204800 2>/dev/null
  exec "$program" --verify "$folder/hole.safetensors"
) >"$folder/log" 2>&1
[ $? = 1 ] || complain "1 GiB in 200 MB: not found to be not finite"
says 'hole F32 268435456 1 0 0 -; first at 268435455'

exit $bad
