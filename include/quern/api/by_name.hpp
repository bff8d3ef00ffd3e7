// any_view by name or by GGUF id, over the catalogue or a list of one's own.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/api/any_packed.hpp"
#include "quern/catalog/visit.hpp"

namespace quern::inline v0 {

template <class List>
result<any_view> any_view::try_make(std::string_view name, std::span<const std::span<const std::byte>> arrays,
                                    std::size_t rows, std::size_t cols) noexcept {
  any_view v;
  const bool found = visit<List>(name, [&]<class C>() { v.ops_ = &any_operations_of<C>(); });
  if (!found) return failure{"no codec of the list has this name", "any_view, name", name.size()};
  if (arrays.size() != v.ops_->arrays)
    return failure{"the codec has another number of arrays", "any_view, arrays", arrays.size(), v.ops_->arrays};
  for (std::size_t i = 0; i < arrays.size(); ++i) v.bytes_.arrays[i] = arrays[i];
  v.bytes_.matrix = {rows, cols}, v.bytes_.rows = rows;
  if (const auto ok = v.ops_->check(v.bytes_); !ok) return ok.error();
  return v;
}

template <class List>
result<any_view> any_view::try_make(int gguf_id, std::span<const std::byte> bytes, std::size_t rows,
                                    std::size_t cols) noexcept {
  any_view v;
  const bool found = visit<List>(gguf_id, [&]<class C>() { v.ops_ = &any_operations_of<C>(); });
  if (!found)
    return failure{"no codec of the list has this GGUF id", "any_view, gguf_id", static_cast<std::uint64_t>(gguf_id)};
  v.bytes_.arrays[0] = bytes;
  v.bytes_.matrix = {rows, cols}, v.bytes_.rows = rows;
  if (const auto ok = v.ops_->check(v.bytes_); !ok) return ok.error();
  return v;
}

}  // namespace quern::inline v0
