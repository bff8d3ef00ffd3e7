// Quantizes real weights with fifteen formats: demo MODEL FOLDER. Prints a table of size, error and speed, and writes into
// the folder the same table (demo.md), a picture of it (demo.svg) and all matrices (demo.safetensors), which it reads
// again and compares bit for bit.
// SPDX-License-Identifier: Apache-2.0
#include <quern/io/packed_tensors.hpp>
#include <quern/measure/bits_per_weight.hpp>
#include <quern/measure/difference.hpp>
#include <quern/simd.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "codecs.hpp"
#include "plot.hpp"
#include "weights.hpp"

namespace demo {
namespace {

struct row {
  std::string name;
  double bits = 0, sqnr = 0, encode = 0, decode = 0, product = 0;  // the last three in GB/s
  bool is_mine = false;
};

// Seconds that f takes: the best of a few, each at least 20 ms long.
double seconds(const std::function<void()>& f) {
  using clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto start = clock::now();
    int runs = 0;
    double took = 0;
    while (took < 0.02) {
      f(), ++runs;
      took = std::chrono::duration<double>(clock::now() - start).count();
    }
    best = std::min(best, took / runs);
  }
  return best;
}

constexpr std::size_t speed_bytes = std::size_t{8} << 20;  // of weights in a product: the third-level cache

// The sum of all words, a few vectors of sums at a time.
[[gnu::noinline]] std::uint64_t sum_of(const std::uint64_t* words, std::size_t n) {
  std::uint64_t sums[64] = {}, sum = 0;
  for (std::size_t i = 0; i + 64 <= n; i += 64)
    for (std::size_t j = 0; j < 64; ++j) sums[j] += words[i + j];
  for (const std::uint64_t s : sums) sum += s;
  return sum;
}

// Bytes a second at which this core reads so many.
double read_rate() {
  const std::vector<std::uint64_t> words(speed_bytes / 8, 1);
  std::uint64_t sum = 0;
  const double s = seconds([&] { sum += sum_of(words.data(), words.size()); });
  return sum == 0 ? 0 : static_cast<double>(speed_bytes) / s;
}

// Bytes of weights a second in products of one vector with tiles: the panels of `w` again and again, 8 MiB of them.
template <class C>
double product_rate(const packed<C>& w) {
  using T = tiled<C>;
  const packed<T> panel = transcode<T>(w);
  const std::size_t panel_rows = w.rows() / 16 * 16, cols = w.cols();
  if (panel_rows == 0) return 0;
  const double bytes_a_row = bits_per_weight<T> / 8 * static_cast<double>(cols);
  const auto rows = static_cast<std::size_t>(static_cast<double>(speed_bytes) / bytes_a_row);
  packed<T> many(std::max<std::size_t>(rows / panel_rows, 1) * panel_rows, cols);
  for (std::size_t a = 0; a < T::layout::arrays; ++a) {
    const auto to = many.array(a);
    const auto from = panel.array(a).first(std::min(panel.array(a).size(), to.size()));
    for (std::size_t at = 0; !from.empty() && at < to.size(); at += from.size())
      std::memcpy(to.data() + at, from.data(), std::min(from.size(), to.size() - at));
  }
  std::vector<float> x(cols), y(many.rows());
  for (std::size_t i = 0; i < cols; ++i) x[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 64;
  const auto prepared = prepare(matrix_view<const float>(x.data(), 1, cols), many);
  const double s = seconds([&] { matmul(many, prepared, matrix_view<float>(y.data(), 1, y.size())); });
  return bytes_a_row * static_cast<double>(many.rows()) / s;
}

template <class C>
row compare(const matrices& model) {
  row r{std::string(name<C>), 0, 0, 0, 0, 0, std::same_as<C, mine>};
  difference d;
  std::uint64_t bytes = 0;
  double encode = 0, decode = 0;
  for (const matrix& m : model.all()) {
    packed<C> w(m.rows, m.cols);
    encode += seconds([&] { quantize_into<C>(w.span(), m.view()); });
    std::vector<float> again(m.x.size());
    decode += seconds([&] { dequantize(w, matrix_view<float>(again.data(), m.rows, m.cols)); });
    d.merge(measure(m.view(), matrix_view<const float>(again.data(), m.rows, m.cols)));
    for (std::size_t a = 0; a < C::layout::arrays; ++a) bytes += w.array(a).size();
  }
  const double floats = 4.0 * static_cast<double>(model.weights());
  r.bits = measured_bits_per_weight(bytes, model.weights()), r.sqnr = d.sqnr_db();
  r.encode = floats / encode * 1e-9, r.decode = floats / decode * 1e-9;
  r.product = product_rate(quantize<C>(model.all().front().view())) * 1e-9;
  return r;
}

std::string tensor_name(const matrix& m, std::string_view codec) { return m.name + "@" + std::string(codec); }

void write(const std::filesystem::path& path, const matrices& model) {
  io::safetensors_contents contents;
  for_each_type(compared{}, [&]<class C>() {
    for (const matrix& m : model.all()) io::add_packed<C>(contents, tensor_name(m, name<C>), m.rows, m.cols);
  });
  auto out = io::safetensors_writer::create(path, std::move(contents));
  for_each_type(compared{}, [&]<class C>() {
    for (const matrix& m : model.all()) io::write_packed(out, tensor_name(m, name<C>), quantize<C>(m.view()));
  });
  out.commit();
}

// How many matrices of the file are not, bit for bit, what quantizing gives.
std::size_t differing(const std::filesystem::path& path, const matrices& model) {
  const auto file = io::safetensors_file::open(path);
  std::size_t n = 0;
  for_each_type(compared{}, [&]<class C>() {
    for (const matrix& m : model.all()) {
      const packed_view<C> read = io::view_packed<C>(file, tensor_name(m, name<C>));
      const packed<C> want = quantize<C>(m.view());
      bool same = true;
      for (std::size_t a = 0; a < C::layout::arrays; ++a) same = same && std::ranges::equal(read.array(a), want.array(a));
      n += !same;
    }
  });
  return n;
}

std::string table(const std::vector<row>& rows, double roof) {
  std::string s = "| codec | bits a weight | SQNR, dB | encode, GB/s | decode, GB/s | matvec, GB/s | of reading |\n"
                  "|---|--:|--:|--:|--:|--:|--:|\n";
  for (const row& r : rows) {
    char line[200];
    std::snprintf(line, sizeof line, "| %-22s | %6.3f | %5.2f | %6.1f | %6.1f | %6.1f | %3.0f %% |\n",
                  (r.name + (r.is_mine ? " (ours)" : "")).c_str(), r.bits, r.sqnr, r.encode, r.decode, r.product,
                  100 * r.product / roof);
    s += line;
  }
  return s;
}

void save(const std::filesystem::path& path, const std::string& text) {
  auto out = io::value_or_throw(io::output_file::try_create(path));
  io::value_or_throw(out.try_write(std::as_bytes(std::span(text))));
  io::value_or_throw(out.try_commit());
}

int compare_all(const std::filesystem::path& input, const std::filesystem::path& folder) {
  const matrices model(input, std::size_t{1} << 22);
  if (model.all().empty()) {
    std::fprintf(stderr, "demo: %s has no matrix of floats whose rows are multiples of 256\n", input.c_str());
    return 1;
  }
  std::printf("%zu matrices of %s, %zu weights\n\n", model.all().size(), input.c_str(), model.weights());
  const double roof = read_rate() * 1e-9;
  std::vector<row> rows;
  for_each_type(compared{}, [&]<class C>() { rows.push_back(compare<C>(model)); });
  std::ranges::stable_sort(rows, {}, &row::bits);
  const std::string text = table(rows, roof);
  char notes[300];
  std::snprintf(notes, sizeof notes,
                "\nOne thread. Encode and decode count bytes of f32, matvec bytes of packed weights: %zu MiB of them, which "
                "this core reads at %.0f GB/s.\n",
                speed_bytes >> 20, roof);
  std::fputs((text + notes).c_str(), stdout);

  plot::figure f{"Error against size", input.filename().string() + ", " + std::to_string(model.weights()) + " weights",
                 "bits a weight", "SQNR, dB", "presets", "composed in the demo", {}, plot::axis_scale::linear};
  for (const row& r : rows) f.points.push_back({r.name, r.bits, r.sqnr, r.is_mine});
  std::filesystem::create_directories(folder);
  save(folder / "demo.md", "# " + input.filename().string() + "\n\n" + text + notes);
  save(folder / "demo.svg", plot::svg(f));
  write(folder / "demo.safetensors", model);
  const std::size_t wrong = differing(folder / "demo.safetensors", model);
  std::printf("\n%s: demo.md, demo.svg, demo.safetensors; read again, %zu of %zu matrices differ\n", folder.c_str(), wrong,
              compared::size * model.all().size());
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace demo

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: demo MODEL FOLDER\n", stderr);
    return 2;
  }
  try {
    return demo::compare_all(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "demo: %s\n", e.what());
    return 1;
  }
}
