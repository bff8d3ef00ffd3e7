// The descriptions of the codecs of the catalogue. Those that have a number in GGUF are compiled in another file, since
// there are many.
// SPDX-License-Identifier: Apache-2.0
#include <quern/codec/describe.hpp>
#include <quern/quern.hpp>

#include "codec.hpp"

namespace inspect {
namespace {

using namespace quern;

using others = concat<mx::presets, nv::presets, fp8::presets, integers::presets, bnb::presets, gptq::presets,
                      awq::presets, mlx::presets, compressed_tensors::presets, hqq::presets, torchao::presets,
                      marlin::presets, bitnet::presets>::type;
static_assert(concat<gguf::presets, others, ik::presets>::type::size == catalog::size, "a family has no descriptions");

}  // namespace

std::optional<std::string> description(std::string_view name) {
  std::optional<std::string> text = gguf_description(name);
  if (!text) visit<others>(name, [&]<class C>() { text = describe<C>(); });
  return text;
}

}  // namespace inspect
