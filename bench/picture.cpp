// Draws what bench_matmul wrote: bench_picture RESULT.json PICTURE.svg. One thread: how near products with each codec are to
// the rate of reading, of weights in the third-level cache and in memory, and with many rows of x to the peak of
// multiply-adds. Prints the same as a table.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/bars.hpp"

namespace {

constexpr const char* columns[] = {"m = 1, weights in the third-level cache: part of the rate of reading",
                                   "m = 1, weights in memory: part of the rate of reading",
                                   "m = 512, int8 or f32 activations: part of their peak of multiply-adds"};
struct line {
  std::vector<double> parts = std::vector<double>(3, std::numeric_limits<double>::quiet_NaN()), rates = parts;
};

// Which column a benchmark belongs to, by what follows its name; -1: to none.
int column_of(const std::string& size) {
  if (size.starts_with("bytes:8388608/m:1/threads:1/")) return 0;
  if (size.starts_with("bytes:268435456/m:1/threads:1/")) return 1;
  return size.starts_with("bytes:8388608/m:512/threads:1/") ? 2 : -1;
}

int draw(const char* from, const char* to) {
  const auto result = nlohmann::json::parse(std::ifstream(from));
  std::vector<std::string> order;
  std::map<std::string, line> lines;
  for (const auto& b : result.at("benchmarks")) {
    const std::string whole = b.at("name");
    const auto at = whole.find("/bytes:");
    if (!whole.starts_with("product/") || at == whole.npos || b.value("run_type", "") != "iteration") continue;
    const int column = column_of(whole.substr(at + 1));
    if (column < 0) continue;
    const std::string name = whole.substr(8, at - 8);
    if (!lines.contains(name)) order.push_back(name);
    const auto i = static_cast<std::size_t>(column);
    lines[name].parts[i] = b.at(column == 2 ? "of_peak" : "of_reading");
    lines[name].rates[i] = b.at(column == 2 ? "G multiply-adds/s" : "GB/s");
  }
  if (order.empty()) {
    std::fprintf(stderr, "%s holds no products of one thread\n", from);
    return 1;
  }
  bench::bar_chart chart{"Products beside the roof",
                         result.at("context").value("machine", ""),
                         "part of the roof, one thread",
                         {std::begin(columns), std::end(columns)},
                         {}};
  std::printf(
      "| product | third-level cache, GB/s | of reading | memory, GB/s | of reading | m = 512, 10^9/s | of peak |\n"
      "|---|--:|--:|--:|--:|--:|--:|\n");
  for (const std::string& name : order) {
    const line& l = lines[name];
    chart.rows.push_back({name, l.parts});
    std::printf("| `%s` |", name.c_str());
    for (std::size_t i = 0; i < 3; ++i)
      if (std::isnan(l.parts[i])) std::printf(" | |");
      else std::printf(" %.1f | %.2f |", l.rates[i], l.parts[i]);
    std::printf("\n");
  }
  std::ofstream out(to, std::ios::binary);
  out << bench::svg(chart);
  return out.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s RESULT.json PICTURE.svg\n", argv[0]);
    return 2;
  }
  try {
    return draw(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[1], e.what());
    return 1;
  }
}
