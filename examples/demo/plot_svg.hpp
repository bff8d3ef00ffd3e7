// What pictures are written with: elements of SVG, and the colours of all of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "plot_labels.hpp"
#include "plot_text.hpp"

namespace plot {

namespace plot_style {
constexpr std::string_view ink = "#222222", grey = "#5a5a5a", grid = "#e4e4e4", line = "#9a9a9a", other = "#3b6fa0",
                           highlight = "#c8371b";
}  // namespace plot_style

// Elements of SVG, one a line.
class svg_writer {
 public:
  static std::string at(double x) { return number(x, 2); }

  void line(std::string_view element) { text_.append(element) += '\n'; }
  // The first lines of a picture, on white; its last one is </svg>.
  void begin(double width, double height, std::string_view title) {
    const std::string size = "width=\"" + at(width) + "\" height=\"" + at(height) + "\"";
    line("<svg xmlns=\"http://www.w3.org/2000/svg\" " + size + " viewBox=\"0 0 " + at(width) + " " + at(height) +
         "\" role=\"img\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">");
    line("<title>" + xml(code_points(title)) + "</title>");
    line("<rect " + size + " fill=\"#ffffff\"/>");
  }
  // The title and a line below it.
  void heading(double left, double right, std::string_view title, std::string_view subtitle) {
    text({left, 30}, 19, "start", plot_style::ink, fitted(title, 19, right - left, true), " font-weight=\"bold\"");
    text({left, 51}, 13, "start", plot_style::grey, fitted(subtitle, 13, right - left));
  }
  void segment(spot from, spot to, std::string_view color) {
    line("<line x1=\"" + at(from.x) + "\" y1=\"" + at(from.y) + "\" x2=\"" + at(to.x) + "\" y2=\"" + at(to.y) +
         "\" stroke=\"" + std::string(color) + "\"/>");
  }
  // anchor: start, middle or end; the baseline is at the spot.
  void text(spot where, double size, std::string_view anchor, std::string_view color, std::u32string_view words,
            std::string_view more = "") {
    line("<text x=\"" + at(where.x) + "\" y=\"" + at(where.y) + "\" font-size=\"" + at(size) + "\" text-anchor=\"" +
         std::string(anchor) + "\" fill=\"" + std::string(color) + "\"" + std::string(more) + ">" + xml(words) +
         "</text>");
  }
  // A disc, or a diamond where it is highlighted; hint: what a browser shows beside the pointer.
  void marker(spot where, double radius, bool highlighted, std::u32string_view hint) {
    const std::string fill = " fill=\"" + std::string(highlighted ? plot_style::highlight : plot_style::other) +
                             "\" stroke=\"#ffffff\"><title>" + xml(hint) + "</title>";
    if (!highlighted)
      return line("<circle cx=\"" + at(where.x) + "\" cy=\"" + at(where.y) + "\" r=\"" + at(radius) + "\"" + fill +
                  "</circle>");
    line("<path d=\"M" + at(where.x) + " " + at(where.y - radius) + "L" + at(where.x + radius) + " " + at(where.y) +
         "L" + at(where.x) + " " + at(where.y + radius) + "L" + at(where.x - radius) + " " + at(where.y) + "Z\"" +
         fill + "</path>");
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace plot
