#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints include/quern/catalog/iq_points.hpp from the grids of the Python package gguf.

    pip install gguf
    python3 scripts/make_iq_points.py > include/quern/catalog/iq_points.hpp
"""
from importlib.metadata import version

import numpy as np
from gguf import quants

GRIDS = [  # name, class of the package, bits of a level, what a level means there
    ("iq2xxs_points", quants.IQ2_XXS, 2, "8 elements of IQ2_XXS"),
    ("iq2xs_points", quants.IQ2_XS, 2, "8 elements of IQ2_XS"),
    ("iq2s_points", quants.IQ2_S, 2, "8 elements of IQ2_S"),
    ("iq1s_points", quants.IQ1_S, 2, "8 elements of IQ1_S and IQ1_M"),
    ("iq3xxs_points", quants.IQ3_XXS, 3, "4 elements of IQ3_XXS"),
    ("iq3s_points", quants.IQ3_S, 3, "4 elements of IQ3_S"),
]

HEAD = """\
// The points of the IQ grids of GGUF, in index order. A point lists the levels of its elements, first element lowest.
// Data only: made by scripts/make_iq_points.py from the Python package gguf {version}.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

#include "quern/catalog/checksum.hpp"

namespace quern {{
inline namespace v0 {{
namespace gguf {{
"""

TAIL = """
}  // namespace gguf
}  // namespace v0
}  // namespace quern"""


def packed_points(kind, bits):
    """Each point of the grid of a class of the package, as its levels side by side in 16 bits."""
    kind.init_grid()
    values = kind.grid.reshape(kind.grid_shape)
    level_of = {value: level for level, value in enumerate(kind.grid_map)}
    return [sum(level_of[value] << bits * j for j, value in enumerate(point)) for point in values.tolist()]


def fnv1a(data):
    """FNV-1a, 64 bits, of bytes."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def table(name, points, bits, what, per_line=14):
    """A C++ array with its checksum."""
    lines = [f"// {what}, {bits} bits each.", f"inline constexpr std::array<std::uint16_t, {len(points)}> {name}{{"]
    for i in range(0, len(points), per_line):
        lines.append("    " + ", ".join(f"0x{point:04x}" for point in points[i : i + per_line]) + ",")
    sum_ = fnv1a(np.array(points, "<u2").tobytes())
    return "\n".join(lines + ["};", f"static_assert(checksum({name}) == 0x{sum_:016x});"])


if __name__ == "__main__":
    print(HEAD.format(version=version("gguf")))
    print("\n\n".join(table(name, packed_points(kind, bits), bits, what) for name, kind, bits, what in GRIDS))
    print(TAIL)
