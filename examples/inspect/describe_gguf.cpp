// The descriptions of the codecs that have a number in GGUF.
// SPDX-License-Identifier: Apache-2.0
#include <quern/codec/describe.hpp>
#include <quern/quern.hpp>

#include "codec.hpp"

namespace inspect {

std::optional<std::string> gguf_description(std::string_view name) {
  std::optional<std::string> text;
  using list = quern::concat<quern::gguf::presets, quern::ik::presets>::type;
  quern::visit<list>(name, [&]<class C>() { text = quern::describe<C>(); });
  return text;
}

}  // namespace inspect
