// The pieces of code in docs/ that run kernels.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <limits>
#include <thread>
#include <vector>

namespace {
using namespace quern;
using format = codec<offset_integer<4>, levels<group<32, f16>>>;

// An executor over threads that are made for each job. A program with a pool of its own passes that.
class threads {
 public:
  explicit threads(std::size_t count) : count_(count) {}
  operator executor() { return executor(this, &threads::run, count_); }

 private:
  static void run(void* self, std::size_t count, executor::task task, void* job) {
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      for (std::size_t i = next++; i < count; i = next++) task(job, i);
    };
    std::vector<std::jthread> others(static_cast<threads*>(self)->count_ - 1);
    for (std::jthread& t : others) t = std::jthread(work);
    work();
  }
  std::size_t count_;
};

}  // namespace

int main() {
  const std::size_t rows = 256, cols = 512, m = 2;
  std::vector<float> weights(rows * cols), x(m * cols);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::cos(static_cast<float>(i));
  const matrix_view<const float> activations(x.data(), m, cols);

  threads two(2);
  const auto w = quantize<format>(matrix_view(weights.data(), rows, cols), {}, two);
  const auto tiles = transcode<tiled<format>>(w, two);
  std::vector<float> by_int8(m * rows), by_f32(m * rows), again(m * rows);

  // int8 activations, since the values are small integers; then the same in f32.
  matmul(tiles, activations, matrix_view(by_int8.data(), m, rows), {}, two);
  matmul<f32>(tiles, activations, matrix_view(by_f32.data(), m, rows), {}, two);

  // x is put into the form that the kernels read once, for as many matrices of this format and width as there are. With
  // scratch nothing is allocated.
  std::vector<std::byte> scratch(scratch_bytes(tiles, m));
  const auto prepared = prepare(activations, tiles, scratch);
  matmul(tiles, prepared, matrix_view(again.data(), m, rows));

  // Rows by index: the look-up of embeddings.
  const std::vector<std::uint32_t> tokens{7, 200, 7};
  std::vector<float> embeddings(tokens.size() * cols);
  decode_rows(tiles, tokens, matrix_view(embeddings.data(), tokens.size(), cols));

  // What is not finite is refused, with the element's index, unless a number is asked for in its place.
  weights[cols + 3] = std::numeric_limits<float>::infinity();
  const result<packed<format>> refused = try_quantize<format>(matrix_view<const float>(weights.data(), rows, cols));
  const bool says_where = !refused && refused.error().value == cols + 3;
  const auto saturated = quantize<format>(matrix_view(weights.data(), rows, cols), {.policy = nonfinite::saturate});

  bool near = true;
  for (std::size_t i = 0; i < by_f32.size(); ++i) near &= std::abs(by_int8[i] - by_f32[i]) < 1;
  std::printf("on %s: y[0] = %g by int8, %g by f32\n", target_name(), by_int8[0], by_f32[0]);
  return near && again == by_int8 && embeddings[0] == embeddings[2 * cols] && says_where && saturated.rows() == rows
             ? 0
             : 1;
}
