#!/usr/bin/env python3
# Products by PyTorch and by ONNX Runtime's MatMulNBits on this CPU, beside Quern's of the same shapes:
#
#   torch_matmul.py BENCH_MATMUL [--threads N] [--m 1,8,32,512] [--rounds 3]
#
# BENCH_MATMUL is the program of bench/matmul.cpp; every round runs it for one product and then the peer, so that both are
# measured within a few seconds. Figures are medians over rounds, ratios medians of those of rounds. Times of one thread
# are of the processor, of more of the wall. What is not installed, or not offered by what is installed, is said so.
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np


class NotOffered(Exception):
    pass


def torch_with(threads):
    try:
        import torch
    except ImportError as e:
        raise NotOffered(str(e))
    torch.set_num_threads(threads)
    return torch


# Each peer: make(w, times, x, threads) -> (run, the rows of w as multiplied). w: 64 x cols float32, the weights are these
# rows so many times; x: m x cols float32. run() returns y as a numpy array or as a tensor.
def torch_float(dtype_name):
    def make(w, times, x, threads):
        torch = torch_with(threads)
        dtype = getattr(torch, dtype_name)
        tensor, activations = torch.from_numpy(w).to(dtype).repeat(times, 1), torch.from_numpy(x).to(dtype)
        return lambda: torch.nn.functional.linear(activations, tensor), tensor[: len(w)].float().numpy()

    return make


def torch_int8_dynamic(w, times, x, threads):
    torch = torch_with(threads)
    try:
        scales = torch.from_numpy(np.abs(w).max(axis=1) / 127).double().repeat(times)
        weights = torch.quantize_per_channel(
            torch.from_numpy(w).repeat(times, 1), scales, torch.zeros(len(scales), dtype=torch.int64), 0, torch.qint8
        )
        packed = torch.ops.quantized.linear_prepack(weights, None)
        activations = torch.from_numpy(x)
        torch.ops.quantized.linear_dynamic(activations, packed)
    except (AttributeError, RuntimeError) as e:
        raise NotOffered(f"int8 dynamic: {str(e).splitlines()[0]}")
    return lambda: torch.ops.quantized.linear_dynamic(activations, packed), weights[: len(w)].dequantize().numpy()


def torch_int4_weight_only(dtype_name):
    def make(w, times, x, threads, group=128):
        torch = torch_with(threads)
        dtype = getattr(torch, dtype_name)
        codes, scales = four_bit(w, group)
        try:
            repeated = torch.from_numpy(codes.astype(np.int32)).repeat(times, 1)
            packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(repeated, 1)
            del repeated
            # w = (code - 8) * scale + zero, stored group by group
            all_scales = np.tile(scales, (times, 1)).T
            pairs = torch.from_numpy(np.stack([all_scales, np.zeros_like(all_scales)], axis=-1).copy()).to(dtype)
            activations = torch.from_numpy(x).to(dtype)
            run = lambda: torch.ops.aten._weight_int4pack_mm_for_cpu(activations, packed, group, pairs)
            run()
        except (AttributeError, RuntimeError) as e:
            raise NotOffered(f"int4 weight-only: {str(e).splitlines()[0]}")
        rounded = torch.from_numpy(scales).to(dtype).float().numpy()
        return run, (codes.astype(np.float32) - 8) * np.repeat(rounded, group, axis=1)

    return make


def onnx_nbits(accuracy_level):
    def make(w, times, x, threads, block=128):
        try:
            import onnx
            import onnxruntime
        except ImportError as e:
            raise NotOffered(str(e))
        rows, cols = len(w) * times, w.shape[1]
        codes, scales = four_bit(w, block)
        nibbles = np.tile((codes[:, 0::2] | codes[:, 1::2] << 4).reshape(len(w), cols // block, block // 2), (times, 1, 1))
        helper, types = onnx.helper, onnx.TensorProto
        node = helper.make_node(
            "MatMulNBits", ["x", "w", "scales"], ["y"], domain="com.microsoft",
            K=cols, N=rows, bits=4, block_size=block, accuracy_level=accuracy_level,
        )
        constants = [onnx.numpy_helper.from_array(nibbles, "w"),
                     onnx.numpy_helper.from_array(np.tile(scales, (times, 1)).reshape(-1), "scales")]
        graph = helper.make_graph(
            [node], "product",
            [helper.make_tensor_value_info("x", types.FLOAT, [len(x), cols])],
            [helper.make_tensor_value_info("y", types.FLOAT, [len(x), rows])],
            constants,
        )
        imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        model = helper.make_model(graph, opset_imports=imports, ir_version=9)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        run = lambda: session.run(None, {"x": x})[0]
        return run, (codes.astype(np.float32) - 8) * np.repeat(scales, block, axis=1)

    return make


def four_bit(w, group):
    """Codes 0 ... 15 and scales: w is about (code - 8) * scale, a scale for each group of a row."""
    groups = w.reshape(len(w), -1, group)
    scales = (np.abs(groups).max(axis=2) / 7).astype(np.float32)
    codes = np.clip(np.rint(groups / scales[:, :, None]) + 8, 0, 15).astype(np.uint8)
    return codes.reshape(w.shape), scales


# A peer, what it is made by, and the product of Quern's that it is compared with.
PEERS = [
    ("torch f32", torch_float("float32"), "integers.int8_channel/tiled/int8"),
    ("torch bf16", torch_float("bfloat16"), "integers.int8_channel/tiled/int8"),
    ("torch int8 dynamic", torch_int8_dynamic, "integers.int8_channel/tiled/int8"),
    ("torch int4 weight-only, x bf16", torch_int4_weight_only("bfloat16"), "torchao.tinygemm_g128/tiled/int8"),
    ("torch int4 weight-only, x f32", torch_int4_weight_only("float32"), "torchao.tinygemm_g128/tiled/int8"),
    ("MatMulNBits 4 bits g128, x int8", onnx_nbits(4), "integers.uint4_g128/tiled/int8"),
    ("MatMulNBits 4 bits g128, x f32", onnx_nbits(1), "integers.uint4_g128/tiled/int8"),
]


def run_quern(program, product, size, threads):
    """Multiply-adds a second, and the shape, of one product of bench_matmul."""
    pattern = f"^product/{product}/bytes:{size[0]}/m:{size[1]}/threads:{threads}/".replace(".", "\\.")
    command = [program, f"--benchmark_filter={pattern}", "--benchmark_format=json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if not result.get("benchmarks"):
        sys.exit(f"{program} has no product {pattern}")
    one = result["benchmarks"][0]
    shape = int(one["rows"]), int(one["cols"])
    return one["G multiply-adds/s"], shape, result["context"]


def rate_of(run, amount, threads):
    """amount * 1e-9 a second: the median of turns of 20 ms or more, over a second at most."""
    clock = time.thread_time if threads == 1 else time.perf_counter
    run()
    times, begun = [], time.perf_counter()
    while len(times) < 3 or (len(times) < 15 and time.perf_counter() - begun < 1):
        start, runs = clock(), 0
        while runs == 0 or clock() - start < 0.02:
            run()
            runs += 1
        times.append((clock() - start) / runs)
    return amount / statistics.median(times) * 1e-9


def relative_error(y, w, x):
    """Of some results: root mean square of the differences to double precision, relative to the exact ones."""
    y = np.asarray(y.float().numpy() if hasattr(y, "float") else y)[:, :32].astype(np.float64)
    exact = x.astype(np.float64) @ w[:32].astype(np.float64).T
    return math.sqrt(((y - exact) ** 2).sum() / (exact**2).sum())


def versions():
    lines = []
    try:
        import torch

        lines.append(f"torch {torch.__version__}: {torch.backends.cpu.get_cpu_capability()}; "
                     f"quantized engine {torch.backends.quantized.engine}")
        built = [s.strip(" -") for s in torch.__config__.show().splitlines() if "Build settings" not in s]
        lines.append("; ".join(built))
    except ImportError:
        lines.append("torch: not installed")
    try:
        import onnx
        import onnxruntime

        lines.append(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}; {onnxruntime.get_build_info()}")
    except ImportError:
        lines.append("onnxruntime and onnx: not both installed")
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench_matmul")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--m", default="1,8,32,512")
    parser.add_argument("--rounds", type=int, default=3)
    o = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)  # torch's, of parts that it means to drop
    sizes = []
    for m in map(int, o.m.split(",")):
        sizes += [(8 << 20, m)] + ([(256 << 20, 1)] if m == 1 else [])
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {o.threads} threads of {os.cpu_count()}")
    print(*versions(), sep="\n\n", end="\n\n")
    said_machine, missing = False, {}
    print("10^9 multiply-adds a second; error: of the peer's product, beside double precision with its own weights.\n")
    print("| peer | Quern | weights | m | peer | Quern | Quern / peer | error |\n|---|---|---|--:|--:|--:|--:|--:|")
    for name, make, product in PEERS:
        for size in sizes:
            if name in missing:
                continue
            _, (rows, cols), context = run_quern(o.bench_matmul, product, size, o.threads)
            random = np.random.default_rng(1)
            w = random.normal(0, 0.02, (64, cols)).astype(np.float32)
            x = random.normal(0, 1, (size[1], cols)).astype(np.float32)
            try:
                run, multiplied = make(w, rows // len(w), x, o.threads)
            except NotOffered as e:
                missing[name] = str(e)
                continue
            peer, ours = [], []
            for _ in range(o.rounds):
                ours.append(run_quern(o.bench_matmul, product, size, o.threads)[0])
                peer.append(rate_of(run, rows * cols * size[1], o.threads))
            ratio = statistics.median(a / b for a, b in zip(ours, peer))
            print(f"| {name} | `{product}` | {rows} x {cols} | {size[1]} | {statistics.median(peer):.1f} | "
                  f"{statistics.median(ours):.1f} | {ratio:.2f} | {relative_error(run(), multiplied, x):.4f} |", flush=True)
            said_machine = said_machine or context
    if said_machine:
        print(f"\n{said_machine.get('machine')}; Quern's target {said_machine.get('target')}")
    for name, why in missing.items():
        print(f"\nNot measured: {name} ({why})")


main()
