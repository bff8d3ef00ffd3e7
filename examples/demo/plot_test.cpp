// Checks the pictures of plot.hpp: labels that cover nothing, round values on the axes, valid XML for any text, and the
// same bytes every time. With a file name, writes one of the pictures there.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "plot.hpp"

namespace {
using namespace plot;

int failures = 0;
void check(bool ok, const std::string& what) {
  if (ok) return;
  std::printf("failed: %s\n", what.c_str());
  ++failures;
}

bool apart(const box& a, const box& b) {
  return a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
}
bool inside(spot p, const box& b) { return p.x > b.left && p.x < b.right && p.y > b.top && p.y < b.bottom; }

// Whether the text is one element whose elements are closed in order, with no stray <, > or &.
bool well_formed(const std::string& s) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (static_cast<unsigned char>(s[i]) < 0x20 && s[i] != '\n') return false;
    if (s[i] == '&') {
      bool known = false;
      for (const char* e : {"&amp;", "&lt;", "&gt;", "&quot;"})
        known = known || s.compare(i, std::string(e).size(), e) == 0;
      if (!known) return false;
    }
    if (s[i] == '>') return false;
    if (s[i] != '<') continue;
    const std::size_t end = s.find('>', i);
    if (end == s.npos) return false;
    const std::string tag = s.substr(i + 1, end - i - 1);
    if (tag.find('<') != tag.npos || std::count(tag.begin(), tag.end(), '"') % 2 != 0) return false;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
      if (open.empty()) return s.substr(end + 1) == "\n";
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    i = end;
  }
  return false;
}

// Everything that holds for any figure. Returns how many labels have no place.
std::size_t check_picture(const figure& f, const std::string& name) {
  const picture p = draw(f);
  check(well_formed(p.svg), name + ": valid XML");
  check(p.svg == draw(f).svg, name + ": the same bytes again");
  check(p.svg.find("nan") == p.svg.npos && p.svg.find("inf") == p.svg.npos, name + ": numbers are finite");
  check(p.markers.size() + p.left_out == f.points.size(), name + ": every point is shown or counted");
  check(p.labels.size() == p.markers.size(), name + ": a label for each point");
  std::size_t not_placed = 0;
  for (std::size_t i = 0; i < p.labels.size(); ++i) {
    const label_place& a = p.labels[i];
    check(inside(p.markers[i].at, grown(p.area, 0.5)), name + ": points lie between the axes");
    if (!a.placed) {
      ++not_placed;
      continue;
    }
    check(contains(p.area, a.text), name + ": labels lie between the axes");
    for (std::size_t k = 0; k < p.labels.size(); ++k) {
      check(apart(a.text, around(p.markers[k].at, p.markers[k].radius)), name + ": labels cover no marker");
      const label_place& b = p.labels[k];
      if (k == i || !b.placed) continue;
      check(apart(a.text, b.text), name + ": labels cover no label");
      for (int t = 0; b.has_line && t <= 100; ++t) {
        const spot on{b.from.x + (b.to.x - b.from.x) * t / 100, b.from.y + (b.to.y - b.from.y) * t / 100};
        check(!inside(on, a.text), name + ": lines cover no label");
      }
    }
  }
  return not_placed;
}

figure typical() {
  figure f{
      "Error against size", "a matrix of 192 x 1536", "bits per weight", "SQNR, dB", "catalogue", "of one's own", {}};
  f.points = {{"gguf.q4_0", 4.5, 20.1},       {"gguf.q4_1", 5, 22},
              {"gguf.q4_k", 4.5, 22.3},       {"gguf.q5_0", 5.5, 26.2},
              {"gguf.q5_k", 5.5, 28.5},       {"gguf.q6_k", 6.5625, 34.2},
              {"gguf.q8_0", 8.5, 49.5},       {"gguf.iq4_nl", 4.5, 21.4},
              {"mx.mxfp4_e2m1", 4.25, 18.2},  {"nv.nvfp4", 4.5, 19.8},
              {"bnb.nf4", 4.5, 20.6},         {"gguf.q2_k", 2.625, 10.1},
              {"gguf.q3_k", 3.4375, 16},      {"gptq.g128_b4", 4.156, 19.5},
              {"mlx.affine_4_64", 4.5, 20.5}, {"fp8.channel", 8.002, 31.8},
              {"hqq.b4_g64", 4.5, 21},        {"bitnet.i2_s", 2, 5.1},
              {"gguf.tq1_0", 1.6875, 5.5},    {"mine.q5_48", 5.333, 27.1, true}};
  return f;
}

void check_pictures() {
  figure f = typical();
  check(check_picture(f, "typical") == 0, "typical: all labels have a place");
  const std::string text = svg(f);
  check(text.find("width=\"900\" height=\"600\"") != text.npos, "typical: 900 x 600");
  for (const plot_point& p : f.points)
    check(text.find(">" + p.label + "</text>") != text.npos, p.label + " is written");
  f.y_scale = axis_scale::logarithmic;
  for (plot_point& p : f.points) p.y = std::pow(10, -p.y / 20);
  check(check_picture(f, "logarithmic") == 0, "logarithmic: all labels have a place");

  std::mt19937 random(1);
  for (int round = 0; round < 6; ++round) {
    f.points.clear();
    for (int i = 0; i < 15; ++i) {
      const double bits = 1.6 + static_cast<double>(random() % 70) / 10;
      f.points.push_back({"format_" + std::to_string(random() % 100000), bits,
                          std::pow(10, -bits * 0.28 - static_cast<double>(random() % 100) / 300), i == 3});
    }
    check(check_picture(f, "random") == 0, "random: all labels have a place");
  }
}

void check_edges() {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  figure f = typical();
  f.points.clear();
  check_picture(f, "no points");
  f.points = {{"one", 4.5, 20}};
  check(check_picture(f, "one point") == 0, "one point: its label has a place");
  f.points.assign(12, {"the same", 4.5, 20});
  check(check_picture(f, "12 points in one place") == 0, "12 points in one place: all labels have a place");
  f.points.assign(150, {"many in one place, with long names", 4.5, 20});
  check(check_picture(f, "many points in one place") > 0, "many points in one place: some labels have none");
  f.points = {{"a", nan, 1}, {"b", 1, inf}, {"c", -inf, 1}, {"d", 1, 1e300}, {"e", 1, 0}, {"f", 1, 1e-300}};
  check(draw(f).left_out == 4, "infinite and huge values are left out");
  check_picture(f, "hostile values");
  f.y_scale = axis_scale::logarithmic;
  check(draw(f).left_out == 6, "on a logarithmic axis so are 0 and what is next to it");
  check(svg(f).find("axes: 6<") != std::string::npos, "the picture says so");
  f.points = {{"a", -1e30, 1e-30}, {"b", 1e30, 1e30}, {"c", 0, -1}};
  check_picture(f, "the ends of what is shown");
  f.points = {{"a", 1e15, 1}, {"b", 1e15 + 1, 1}};
  check_picture(f, "values that hardly differ");

  f = typical();
  const std::string hostile = "<a href=\"x\">&amp;'\x01\n\t\x7f\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82";
  f.title = f.subtitle = f.x_name = f.y_name = f.others_name = f.highlighted_name = hostile;
  f.points = {{hostile, 1, 1},
              {std::string(1000, 'W'), 2, 2, true},
              {"", 3, 3},
              {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82", 4, 4}};
  check_picture(f, "hostile texts");
  check(svg(f).find("&lt;a href=&quot;x&quot;&gt;&amp;amp;'") != std::string::npos, "markup in texts is escaped");
  check(svg(f).find(">\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82<") != std::string::npos, "UTF-8 is kept");
  check(svg(f).find(std::string(60, 'W')) == std::string::npos || svg(f).find("W\xe2\x80\xa6<") != std::string::npos,
        "a long label is cut");
  check(code_points("a\xff\xc3") == U"a\ufffd\ufffd" &&
            code_points("\xc3\xa4\xed\xa0\x80") == U"\u00e4\ufffd\ufffd\ufffd",
        "what is no UTF-8 is replaced, byte by byte");
}

void check_axes() {
  const auto texts = [](const axis& a) {
    std::string s;
    for (const tick& t : a.ticks) s += t.text + " ";
    return s;
  };
  check(texts(make_axis(axis_scale::linear, 1.6875, 8.5, 14)) == "1 2 3 4 5 6 7 8 9 ", "bits");
  check(texts(make_axis(axis_scale::linear, 5.1, 49.5, 13)) == "0 5 10 15 20 25 30 35 40 45 50 55 ", "decibels");
  check(texts(make_axis(axis_scale::linear, 0.11, 0.32, 13)) ==
            "0.1 0.12 0.14 0.16 0.18 0.2 0.22 0.24 0.26 0.28 0.3 0.32 0.34 ",
        "tenths");
  check(texts(make_axis(axis_scale::logarithmic, 0.004, 0.4, 13)) == "0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 ",
        "errors");
  check(texts(make_axis(axis_scale::logarithmic, 1e-7, 0.4, 8)).find("0.0001 ") != std::string::npos, "wide errors");
  std::mt19937 random(2);
  for (int i = 0; i < 3000; ++i) {
    const axis_scale scale = i % 2 ? axis_scale::linear : axis_scale::logarithmic;
    const auto any = [&] { return std::pow(10, static_cast<double>(random() % 60000) / 1000 - 30); };
    double a = any(), b = any();
    if (i % 3 == 0) b = a * (1 + static_cast<double>(random() % 1000) * 1e-7);
    if (scale == axis_scale::linear && i % 5 == 0) a = -a;
    const double least = std::min(a, b), greatest = std::max(a, b);
    const axis x = make_axis(scale, least, greatest, 13);
    std::size_t marked = 0;
    for (std::size_t k = 0; k < x.ticks.size(); ++k) {
      marked += !x.ticks[k].text.empty();
      if (k > 0) check(x.ticks[k].value > x.ticks[k - 1].value, "ticks ascend");
    }
    check(x.low < least && greatest < x.high, "values lie between the ends");
    check(x.at(least) > 0 && x.at(least) <= x.at(greatest) && x.at(greatest) < 1, "positions, too");
    check(marked >= 1 && marked <= 13 && x.ticks.size() <= 61, "not too many ticks");
  }
  check(number(1.5, 4) == "1.5" && number(-0.001, 2) == "0" && number(100, 0) == "100" && number(0.002) == "0.002",
        "numbers are short");
  for (int i = -20; i < 20; ++i) check(round_below(round_value(i)) == i, "round values are found");
}

}  // namespace

int main(int count, char** arguments) {
  check_axes();
  check_pictures();
  check_edges();
  if (count > 1) std::ofstream(arguments[1], std::ios::binary) << svg(typical());
  if (failures == 0) std::printf("the pictures are sound\n");
  return failures == 0 ? 0 : 1;
}
