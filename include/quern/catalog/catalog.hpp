// The catalogue: every preset with a name, by family.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/type_list.hpp"
#include "quern/catalog/awq.hpp"
#include "quern/catalog/bitnet.hpp"
#include "quern/catalog/bnb.hpp"
#include "quern/catalog/compressed_tensors.hpp"
#include "quern/catalog/fp8.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/gptq.hpp"
#include "quern/catalog/hqq.hpp"
#include "quern/catalog/ik.hpp"
#include "quern/catalog/integers.hpp"
#include "quern/catalog/marlin.hpp"
#include "quern/catalog/mlx.hpp"
#include "quern/catalog/mx.hpp"
#include "quern/catalog/nv.hpp"
#include "quern/catalog/torchao.hpp"

namespace quern::inline v0 {

// A list of one's own may be longer: struct formats : concat<catalog, type_list<mine, yours>>::type {};
struct catalog : concat<gguf::presets, mx::presets, nv::presets, fp8::presets, integers::presets, bnb::presets,
                        gptq::presets, awq::presets, mlx::presets, compressed_tensors::presets, hqq::presets,
                        torchao::presets, marlin::presets, bitnet::presets, ik::presets>::type {};

}  // namespace quern::inline v0
