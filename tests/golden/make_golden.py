#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes every file here but those in gguf/, which it compares with the gguf package. See README.md."""

import hashlib
import json
import os
import pathlib
import re
import warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import bitsandbytes.functional as bnb
import gguf
import ml_dtypes
import mlx.core as mx
import numpy as np
import torch
from compressed_tensors.compressors import NVFP4PackedCompressor, PackedQuantizationCompressor
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme, preset_name_to_scheme
from compressed_tensors.quantization.lifecycle.forward import dequantize as ct_dequantize
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
from compressed_tensors.quantization.utils.mxfp_utils import generate_mx_scales
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from hqq.core.quantize import Quantizer
from torchao.prototype.mx_formats.config import ScaleCalculationMode
from torchao.prototype.mx_formats.mx_tensor import to_mx
from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor
from torchao.prototype.mx_formats.utils import to_blocked
from transformers.integrations.bitnet import pack_weights

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["numpy", "ml_dtypes", "torch", "torchao", "bitsandbytes", "compressed-tensors", "gguf", "hqq", "mlx"]
PACKAGES += ["transformers"]
NUMPY = "numpy restatement of the published packing rule"
DTYPES = {
    "float32": "f32",
    "float16": "f16",
    "uint8": "u8",
    "int8": "i8",
    "int16": "i16",
    "uint32": "u32",
    "int32": "i32",
    "int64": "i64",
}
index = []


def package(name):
    return f"{name} {version(name)}"


def save(name, values, producer, meaning):
    """Writes an array, row-major and little-endian, to NAME.DTYPE and lists it in the index."""
    if isinstance(values, torch.Tensor):
        values = values.detach().contiguous().numpy()
    values = np.ascontiguousarray(values)
    dtype = DTYPES[values.dtype.name]
    path = HERE / f"{name}.{dtype}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(values.astype(values.dtype.newbyteorder("<")).tobytes())
    shape = list(values.shape)
    index.append({"file": f"{name}.{dtype}", "dtype": dtype, "shape": shape, "producer": producer, "meaning": meaning})


def random(seed):
    return np.random.default_rng(seed)


# ---- Numbers of 4, 6 and 8 bits ------------------------------------------------------------------------------------

NUMBERS = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
    "e8m0": ml_dtypes.float8_e8m0fnu,
}


def bit_width(name):
    return {"e2m1": 4, "e3m2": 6, "e2m3": 6}.get(name, 8)


def all_values(name):
    """The value of each code as f32; every NaN is 0x7fc00000."""
    values = np.arange(2 ** bit_width(name), dtype=np.uint8).view(NUMBERS[name]).astype(np.float32)
    return np.where(np.isnan(values), np.float32(np.nan), values)


def tricky_floats(count):
    """f32 on, just below and just above every value and midpoint of the numbers above, specials, random bits."""
    f32 = np.float32
    both_signs, positive = [], []
    for name in NUMBERS:
        values = all_values(name).astype(np.float64)
        values = np.unique(np.abs(values[np.isfinite(values)]))
        beyond = 2 * values[-1] - values[-2]
        points = np.concatenate([values, (values[:-1] + values[1:]) / 2, [beyond, (values[-1] + beyond) / 2]])
        (positive if name == "e8m0" else both_signs).append(points)

    def neighbours(points):
        x = np.unique(np.concatenate(points)[np.concatenate(points) < 3.4e38].astype(f32))
        return np.unique(np.concatenate([np.nextafter(x, f32(-1)), x, np.nextafter(x, f32(np.inf))]))

    tiny = np.array([1, 2, 0x7FFFFF, 0x800000, 0x7F7FFFFF], np.uint32).view(f32)
    specials = np.concatenate([[0.0, np.inf, np.nan], tiny]).astype(f32)
    near = neighbours(both_signs)
    x = np.concatenate([specials, -specials, near, -near, np.setdiff1d(neighbours(positive), near)])
    rng = random(1)
    rest = count - len(x)
    spread = rng.normal(size=rest // 2).astype(f32) * f32(2) ** rng.integers(-12, 18, rest // 2).astype(f32)
    bits = rng.integers(0, 2**32, rest - rest // 2, dtype=np.uint64).astype(np.uint32).view(f32)
    bits = np.where(np.isnan(bits), f32(1), bits)
    return np.concatenate([x, spread, bits]).astype(f32)


def write_numbers():
    x = tricky_floats(4096)
    save(
        "numbers/input", x, "numpy", "what the encodings next to it were made from: values, midpoints, their neighbours"
    )
    beyond = {"e4m3": "NaN beyond 464", "e5m2": "infinity from 61440", "e8m0": "ties up, NaN where not positive"}
    for name, kind in NUMBERS.items():
        save(
            f"numbers/{name}.decode",
            all_values(name),
            package("ml_dtypes"),
            f"value of each {name} code, NaN = 0x7fc00000",
        )
        with np.errstate(all="ignore"):
            codes = x.astype(kind).view(np.uint8)
        save(
            f"numbers/{name}.encode",
            codes,
            package("ml_dtypes"),
            f"code of each input, {beyond.get(name, 'saturating')}",
        )
    for name, kind in [("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2)]:
        codes = torch.from_numpy(x).to(kind).view(torch.uint8)
        meaning = {"e4m3": "saturating, infinity too; torch before 2.13 did not", "e5m2": "infinity from 61440"}[name]
        save(f"numbers/{name}.torch", codes, package("torch"), f"code of each input, {meaning}")


# ---- bitsandbytes ----------------------------------------------------------------------------------------------------


def bnb_input():
    """4096 + 32768 weights with outliers, a zero block (elements 192..) and one of NF4 midpoints (elements 256..)."""
    rng = random(2)
    x = (rng.normal(size=4096 + 32768) * 0.02).astype(np.float32)
    at = rng.choice(len(x), 40, replace=False)
    x[at] = rng.choice([-1, 1], 40) * rng.uniform(0.2, 0.6, 40)
    x[192:256] = 0
    nf4 = bnb.get_4bit_type("nf4", device="cpu").numpy()
    middle = (nf4[:-1] + nf4[1:]) / np.float32(2)
    ties = [middle, np.nextafter(middle, np.float32(-2)), np.nextafter(middle, np.float32(2)), nf4, [0, -0.0, 1]]
    x[256:320] = np.concatenate(ties).astype(np.float32)
    return x


def write_bnb():
    made = package("bitsandbytes") + " (CPU)"
    header = (HERE / "../../include/quern/catalog/dynamic_map.hpp").read_text().split("dynamic_bits{")[1].split("}")[0]
    ours = np.array([int(word, 16) for word in re.findall("0x[0-9a-f]+", header)], np.uint32)
    dynamic = bnb.create_dynamic_map().numpy()
    assert (dynamic.view(np.uint32) == ours).all(), "dynamic_map.hpp is another map than the package's"

    x = bnb_input()
    save(
        "bnb/input",
        x,
        "numpy",
        "weights; the first 4096 are quantized, for ..._all every one, for ..._short the first 1001",
    )
    save("bnb/nf4.table", bnb.get_4bit_type("nf4", device="cpu"), made, "value of each NF4 code")
    save("bnb/fp4.table", bnb.get_4bit_type("fp4", device="cpu"), made, "value of each FP4 code")
    save("bnb/dynamic.table", dynamic, made, "the signed dynamic map, which torch.linspace decides the last bits of")

    def four_bits(name, weights, kind, block, nested):
        packed, state = bnb.quantize_4bit(
            torch.from_numpy(weights), blocksize=block, quant_type=kind, compress_statistics=nested
        )
        what = f"{kind}, blocks of {block}" + (", statistics compressed" if nested else "")
        save(f"{name}.packed", packed.flatten(), made, f"{what}: codes, the earlier of a pair in the high nibble")
        save(
            f"{name}.absmax",
            state.absmax,
            made,
            f"{what}: scales" + (" as indices into dynamic.table" if nested else ""),
        )
        if nested:
            save(f"{name}.nested", state.state2.absmax, made, f"{what}: a scale for every 256 scales")
            save(f"{name}.offset", state.offset.reshape(1), made, f"{what}: added to every scale; the mean of absmax")
        decoded = bnb.dequantize_4bit(packed, state).flatten()
        save(f"{name}.decoded", decoded, made, f"{what}: decoded; compare -0 and +0 as equal")

    for kind in ["nf4", "fp4"]:
        for block in [64, 128]:
            four_bits(f"bnb/{kind}_{block}", x[:4096], kind, block, False)
            four_bits(f"bnb/{kind}_{block}_nested", x[:4096], kind, block, True)
    four_bits("bnb/nf4_64_nested_all", x, "nf4", 64, True)
    four_bits("bnb/nf4_64_short", x[:1001], "nf4", 64, False)

    first = torch.from_numpy(x[:4096])
    codes, state = bnb.quantize_blockwise(first, blocksize=256)
    nearest, _ = torch.ops.bitsandbytes.quantize_blockwise(first.double(), state.code, 256)
    differ = int((codes != nearest).sum())
    save(
        "bnb/dynamic8.codes",
        codes,
        made,
        f"8 bits, blocks of 256: found through 65536 bins, {differ} differ from nearest",
    )
    save(
        "bnb/dynamic8.nearest",
        nearest,
        made,
        "the same from the package's generic path: the nearest entry, ties to the lower",
    )
    save("bnb/dynamic8.absmax", state.absmax, made, "8 bits, blocks of 256: scales")
    save(
        "bnb/dynamic8.decoded",
        bnb.dequantize_blockwise(codes, state),
        made,
        "8 bits, blocks of 256: decoded from codes",
    )

    matrix = torch.from_numpy(x[4096:8192].reshape(32, 128))
    for name, threshold in [("int8", 0.0), ("int8_outliers", 0.25)]:
        codes, scales, outliers = bnb.int8_vectorwise_quant(matrix.clone(), threshold=threshold)
        save(
            f"bnb/{name}.codes", codes, made, f"LLM.int8() of elements 4096.. as 32 rows of 128, threshold {threshold}"
        )
        save(f"bnb/{name}.scales", scales, made, "SCB: largest magnitude of each row (outliers left out)")
        if outliers is not None:
            save(f"bnb/{name}.columns", outliers, made, "columns with an outlier; their codes are 0 in every row")


# ---- MX --------------------------------------------------------------------------------------------------------------

MX_ELEMENTS = {
    "e4m3": torch.float8_e4m3fn,
    "e5m2": torch.float8_e5m2,
    "e3m2": "fp6_e3m2",
    "e2m3": "fp6_e2m3",
    "e2m1": torch.float4_e2m1fn_x2,
}
MX_MODES = ["floor", "ceil", "rceil", "even"]


def mx_input():
    """32 blocks of 32. The largest magnitude of a block is listed here; the others are random, smaller, or as said."""
    f32 = np.float32
    up, down = (lambda v: np.nextafter(f32(v), f32(np.inf))), (lambda v: np.nextafter(f32(v), f32(0)))
    largest = [
        0,
        2.0**-140,
        2.0**-126,
        down(2),
        1,
        up(1),
        3.0e38,
        np.finfo(f32).max,
        1000,
        1,
        5,
        480,
        6.5,
        7.5,
    ]  # 0..13
    largest += [
        1.75,
        down(1.75),
        1.9375,
        down(1.9375),
        1.875,
        1.8125,
        up(6 * 1024.0),
        up(448 * 1024.0),
        6,
        448,
    ]  # 14..23
    largest += [2.0**-119, 2.0**-118, 0.02, 0.1, 3.3, 100, 6, 28]  # 24..31
    rng = random(3)
    x = rng.uniform(-1, 1, (32, 32)).astype(f32) * np.array(largest, f32)[:, None] * f32(0.96)
    x[np.arange(32), rng.integers(0, 32, 32)] = np.array(largest, f32) * rng.choice([-1, 1], 32)
    x[8] = np.where(np.abs(x[8]) == 1000, x[8], x[8] / f32(1000))  # an outlier
    x[9] = 1  # all equal
    x[10] = -np.abs(x[10])  # no positive one
    x[22] = np.arange(-16, 16) * 0.375  # ties of E2M1
    x[30, :16] = 0
    x[30, 1:16:2] = -0.0
    return x


def write_mx():
    x = mx_input()
    made = package("torchao")
    save(
        "mx/input", x, "numpy", "32 blocks of 32; block 0 is zero, 1..2, 24..25 are near the smallest scale, 6..7 huge"
    )
    special = x[16:20].copy()
    special[0, 3], special[1, 3], special[2, 3] = np.inf, -np.inf, np.nan
    special[3, 3:5] = np.inf, np.nan
    save("mx/special.input", special, "numpy", "4 blocks of 32 with an infinity, -infinity, NaN, infinity and NaN")
    for part, name in [(x, "mx/{}"), (special, "mx/special.{}")]:
        for element, kind in MX_ELEMENTS.items():
            results = [to_mx(torch.from_numpy(part), kind, 32, ScaleCalculationMode(mode)) for mode in MX_MODES]
            scales = torch.stack([scale.view(torch.uint8).flatten() for scale, _ in results])
            codes = torch.stack([code.view(torch.uint8) for _, code in results])
            modes = "for the scale rules " + ", ".join(MX_MODES)
            pairs = ", pairs with the earlier element in the low nibble" if element == "e2m1" else ""
            save(name.format(element) + ".scales", scales, made, f"E8M0 scale of each block, {modes}")
            save(name.format(element) + ".codes", codes, made, f"{element} codes, {modes}{pairs}")
    largest = torch.from_numpy(np.abs(x).max(axis=1))
    made = package("compressed-tensors")
    scales = [generate_mx_scales(largest, bits).clamp(0, 255).to(torch.uint8) for bits in (4, 6, 8)]
    save(
        "mx/ct.scales",
        torch.stack(scales),
        made,
        "E8M0 scales for 4 bits (E2M1), 6 (E2M3), 8 (E4M3); blocks 6 and 7 overflow",
    )


# ---- NVFP4 -----------------------------------------------------------------------------------------------------------


def write_nvfp4():
    rng = random(4)
    x = (rng.normal(size=(8, 128)) * 0.05).astype(np.float32)
    x[1, :16] = 0
    x[1, 16:32] *= 1e-6
    x[2, 5] = 3.0
    x[3, :16] = -np.abs(x[3, :16])
    x[4, 3:16:4] = -0.0
    save("nvfp4/input", x, "numpy", "8 rows of 128; row 1 has a zero block and a tiny one, row 2 an outlier")
    w = torch.from_numpy(x)

    made = package("torchao")
    for name, g in [("torchao", w.abs().max() / (448 * 6)), ("torchao_one_level", None)]:
        t = NVFP4Tensor.to_nvfp4(w, per_tensor_scale=g)
        save(
            f"nvfp4/{name}.codes",
            t.qdata.view(torch.uint8),
            made,
            "E2M1 codes, the earlier of a pair in the low nibble",
        )
        save(
            f"nvfp4/{name}.scales", t.scale.view(torch.uint8), made, "E4M3 scale of each 16, clamped from below to 2^-6"
        )
        if g is not None:
            save(f"nvfp4/{name}.global", g.reshape(1), made, "multiplies: amax / (448 * 6)")
        save(
            f"nvfp4/{name}.decoded",
            t.dequantize(torch.float32),
            made,
            "code * (global * scale)" if g is not None else "code * scale",
        )

    made = package("compressed-tensors")
    scheme = preset_name_to_scheme("NVFP4", ["Linear"])
    g = generate_gparam(w.min(), w.max())
    groups = w.reshape(8, 8, 16)
    scales, _ = calculate_qparams(groups.amin(-1), groups.amax(-1), scheme.weights, g)
    state = {"weight": w, "weight_scale": scales, "weight_global_scale": g}
    state = NVFP4PackedCompressor.compress(state, scheme)
    packed, scales = state["weight_packed"], state["weight_scale"]
    values = unpack_fp4_from_uint8(packed, 8, 128, torch.float32)
    decoded = ct_dequantize(values, scales.to(torch.float32), args=scheme.weights, global_scale=g, dtype=torch.float32)
    save("nvfp4/ct.codes", packed, made, "weight_packed: E2M1 codes, the earlier of a pair in the low nibble")
    save("nvfp4/ct.scales", scales.view(torch.uint8), made, "weight_scale: E4M3 scale of each 16; 0 was replaced")
    save("nvfp4/ct.global", g, made, "weight_global_scale, divides: 448 * 6 / amax")
    save("nvfp4/ct.decoded", decoded, made, "code * (scale / global)")

    matrix = (np.arange(3000) % 251).astype(np.uint8).reshape(300, 10)
    swizzled = to_blocked(torch.from_numpy(matrix)).reshape(-1)
    save("nvfp4/swizzle.input", matrix, "numpy", "300 x 10 scales: element i is i % 251")
    save(
        "nvfp4/swizzle.output", swizzled, package("torchao"), "the same in tiles of 128 x 4, padded with 0 to 384 x 12"
    )
    points = [(0, 0), (0, 1), (0, 4), (1, 0), (31, 3), (32, 0), (33, 2), (96, 0), (127, 3), (128, 0), (299, 9)]
    where = [(r // 128 * 3 + c // 4) * 512 + r % 32 * 16 + r % 128 // 32 * 4 + c % 4 for r, c in points]
    assert all(swizzled[at] == matrix[rc] for rc, at in zip(points, where))
    return {"swizzle_300x10": [[r, c, at] for (r, c), at in zip(points, where)]}


# ---- compressed-tensors integers -------------------------------------------------------------------------------------


def write_compressed_tensors():
    made = package("compressed-tensors")
    rng = random(5)
    for bits in [3, 4, 8]:
        half = 2 ** (bits - 1)
        q = rng.integers(-half, half, (8, 44)).astype(np.int8)
        save(f"ct/pack{bits}.input", q, "numpy", f"8 x 44 signed {bits}-bit integers")
        save(f"ct/pack{bits}.rows", pack_to_int32(torch.from_numpy(q), bits, 1), made, "packed along the row, no gaps")
        save(
            f"ct/pack{bits}.columns",
            pack_to_int32(torch.from_numpy(q), bits, 0),
            made,
            "packed down the column, no gaps",
        )
        if bits == 3:
            unsigned = np.zeros((8, 50), np.int64)
            unsigned[:, :44] = q.astype(np.int64) + half
            words = (unsigned.reshape(8, 5, 10) << 3 * np.arange(10)).sum(-1).astype(np.uint32).view(np.int32)
            save("ct/pack3.padded", words, f"{NUMPY} of compressed-tensors 0.12", "the same rows, 10 values to a word")

    w = (rng.normal(size=(32, 128)) * 0.05).astype(np.float32)
    w[3, :32] = np.abs(w[3, :32])
    save("ct/weights", w, "numpy", "32 rows of 128; the first group of row 3 has no negative weight")
    groups = torch.from_numpy(w).reshape(32, 4, 32)
    for name, symmetric in [("symmetric", True), ("asymmetric", False)]:
        args = QuantizationArgs(num_bits=4, strategy="group", group_size=32, symmetric=symmetric)
        scheme = QuantizationScheme(targets=["Linear"], weights=args)
        scales, zeros = calculate_qparams(groups.amin(-1), groups.amax(-1), args)
        state = {"weight": torch.from_numpy(w), "weight_scale": scales, "weight_zero_point": zeros}
        state = PackedQuantizationCompressor.compress(state, scheme)
        what = f"4 bits, {name}, groups of 32: "
        save(f"ct/{name}.packed", state["weight_packed"], made, what + "weight_packed")
        save(f"ct/{name}.scales", state["weight_scale"], made, what + "weight_scale")
        if not symmetric:
            save(
                f"ct/{name}.zeros", state["weight_zero_point"], made, what + "weight_zero_point, packed down the column"
            )
        decoded = PackedQuantizationCompressor.decompress(state, scheme)["weight"]
        save(f"ct/{name}.decoded", decoded, made, what + "decoded")


# ---- GPTQ and AWQ ----------------------------------------------------------------------------------------------------


def bit_stream(codes, bits):
    """The last axis as one stream of codes, lowest bit first, in words of 32 bits."""
    single = codes[..., None] >> np.arange(bits) & 1
    return np.packbits(single.reshape(*codes.shape[:-1], -1).astype(np.uint8), axis=-1, bitorder="little").view("<u4")


def write_gptq_awq():
    """W is [N, K] = [64, 256], groups of 64 along K."""
    rng = random(6)
    codes = rng.integers(0, 256, (64, 256)).astype(np.uint8)
    zeros = rng.integers(0, 64, (4, 64)).astype(np.uint8) * 4 + rng.integers(1, 4, (4, 64)).astype(np.uint8)
    scales = rng.uniform(0.001, 0.1, (4, 64)).astype(np.float16)
    scales[1, 5] = -scales[1, 5]
    group = np.arange(256) // 64
    by_activation = rng.permutation(group).astype(np.int32)
    save("gptq/codes", codes, "numpy", "64 outputs x 256 inputs; the b-bit code is the low b bits")
    save("gptq/zeros", zeros, "numpy", "4 groups x 64 outputs; the b-bit zero point is the low b bits, never 0")
    save("gptq/scales", scales, "numpy", "4 groups x 64 outputs; one is negative")
    save(
        "gptq/g_idx",
        by_activation,
        "numpy",
        "group of each of the 256 inputs, in no order; gptq/4.decoded_g_idx uses it",
    )

    def decoded(q, z, groups):
        return (scales.astype(np.float32)[groups] * (q.T.astype(np.float32) - z.astype(np.float32)[groups])).T

    for bits in [2, 3, 4, 8]:
        mask = 2**bits - 1
        q, z = codes & mask, zeros & mask
        words = np.ascontiguousarray(bit_stream(q, bits).T)
        save(
            f"gptq/{bits}.qweight", words.view(np.int32), NUMPY, f"{bits} bits: codes packed down K, [K * bits / 32, N]"
        )
        save(
            f"gptq/{bits}.qzeros_v1",
            bit_stream((z - 1) & mask, bits).view(np.int32),
            NUMPY,
            f"{bits} bits: zero points less 1, packed along N",
        )
        save(
            f"gptq/{bits}.qzeros_v2",
            bit_stream(z, bits).view(np.int32),
            NUMPY,
            f"{bits} bits: zero points, packed along N",
        )
        save(f"gptq/{bits}.decoded", decoded(q, z, group), NUMPY, "[N, K]: scale * (code - zero) in f32")
    save("gptq/4.decoded_g_idx", decoded(codes & 15, zeros & 15, by_activation), NUMPY, "gptq/4 with g_idx")

    q, z = codes & 15, zeros & 15

    def interleaved(columns):
        eights = columns.reshape(len(columns), -1, 8)[:, :, [0, 2, 4, 6, 1, 3, 5, 7]]
        return bit_stream(eights.reshape(columns.shape), 4).view(np.int32)

    save(
        "awq/gemm.qweight", interleaved(np.ascontiguousarray(q.T)), NUMPY, "gptq/codes, 4 bits: [K, N / 8], interleaved"
    )
    save(
        "awq/gemm.qzeros",
        interleaved(z),
        NUMPY,
        "gptq/zeros, 4 bits: [G, N / 8], interleaved; gptq/4.decoded decodes both",
    )
    width = 2  # words of zero points in a row: ceil(4 / 8), rounded up to 2 for groups of 64
    padded = np.zeros((64, width * 8), np.uint8)
    padded[:, :4] = z.T
    wide = np.zeros((64, width * 8), np.float16)
    wide[:, :4] = scales.T
    save("awq/gemv.qweight", bit_stream(q, 4).view(np.int32), NUMPY, "the same weights for GEMV: [N, K / 8], in order")
    save("awq/gemv.qzeros", bit_stream(padded, 4).view(np.int32), NUMPY, "[N, 2]: zero points in order, padded with 0")
    save("awq/gemv.scales", wide, NUMPY, "[N, 16]: gptq/scales the other way round, padded with 0")
    # GEMV-fast: within 32 inputs 0 1 8 9 16 17 24 25 2 3 ..., then even before odd in each 8; 4 rows side by side.
    k = np.arange(256).reshape(-1, 4, 4, 2).transpose(0, 2, 1, 3).reshape(-1, 4, 2).transpose(0, 2, 1).reshape(-1)
    fast = q[:, k].reshape(16, 4, 4, 64).transpose(0, 2, 1, 3).reshape(16, 256, 4)
    words = (fast.astype(np.uint16) << 4 * np.arange(4, dtype=np.uint16)).sum(-1).astype(np.uint16).view(np.int16)
    product = -(scales.astype(np.float32) * z.astype(np.float32)).astype(np.float16)
    save("awq/fast.qweight", words, NUMPY, "the same weights for GEMV-fast: [N / 4, K]")
    save("awq/fast.scales", np.pad(scales, ((0, 12), (0, 0))), NUMPY, "[16, N]: gptq/scales, padded with 0")
    save("awq/fast.qzeros", np.pad(product, ((0, 12), (0, 0))), NUMPY, "[16, N]: -scale * zero in f16, padded with 0")

    symmetric = bit_stream(np.full((1, 8), 7, np.uint8), 4)[0, 0]
    eight = interleaved(np.arange(8, dtype=np.uint8).reshape(1, 8)).view(np.uint32)[0, 0]
    assert (symmetric, eight) == (0x77777777, 0x75316420)
    return {"gptq_v1_qzeros_of_8": "0x77777777", "awq_gemm_word_of_0_to_7": "0x75316420"}


# ---- MLX -------------------------------------------------------------------------------------------------------------


def write_mlx():
    mx.set_default_device(mx.cpu)
    made = package("mlx") + " (CPU)"
    rng = random(7)
    w = (rng.normal(size=(8, 256)) * 0.05).astype(np.float32)
    w[1, :64] = np.abs(w[1, :64])
    w[2, :64] = 0
    w[3, :64] = 0.5
    w[4, 7] = -2
    save("mlx/input", w, "numpy", "8 rows of 256; first group of row 1 not negative, of row 2 zero, of row 3 constant")

    def affine(name, weights, bits):
        packed, scales, biases = mx.quantize(weights, group_size=64, bits=bits)
        decoded = mx.dequantize(packed, scales, biases, group_size=64, bits=bits)
        save(f"{name}.packed", np.array(packed), made, f"{bits} bits, groups of 64: one stream of codes in each row")
        save(f"{name}.scales", np.array(scales), made, f"{bits} bits: scales, some negative")
        save(f"{name}.biases", np.array(biases), made, f"{bits} bits: biases")
        save(f"{name}.decoded", np.array(decoded), made, f"{bits} bits: scale * code + bias in the type of the scales")

    for bits in [2, 3, 4, 5, 6, 8]:
        affine(f"mlx/affine{bits}", mx.array(w), bits)
    affine("mlx/affine4_half", mx.array(w).astype(mx.float16), 4)
    for mode, group, bits in [("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)]:
        packed, scales = mx.quantize(mx.array(w), group_size=group, bits=bits, mode=mode)
        save(
            f"mlx/{mode}.packed",
            np.array(packed).view(np.uint8),
            made,
            f"mode {mode}: codes" + ", the earlier of a pair in the low nibble" * (bits == 4),
        )
        save(f"mlx/{mode}.scales", np.array(scales), made, f"mode {mode}: scales of groups of {group}")


# ---- HQQ, BitNet -----------------------------------------------------------------------------------------------------


def write_hqq():
    made = package("hqq") + " (CPU)"
    w = torch.from_numpy((random(8).normal(size=(32, 192)) * 0.05).astype(np.float32))
    save("hqq/input", w, "numpy", "32 rows of 192; groups of 64 along the row (axis 1), that is 96 groups")
    for bits in [1, 2, 3, 4, 8]:
        options = dict(nbits=bits, group_size=64, axis=1, round_zero=bits == 4, device="cpu")
        for name, optimize in [(f"hqq/{bits}", False)] + [(f"hqq/{bits}_optimized", True)] * (bits in (2, 4)):
            packed, meta = Quantizer.quantize(w, optimize=optimize, bitpack=True, **options)
            meta["compute_dtype"] = torch.float32
            what = f"{bits} bits" + (", fitted by half-quadratic steps" if optimize else "")
            save(f"{name}.packed", packed, made, f"{what}: the grouped matrix packed in slabs of its rows")
            save(f"{name}.scales", meta["scale"], made, f"{what}: scales")
            save(
                f"{name}.zeros",
                meta["zero"],
                made,
                f"{what}: zero points" + (", rounded" if bits == 4 and not optimize else ""),
            )
            save(f"{name}.decoded", Quantizer.dequantize(packed, meta), made, f"{what}: (code - zero) * scale in f32")


def write_bitnet():
    rng = random(9)
    w = rng.integers(-1, 2, (16, 24)).astype(np.int8)
    save("bitnet/input", w, "numpy", "16 rows of 24 ternary weights")
    packed = pack_weights(torch.from_numpy(w.copy()))
    save(
        "bitnet/hf.packed",
        packed,
        package("transformers"),
        "rows r, r + 4, r + 8, r + 12 in the bits 0, 2, 4, 6 of row r",
    )
    example = [[0, -1], [-1, 1], [-1, 1], [-1, 1], [1, 0], [0, -1], [1, -1], [1, -1]]
    packed = pack_weights(torch.tensor(example, dtype=torch.int8))
    assert packed.tolist() == [[0xA1, 0x18], [0x90, 0x0A]]
    save(
        "bitnet/example.input", np.array(example, np.int8), package("transformers"), "the example of its documentation"
    )
    save("bitnet/example.packed", packed, package("transformers"), "the example, packed")
    line = rng.integers(-1, 2, 512).astype(np.int8)
    save("bitnet/i2_s.input", line, "numpy", "512 ternary weights")
    tail = np.zeros(8, np.float32)
    tail[0] = 0.75
    for name, lanes in [("x86", 32), ("arm", 16)]:
        fields = (line.reshape(-1, 4, lanes) + 1).astype(np.uint8)
        blocks = (fields << np.array([6, 4, 2, 0], np.uint8)[:, None]).sum(1).astype(np.uint8)
        data = np.concatenate([blocks.reshape(-1), tail.view(np.uint8)])
        save(
            f"bitnet/i2_s.{name}",
            data,
            NUMPY,
            f"I2_S: blocks of {4 * lanes}, then the scale 0.75 and 28 bytes of nothing",
        )


# ---- GGUF ------------------------------------------------------------------------------------------------------------


def compare_gguf():
    """Prints how the package decodes and encodes what lies in gguf/."""
    folder = HERE / "gguf"
    kinds = {kind.name.lower(): kind for kind in gguf.GGMLQuantizationType}
    canonical = lambda x: np.where(np.isnan(x), np.float32(np.nan), x).astype(np.float32).view(np.uint32)
    x = np.fromfile(folder / "input.f32", "<f4").reshape(16, 1536)
    for path in sorted(folder.glob("*.bin")):
        name, what = path.name.split(".")[0], path.name.split(".")[1:]
        data = np.fromfile(path, np.uint8)
        try:
            with np.errstate(all="ignore"):
                if what == ["rand", "bin"]:
                    same = canonical(gguf.dequantize(data.reshape(1, -1), kinds[name.lower()]).reshape(-1))
                    same = (same == canonical(np.fromfile(folder / f"{name}.rand.deq.f32", "<f4"))).all()
                elif what == ["bin"]:
                    same = (gguf.quantize(x, kinds[name.lower()]).view(np.uint8).reshape(-1) == data).all()
                else:
                    continue
            print(path.name, "equal" if same else "DIFFERENT")
        except (NotImplementedError, KeyError, AttributeError) as error:
            print(path.name, "not in the package:", type(error).__name__)


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare_gguf()
    write_numbers()
    write_bnb()
    write_mx()
    points = write_nvfp4()
    write_compressed_tensors()
    points |= write_gptq_awq()
    write_mlx()
    write_hqq()
    write_bitnet()
    for name, content in [("points.json", points), ("index.json", index)]:
        (HERE / name).write_text(json.dumps(content, indent=1) + "\n")
    files = {}
    for entry in index:
        data = (HERE / entry["file"]).read_bytes()
        files[entry["file"]] = {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "what": entry["meaning"],
        }
    versions = {"packages": {name: version(name) for name in PACKAGES}, "files": files}
    (HERE / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
    print(len(index), "files,", sum(entry["bytes"] for entry in files.values()), "bytes")
