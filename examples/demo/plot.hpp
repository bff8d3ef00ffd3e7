// A picture of points with labels, such as formats by their size and error, as SVG of 900 x 600. In one program the
// same figure gives the same bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plot_axis.hpp"
#include "plot_labels.hpp"
#include "plot_svg.hpp"
#include "plot_text.hpp"

namespace plot {

struct plot_point {
  std::string label;
  double x = 0, y = 0;
  bool highlighted = false;
};

// Texts are UTF-8. Names of axes say the unit. The legend names both kinds of points, those that there are.
struct figure {
  std::string title, subtitle, x_name, y_name, others_name, highlighted_name;
  std::vector<plot_point> points;
  axis_scale y_scale = axis_scale::linear;
};

// A point that has no place on its axes (it is not finite, or not above 0 on a logarithmic axis) is left out, and the
// picture says how many are.
struct picture {
  std::string svg;
  std::vector<label_wish> markers;  // of the points that are shown
  std::vector<label_place> labels;  // of the same
  box area{};                       // between the axes
  std::size_t left_out = 0;
};

namespace plot_style {
constexpr double width = 900, height = 600;
constexpr box area{86, 84, 872, 530};
constexpr double label_size = 12.5, label_height = 15;
}  // namespace plot_style

inline double marker_radius(bool highlighted) { return highlighted ? 7.5 : 4.25; }

// The axes that a figure's points need; those of 0 ... 1, or 0.1 ... 10, where it has none to show.
inline std::pair<axis, axis> axes_of(const std::vector<plot_point>& shown, axis_scale y_scale) {
  const auto axis_of = [&](axis_scale scale, double plot_point::*member, int most) {
    double least = scale == axis_scale::linear ? 0 : 0.2, greatest = scale == axis_scale::linear ? 1 : 5;
    if (!shown.empty()) {
      const auto less = [&](const plot_point& a, const plot_point& b) { return a.*member < b.*member; };
      const auto [first, last] = std::minmax_element(shown.begin(), shown.end(), less);
      least = (*first).*member, greatest = (*last).*member;
    }
    return make_axis(scale, least, greatest, most);
  };
  return {axis_of(axis_scale::linear, &plot_point::x, 14), axis_of(y_scale, &plot_point::y, 13)};
}

// The grid, its frame, the values beside it and the names of the axes.
inline void draw_axes(svg_writer& out, const axis& x, const axis& y, const figure& f) {
  using namespace plot_style;
  for (const tick& t : x.ticks) {
    const double at = area.left + x.at(t.value) * (area.right - area.left);
    out.segment({at, area.top}, {at, area.bottom}, grid);
    out.text({at, area.bottom + 18}, 12.5, "middle", ink, code_points(t.text));
  }
  for (const tick& t : y.ticks) {
    const double at = area.bottom - y.at(t.value) * (area.bottom - area.top);
    out.segment({area.left, at}, {area.right, at}, grid);
    if (!t.text.empty()) out.text({area.left - 8, at + 4.5}, 12.5, "end", ink, code_points(t.text));
  }
  out.segment({area.left, area.top}, {area.left, area.bottom}, line);
  out.segment({area.left, area.bottom}, {area.right, area.bottom}, line);
  const double middle = (area.top + area.bottom) / 2;
  out.text({(area.left + area.right) / 2, area.bottom + 44}, 14.5, "middle", ink,
           fitted(f.x_name, 14.5, area.right - area.left));
  out.text({24, middle}, 14.5, "middle", ink, fitted(f.y_name, 14.5, area.bottom - area.top),
           " transform=\"rotate(-90 24 " + svg_writer::at(middle) + ")\"");
}

// Above the picture, from the right.
inline void draw_legend(svg_writer& out, const std::vector<plot_point>& shown, const figure& f) {
  using namespace plot_style;
  double right = area.right;
  for (const bool highlighted : {true, false}) {
    const auto is = [&](const plot_point& p) { return p.highlighted == highlighted; };
    if (std::none_of(shown.begin(), shown.end(), is)) continue;
    const std::u32string name = fitted(highlighted ? f.highlighted_name : f.others_name, 13, 260);
    right -= width_of(name, 13);
    out.text({right, area.top - 14}, 13, "start", ink, name);
    out.marker({right - 12, area.top - 18.5}, marker_radius(highlighted), highlighted, name);
    right -= 40;
  }
}

inline picture draw(const figure& f) {
  using namespace plot_style;
  picture result;
  result.area = area;
  std::vector<plot_point> shown;
  for (const plot_point& p : f.points)
    if (axis::shows(axis_scale::linear, p.x) && axis::shows(f.y_scale, p.y)) shown.push_back(p);
  result.left_out = f.points.size() - shown.size();
  // Highlighted points are drawn last, above others, and their labels choose first.
  std::stable_partition(shown.begin(), shown.end(), [](const plot_point& p) { return p.highlighted; });
  const auto [x, y] = axes_of(shown, f.y_scale);

  std::vector<std::u32string> names;
  for (const plot_point& p : shown) {
    names.push_back(fitted(p.label, label_size, 260, p.highlighted));
    result.markers.push_back(
        {{area.left + x.at(p.x) * (area.right - area.left), area.bottom - y.at(p.y) * (area.bottom - area.top)},
         marker_radius(p.highlighted),
         width_of(names.back(), label_size, p.highlighted),
         label_height});
  }
  result.labels = place_labels(result.markers, grown(area, -2));

  svg_writer out;
  out.begin(width, height, f.title);
  out.heading(area.left, area.right, f.title, f.subtitle);
  draw_axes(out, x, y, f);
  draw_legend(out, shown, f);
  for (std::size_t i = shown.size(); i-- > 0;) {
    const plot_point& p = shown[i];
    out.marker(result.markers[i].at, result.markers[i].radius, p.highlighted,
               code_points(p.label + ": " + number(p.x, 4) + ", " + number(p.y, 4)));
  }
  for (const label_place& p : result.labels)
    if (p.placed && p.has_line) out.segment(p.from, p.to, grey);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const box& b = result.labels[i].text;
    const double middle = result.markers[i].at.x;
    if (!result.labels[i].placed) continue;
    // The side that faces the marker stays where it is, whatever font is used.
    const auto [x_text, anchor] = b.left > middle    ? std::pair(b.left, "start")
                                  : b.right < middle ? std::pair(b.right, "end")
                                                     : std::pair((b.left + b.right) / 2, "middle");
    out.text({x_text, b.bottom - 3.5}, label_size, anchor, shown[i].highlighted ? highlight : ink, names[i],
             shown[i].highlighted ? " font-weight=\"bold\"" : "");
  }
  if (result.left_out != 0)
    out.text({area.right, height - 10}, 12, "end", grey,
             code_points("Points without a place on these axes: " + std::to_string(result.left_out)));
  out.line("</svg>");
  result.svg = std::move(out).take();
  return result;
}

inline std::string svg(const figure& f) { return draw(f).svg; }

}  // namespace plot
