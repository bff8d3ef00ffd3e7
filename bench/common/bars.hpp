// A picture of bars: for each name a few numbers, as parts of 1. Drawn with what the demo's picture is drawn with.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "demo/plot_svg.hpp"

namespace bench {

struct bar_row {
  std::string name;
  std::vector<double> values;  // one for each series; no bar where it is not finite or below 0
};

// Texts are UTF-8.
struct bar_chart {
  std::string title, subtitle, axis_name;
  std::vector<std::string> series;  // at most four
  std::vector<bar_row> rows;
};

// Bars of one row lie below each other, in the order of the series. The axis goes to 1, or to what the longest bar needs,
// at most 2; a bar that needs more says its number.
inline std::string svg(const bar_chart& c) {
  using namespace plot;
  constexpr std::array<std::string_view, 4> colors{"#3b6fa0", "#8fb8d8", "#c8371b", "#e0a030"};
  constexpr double width = 900, left = 250, right = 850, bar = 9, gap = 9, name_size = 12.5;
  const std::size_t series = std::min(c.series.size(), colors.size());
  const double legend = 76, top = legend + 22 * static_cast<double>(series) - 4;
  const double row_height = bar * static_cast<double>(series) + gap;
  const double bottom = top + row_height * static_cast<double>(c.rows.size()) + gap;
  double longest = 1;
  for (const bar_row& r : c.rows)
    for (const double v : r.values)
      if (std::isfinite(v)) longest = std::max(longest, v);
  const int steps = std::min(10, static_cast<int>(std::ceil(longest / 0.2 - 1e-9)));
  const double end = 0.2 * steps;
  const auto x_of = [&](double v) { return left + std::min(v, end) / end * (right - left); };

  svg_writer out;
  out.begin(width, bottom + 62, c.title);
  out.heading(30, right + 30, c.title, c.subtitle);
  const auto rectangle = [&](const box& b, std::string_view color, std::string_view hint) {
    out.line("<rect x=\"" + out.at(b.left) + "\" y=\"" + out.at(b.top) + "\" width=\"" + out.at(b.right - b.left) +
             "\" height=\"" + out.at(b.bottom - b.top) + "\" fill=\"" + std::string(color) + "\"><title>" +
             xml(code_points(hint)) + "</title></rect>");
  };
  for (std::size_t s = 0; s < series; ++s) {
    const double y = legend + 22 * static_cast<double>(s);
    rectangle({left, y - 10, left + 22, y}, colors[s], c.series[s]);
    out.text({left + 30, y}, 13, "start", plot_style::ink, fitted(c.series[s], 13, right - left - 30));
  }
  for (int i = 0; i <= steps; ++i) {
    const double x = x_of(0.2 * i);
    out.segment({x, top}, {x, bottom}, i == 0 || i == 5 ? plot_style::line : plot_style::grid);
    out.text({x, bottom + 18}, 12.5, "middle", plot_style::ink, code_points(number(0.2 * i, 1)));
  }
  out.text({(left + right) / 2, bottom + 44}, 14.5, "middle", plot_style::ink, fitted(c.axis_name, 14.5, width - 60));
  for (std::size_t r = 0; r < c.rows.size(); ++r) {
    const double y = top + gap + row_height * static_cast<double>(r);
    const std::string& name = c.rows[r].name;
    out.text({left - 10, y + bar * static_cast<double>(series) / 2 + 4.5}, name_size, "end", plot_style::ink,
             fitted(name, name_size, left - 30));
    for (std::size_t s = 0; s < std::min(series, c.rows[r].values.size()); ++s) {
      const double v = c.rows[r].values[s], at = y + bar * static_cast<double>(s);
      if (!std::isfinite(v) || v < 0) continue;
      rectangle({left, at, x_of(v), at + bar - 1}, colors[s], name + ", " + c.series[s] + ": " + number(v, 3));
      if (v > end) out.text({right + 4, at + bar - 1}, 9, "start", plot_style::ink, code_points(number(v, 1)));
    }
  }
  out.line("</svg>");
  return std::move(out).take();
}

}  // namespace bench
