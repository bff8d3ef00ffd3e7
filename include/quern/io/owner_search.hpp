// Finds the tensors of a matrix in a file and checks them before they are believed. For owner_tensors.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "quern/io/owner_layout.hpp"
#include "quern/io/safetensors_source.hpp"

namespace quern::inline v0::io {

// A matrix in a file: the owner's shape, that of the codec, and the tensors. Valid as long as the file.
template <has_owner_tensors P>
struct owner_matrix {
  owner_shapes<P> shapes;
  float mean = 0;                                                   // of the absmaxes, where it is in the text
  std::array<safetensors_member, owner_tensor_count<P>> tensors{};  // of no tensor: a file need not have it
};

// What finds a matrix: one file or model, one name.
template <has_owner_tensors P>
class owner_search {
 public:
  owner_search(const safetensors_source& file, std::string_view name)
      : file_(file), where_(escaped(file.path().native()) + ", matrix " + escaped(name)) {}

  result<owner_matrix<P>> find(std::string_view module) {
    if (auto ok = find_tensors(std::string(module)); !ok) return ok.error();
    const auto own = matrix_shape();
    if (!own) return own.error();
    auto shapes = try_owner_shapes<P>(*own, where_);
    if (!shapes) return shapes.error();
    found_.shapes = *shapes;
    for (std::size_t i = 0; i < declared.size(); ++i) {
      if (found_.tensors[i].tensor == nullptr) continue;
      if (auto ok = check(declared[i], found_.tensors[i]); !ok) return ok.error();
    }
    return found_;
  }

 private:
  using O = owner_tensors<P>;
  static constexpr const auto& declared = O::tensors;
  static constexpr std::uint64_t most_read = 1u << 16;  // bytes at a time

  file_failure refusal(const char* what, std::string_view tensor, std::uint64_t value = 0, std::uint64_t bound = 0) {
    return {what, where_ + of_tensor(tensor), value, bound};
  }
  result<void> find_tensors(const std::string& module) {
    for (std::size_t i = 0; i < declared.size(); ++i) {
      const owner_tensor& t = declared[i];
      const std::string name = module + std::string(t.suffix);
      auto there = file_.find(name);
      if (!there && !t.other_suffix.empty()) there = file_.find(module + std::string(t.other_suffix));
      if (!there && !t.is_optional) return refusal("the matrix has no such tensor", name);
      if (there && there->tensor->dtype != t.dtype)
        return refusal("the tensor is of another dtype than this format's", there->tensor->name);
      found_.tensors[i] = there.value_or(safetensors_member());
    }
    for (const std::string_view suffix : O::foreign)
      if (const auto other = file_.find(module + std::string(suffix)))
        return refusal("a matrix of this format has no such tensor", other->tensor->name);
    return {};
  }
  // Where a tensor says it, from that; else from the extents of the first.
  result<shape> matrix_shape() {
    for (std::size_t i = 0; i < declared.size(); ++i) {
      if (declared[i].bytes == owner_bytes::matrix_shape) return shape_in(found_.tensors[i]);
      if constexpr (requires { O::state; })
        if (declared[i].bytes == owner_bytes::quant_state) return shape_in_text(found_.tensors[i]);
    }
    const owner_tensor& t = declared[0];
    const safetensors_tensor& there = *found_.tensors[0].tensor;
    if (there.shape.size() != t.rank) return refusal("the tensor does not have the shape of a matrix", there.name);
    shape s{0, 0};
    for (std::size_t i = 0; i < t.rank; ++i) {
      const owner_extent& e = t.extents[i];
      if (there.shape[i] % e.times != 0)
        return refusal("an extent is not whole words of this format", there.name, there.shape[i], e.times);
      std::size_t n = 0;
      if (there.shape[i] > SIZE_MAX ||
          !multiply(static_cast<std::size_t>(there.shape[i] / e.times), static_cast<std::size_t>(e.over), n))
        return refusal("rows x cols overflows", there.name, there.shape[i]);
      (e.what == owner_extent::of::rows ? s.rows : s.cols) = n;
    }
    return s;
  }
  result<shape> shape_in(const safetensors_member& m) {
    const safetensors_tensor& t = *m.tensor;
    std::array<std::byte, 16> bytes{};
    if (t.bytes != bytes.size()) return refusal("the tensor does not have the shape of the matrix", t.name);
    if (auto ok = file_.try_read(m, 0, bytes); !ok) return ok.error();
    const std::uint64_t rows = load_little(bytes.data(), 8), cols = load_little(bytes.data() + 8, 8);
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();  // beyond: they are negative
    if (rows > most || cols > most || rows > SIZE_MAX || cols > SIZE_MAX)
      return refusal("rows x cols overflows", t.name, rows, cols);
    return shape{static_cast<std::size_t>(rows), static_cast<std::size_t>(cols)};
  }
  result<shape> shape_in_text(const safetensors_member& m) requires requires { O::state; }
  {
    const safetensors_tensor& t = *m.tensor;
    bnb_quant_state_events events(O::state, file_.file_of(m).input().path().native(), t.offset);
    aligned_bytes room;
    const auto text = [&](std::uint64_t at) -> result<std::string_view> {
      const auto bytes = file_.try_view(m, at, std::min<std::uint64_t>(t.bytes - at, most_read), room);
      if (!bytes) return bytes.error();
      return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    };
    if (const auto ok = try_read_json(t.bytes, text, events); !ok) {
      file_failure f = ok.error();
      f.where += of_tensor(t.name);
      return f;
    }
    found_.mean = events.mean();
    return events.matrix();
  }
  // Shape, bytes, and what must be the same in every file. The text is another one in every file.
  result<void> check(const owner_tensor& t, const safetensors_member& m) {
    const safetensors_tensor& there = *m.tensor;
    if (t.bytes == owner_bytes::quant_state) return {};
    const owner_extents want = owner_extents_of<P>(t, found_.shapes.matrix);
    // One number may have no extent or one.
    const bool is_number = t.rank == 0 || (t.rank == 1 && want.extents[0] == 1);
    if (!std::ranges::equal(there.shape, want.span()) &&
        !(is_number && (there.shape.empty() || (there.shape.size() == 1 && there.shape[0] == 1))))
      return refusal("the tensor does not have the shape of the matrix", there.name);
    if (t.bytes == owner_bytes::array) {
      if (there.bytes == found_.shapes.bytes[t.index]) return {};
      return refusal("the tensor does not have the bytes of the codec", there.name, there.bytes,
                     found_.shapes.bytes[t.index]);
    }
    const std::size_t size = bits_of(t.dtype) / 8;
    aligned_bytes room;
    for (std::uint64_t at = 0; at < there.bytes;) {
      const std::uint64_t count = std::min<std::uint64_t>(there.bytes - at, most_read);
      const auto bytes = file_.try_view(m, at, count, room);
      if (!bytes) return bytes.error();
      for (std::uint64_t i = 0; i < count; i += size) {
        std::uint64_t value = load_little(bytes->data() + i, size);
        if (t.bytes == owner_bytes::values && value == 0x80000000) value = 0;
        if (value != owner_element<P>(t, found_.shapes.matrix, (at + i) / size))
          return refusal(t.bytes == owner_bytes::groups ? "columns are in another order (g_idx)"
                                                        : "the tensor does not have the numbers of this format",
                         there.name, (at + i) / size);
      }
      at += count;
    }
    return {};
  }

  safetensors_source file_;
  std::string where_;
  owner_matrix<P> found_;
};

}  // namespace quern::inline v0::io
