// What finds the matrices of the catalogue's codecs under their owners' names.
// SPDX-License-Identifier: Apache-2.0
#include <quern/io/owner_tensors.hpp>
#include <quern/quern.hpp>

#include "codec.hpp"

namespace inspect {
namespace {

using namespace quern;

template <class C>
io::result<owner_matrix> find(const io::safetensors_source& file, std::string_view matrix) {
  const auto found = io::try_find_owner<C>(file, matrix);
  if (!found) return found.error();
  owner_matrix m{found->shapes.matrix, found->shapes.packed, {}, {}, {}};
  for (std::size_t i = 0; i < found->tensors.size(); ++i) {
    if (found->tensors[i].tensor == nullptr) continue;
    const io::owner_tensor& t = io::owner_tensors<C>::tensors[i];
    if (t.bytes == io::owner_bytes::array) m.arrays[t.index] = found->tensors[i];
    m.tensors.push_back(found->tensors[i]);
  }
  if constexpr (io::owner_text_has_array<C>) io::put_little(m.text, float_to_bits(found->mean), 4);
  return m;
}

}  // namespace

find_owner* owner_of(std::string_view codec) {
  find_owner* f = nullptr;
  visit<catalog>(codec, [&]<class C>() {
    if constexpr (io::has_owner_tensors<C>) f = find<C>;
  });
  return f;
}

}  // namespace inspect
