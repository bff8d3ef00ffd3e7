// Matrices under their owners' names, encoded and written for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/folder.hpp"
#include "quern/io/owner_tensors.hpp"
#include "quern/reference/encode.hpp"
#include "support.hpp"

namespace support {

template <class P>
quern::packed<P> encoded(std::size_t rows, std::size_t cols) {
  std::vector<float> x(rows * cols);
  random_source random(rows * 131 + cols);
  for (float& v : x) v = random.uniform();
  quern::packed<P> w(rows, cols);
  REQUIRE(quern::reference::encode<P>(quern::matrix_view<const float>(x.data(), rows, cols), w.span()));
  return w;
}
template <class P>
bool same_bytes(const quern::packed<P>& a, const quern::packed<P>& b) {
  for (std::size_t i = 0; i < P::layout::arrays; ++i)
    if (text_of(a.array(i)) != text_of(b.array(i))) return false;
  return a.size() == b.size();
}
// A file of one matrix. matrix: the owner's shape; 0 x 0: that of the weights. say: adds metadata.
template <class P>
void write_owner(const std::filesystem::path& path, std::string_view name, const quern::packed<P>& w,
                 quern::shape matrix = {0, 0}, const std::function<void(quern::io::safetensors_contents&)>& say = {}) {
  namespace io = quern::io;
  const quern::shape own = matrix == quern::shape{0, 0} ? w.size() : matrix;
  io::safetensors_contents c;
  io::add_owner<P>(c, name, own.rows, own.cols);
  if (say) say(c);
  auto out = io::safetensors_writer::create(path, c);
  io::write_owner<P>(out, name, w, matrix);
  out.commit();
}
// The bytes of a tensor.
inline std::string text_in(const quern::io::safetensors_file& f, const std::string& tensor) {
  quern::aligned_bytes room;
  return text_of(f.view(f.at(tensor), room));
}

}  // namespace support
