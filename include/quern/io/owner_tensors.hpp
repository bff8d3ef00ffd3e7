// Matrices in safetensors files as the owners of their formats keep them: the tensors that bitsandbytes,
// compressed-tensors, GPTQModel, AutoAWQ, Model Optimizer, MLX and others write and read. The formats are in
// owner_formats.hpp. What config.json says of a format is neither read nor written.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "quern/io/owner_search.hpp"
#include "quern/io/safetensors_writer.hpp"
#include "quern/storage/packed.hpp"

namespace quern::inline v0::io {

// ---- writing ----

// Declares the tensors of the matrix "MODULE.weight". Where it fails, some of them may have been added.
template <has_owner_tensors P>
result<void> try_add_owner(safetensors_contents& contents, std::string_view name, std::size_t rows,
                           std::size_t cols) noexcept {
  return with_memory("owner's tensors", [&]() -> result<void> {
    const auto module = try_owner_module(name);
    if (!module) return module.error();
    const auto shapes = try_owner_shapes<P>({rows, cols}, "owner's tensors, matrix " + escaped(name));
    if (!shapes) return shapes.error();
    for (const owner_tensor& t : owner_tensors<P>::tensors)
      if (auto ok = contents.try_add(std::string(*module) + std::string(t.suffix), t.dtype,
                                     owner_extents_of<P>(t, shapes->matrix).span());
          !ok)
        return ok;
    return {};
  });
}

// Writes `tensor` where it is one of those of a matrix that was declared; says whether it is. matrix: the owner's shape;
// 0 x 0: that of the weights.
template <has_owner_tensors P>
result<bool> try_write_owner_tensor(safetensors_writer& writer, std::string_view tensor, std::string_view name,
                                    const packed_view<P>& weights, shape matrix = {0, 0}) noexcept {
  return with_memory("owner's tensors", [&]() -> result<bool> {
    const auto module = try_owner_module(name);
    if (!module) return module.error();
    const std::string where = "owner's tensors, matrix " + escaped(name);
    if (!tensor.starts_with(*module)) return false;
    const auto& tensors = owner_tensors<P>::tensors;
    const auto t = std::ranges::find(tensors, tensor.substr(module->size()), &owner_tensor::suffix);
    if (t == tensors.end()) return false;
    if (weights.first_row() != 0 || weights.rows() != weights.matrix().rows)
      return file_failure{"some rows of a matrix are not written; give it whole", where, weights.rows(),
                          weights.matrix().rows};
    const shape own = matrix == shape{0, 0} ? weights.size() : matrix;
    const auto shapes = try_owner_shapes<P>(own, where);
    if (!shapes) return shapes.error();
    const bool is_one_row = owner_tensors<P>::runs_through_rows && weights.size() == shape{1, own.count()};
    if (weights.size() != own && !is_one_row)
      return file_failure{"the weights are of another shape", where, weights.rows(), weights.cols()};
    const safetensors_declaration* declared = writer.contents().find(tensor);
    const owner_extents extents = owner_extents_of<P>(*t, own);
    if (declared == nullptr || declared->dtype != t->dtype || !std::ranges::equal(declared->shape, extents.span()))
      return file_failure{"the matrix was not declared, or with another format or shape", where + of_tensor(tensor)};
    result<void> ok;
    if (t->bytes == owner_bytes::array) {
      ok = writer.try_write(tensor, weights.array(t->index));
    } else {
      std::span<const std::byte> mean;
      each_array<P>([&]<std::size_t I>() {
        if (owner_array_in_text<P, I>) mean = weights.array(I);
      });
      const auto bytes = try_owner_constant<P>(*t, own, mean, where);
      if (!bytes) return bytes.error();
      ok = writer.try_write(tensor, std::as_bytes(std::span(*bytes)));
    }
    if (!ok) return ok.error();
    return true;
  });
}

// Writes all tensors of a matrix.
template <has_owner_tensors P>
result<void> try_write_owner(safetensors_writer& writer, std::string_view name, const packed_view<P>& weights,
                             shape matrix = {0, 0}) noexcept {
  return with_memory("owner's tensors", [&]() -> result<void> {
    const auto module = try_owner_module(name);
    if (!module) return module.error();
    for (const owner_tensor& t : owner_tensors<P>::tensors) {
      const std::string tensor = std::string(*module) + std::string(t.suffix);
      if (const auto ok = try_write_owner_tensor<P>(writer, tensor, name, weights, matrix); !ok) return ok.error();
    }
    return {};
  });
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw file_error.
template <has_owner_tensors P>
void add_owner(safetensors_contents& contents, std::string_view name, std::size_t rows, std::size_t cols) {
  value_or_throw(try_add_owner<P>(contents, name, rows, cols));
}
template <has_owner_tensors P>
bool write_owner_tensor(safetensors_writer& writer, std::string_view tensor, std::string_view name,
                        const packed_view<P>& weights, shape matrix = {0, 0}) {
  return value_or_throw(try_write_owner_tensor<P>(writer, tensor, name, weights, matrix));
}
template <has_owner_tensors P>
void write_owner(safetensors_writer& writer, std::string_view name, const packed_view<P>& weights,
                 shape matrix = {0, 0}) {
  value_or_throw(try_write_owner<P>(writer, name, weights, matrix));
}
#endif

// ---- reading ----

// Finds a matrix by the name "MODULE.weight", and checks dtypes, shapes and constants. In a model of several files its
// tensors may lie in any of them.
template <has_owner_tensors P>
result<owner_matrix<P>> try_find_owner(const safetensors_source& file, std::string_view name) noexcept {
  return with_memory("owner's tensors", [&]() -> result<owner_matrix<P>> {
    const auto module = try_owner_module(name);
    if (!module) return module.error();
    return owner_search<P>(file, name).find(*module);
  });
}

// The matrix, copied; as one row where the owner's blocks run on from row to row.
template <has_owner_tensors P>
result<packed<P>> try_read_owner(const safetensors_source& file, std::string_view name) noexcept {
  const auto found = try_find_owner<P>(file, name);
  if (!found) return found.error();
  return with_memory("owner's tensors", [&]() -> result<packed<P>> {
    auto w = packed<P>::try_make(found->shapes.packed.rows, found->shapes.packed.cols);
    if (!w)
      return file_failure{w.error().what, escaped(file.path().native()) + ", matrix " + escaped(name),
                          w.error().value, w.error().bound};
    for (std::size_t i = 0; i < found->tensors.size(); ++i) {
      const owner_tensor& t = owner_tensors<P>::tensors[i];
      if (t.bytes != owner_bytes::array) continue;
      if (auto ok = file.try_read(found->tensors[i], 0, w->array(t.index)); !ok) return ok.error();
    }
    if constexpr (owner_text_has_array<P>) {
      const std::uint32_t bits = float_to_bits(found->mean);
      const std::span<std::byte> mean = w->array(owner_tensors<P>::mean_array);
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = static_cast<std::byte>(bits >> 8 * i & 0xff);
    }
    return std::move(*w);
  });
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw file_error.
template <has_owner_tensors P>
owner_matrix<P> find_owner(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_find_owner<P>(file, name));
}
template <has_owner_tensors P>
packed<P> read_owner(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_read_owner<P>(file, name));
}
#endif

}  // namespace quern::inline v0::io
