// Labels beside the points of a picture, so that none covers a point, another label or a line to a label.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace plot {

struct spot {
  double x, y;
};
struct box {
  double left, top, right, bottom;
};

inline bool overlap(const box& a, const box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
inline bool contains(const box& outer, const box& inner) {
  return outer.left <= inner.left && outer.top <= inner.top && inner.right <= outer.right &&
         inner.bottom <= outer.bottom;
}
inline box grown(const box& b, double by) { return {b.left - by, b.top - by, b.right + by, b.bottom + by}; }
inline box joined(const box& a, const box& b) {
  return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right), std::max(a.bottom, b.bottom)};
}
inline box around(spot p, double radius) { return grown({p.x, p.y, p.x, p.y}, radius); }

// Whether the line from p to q meets a box: it is cut at the box's four sides, one after the other.
inline bool meets(spot p, spot q, const box& b) {
  double from = 0, to = 1;
  const auto cut = [&](double distance, double towards) {  // the part where distance + t * towards >= 0
    if (towards == 0) return distance >= 0;
    const double t = -distance / towards;
    if (towards > 0) from = std::max(from, t);
    if (towards < 0) to = std::min(to, t);
    return from <= to;
  };
  const double dx = q.x - p.x, dy = q.y - p.y;
  return cut(p.x - b.left, dx) && cut(b.right - p.x, -dx) && cut(p.y - b.top, dy) && cut(b.bottom - p.y, -dy);
}

// From r to the nearest point of the line from p to q.
inline double distance(spot r, spot p, spot q) {
  const double dx = q.x - p.x, dy = q.y - p.y, square = dx * dx + dy * dy,
               t = square == 0 ? 0 : std::clamp(((r.x - p.x) * dx + (r.y - p.y) * dy) / square, 0.0, 1.0);
  return std::hypot(p.x + t * dx - r.x, p.y + t * dy - r.y);
}

// Whether two lines cross.
inline bool cross(spot a, spot b, spot c, spot d) {
  const auto side = [](spot p, spot q, spot r) { return (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x); };
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

// What is to be labelled: a marker of some radius, and the size of the label's text.
struct label_wish {
  spot at;
  double radius, width, height;
};

// Where a label lies. A line leads to it from the marker's middle where it does not touch the marker's surroundings.
struct label_place {
  bool placed = false, has_line = false;
  box text{}, reach{};  // of the text, and of text and line
  spot from{}, to{};
  double cost = 0;
};

// Places for a label, cheapest first: near its marker before far from it, beside it before above or below or slanted.
inline std::vector<label_place> label_places(const label_wish& w) {
  constexpr double pi = 3.14159265358979323846;
  std::vector<label_place> places;
  const double near = w.radius + 3;
  for (double distance = near; distance < 500; distance = distance * 1.25 + 2) {
    const int directions = distance == near ? 8 : 32;
    for (int i = 0; i < directions; ++i) {
      const double angle = 2 * pi * i / directions, c = std::cos(angle), s = std::sin(angle);
      // The box touches the circle of this distance with its nearest side or corner.
      const double left = std::abs(c) < 0.1 ? w.at.x - w.width / 2 : w.at.x + distance * c - (c < 0 ? w.width : 0),
                   top = std::abs(s) < 0.1 ? w.at.y - w.height / 2 : w.at.y + distance * s - (s < 0 ? w.height : 0);
      label_place p;
      p.placed = true;
      p.text = {left, top, left + w.width, top + w.height};
      p.has_line = distance > near + 3;
      const box end = grown(p.text, 1.5);
      p.to = {std::clamp(w.at.x, end.left, end.right), std::clamp(w.at.y, end.top, end.bottom)};
      p.from = w.at;
      p.reach = p.has_line ? joined(p.text, around(p.from, 0)) : p.text;
      p.cost = distance - near + (p.has_line ? 12 : 0) + (1 - c) + (std::abs(s) > 0.1 && std::abs(c) > 0.1 ? 1 : 0);
      places.push_back(p);
    }
  }
  std::stable_sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
  return places;
}

// Whether two labels are in each other's way.
inline bool clash(const label_place& a, const label_place& b) {
  if (!a.placed || !b.placed || !overlap(grown(a.reach, 2), b.reach)) return false;
  const box near_a = grown(a.text, 2), near_b = grown(b.text, 2);
  return overlap(near_a, b.text) || (a.has_line && meets(a.from, a.to, near_b)) ||
         (b.has_line && meets(b.from, b.to, near_a)) || (a.has_line && b.has_line && cross(a.from, a.to, b.from, b.to));
}

// Whether label i may lie there, as far as markers and the area go.
inline bool is_free(const label_place& p, std::size_t i, const std::vector<label_wish>& wishes, const box& area) {
  if (!contains(area, p.text)) return false;
  for (std::size_t k = 0; k < wishes.size(); ++k) {
    const label_wish &own = wishes[i], &other = wishes[k];
    if (overlap(around(other.at, other.radius + 1), p.text)) return false;
    // Where markers lie one upon the other, a line only leads away from the middle of another one.
    const double apart = std::hypot(other.at.x - own.at.x, other.at.y - own.at.y),
                 spared = std::min(other.radius + 1, apart / 2);
    if (p.has_line && apart > 0 && distance(other.at, p.from, p.to) < spared) return false;
  }
  return true;
}

// Places for labels, looked for by moves that make all of them together cheaper.
class label_search {
 public:
  label_search(const std::vector<label_wish>& wishes, const box& area)
      : choices_(wishes.size()), placed_(wishes.size()) {
    for (std::size_t i = 0; i < wishes.size(); ++i)
      for (const label_place& p : label_places(wishes[i]))
        if (is_free(p, i, wishes, area)) choices_[i].push_back(p);
  }

  // One label after the other takes the cheapest place that is left; then labels move to cheaper places, driving away
  // those in their way, as long as that makes the sum of costs less and the work is bounded. Returns that sum.
  double run(const std::vector<std::size_t>& order) {
    placed_.assign(placed_.size(), nowhere());
    for (const std::size_t i : order) placed_[i] = cheapest(i, not_placed);
    for (bool better = true; better && !exhausted();) {
      better = false;
      for (const std::size_t i : order) better = improve(i) || better;
    }
    double sum = 0;
    for (const label_place& p : placed_) sum += p.cost;
    return sum;
  }
  const std::vector<label_place>& placed() const { return placed_; }
  bool exhausted() const { return compared_ > 20'000'000; }

 private:
  static constexpr double not_placed = 1e6;
  static label_place nowhere() {
    label_place p;
    p.cost = not_placed;
    return p;
  }
  // The first so many labels in the way of a place.
  std::vector<std::size_t> in_the_way(const label_place& p, std::size_t but, std::size_t most) {
    std::vector<std::size_t> found;
    compared_ += placed_.size();
    for (std::size_t k = 0; k < placed_.size() && found.size() < most; ++k)
      if (k != but && clash(p, placed_[k])) found.push_back(k);
    return found;
  }
  // The cheapest place that is left, if it costs less than the limit.
  label_place cheapest(std::size_t i, double limit) {
    for (const label_place& p : choices_[i]) {
      if (p.cost >= limit) break;
      if (in_the_way(p, i, 1).empty()) return p;
    }
    return nowhere();
  }
  bool improve(std::size_t i) {
    constexpr std::size_t most_driven = 4;
    const std::vector<label_place> before = placed_;
    for (const label_place& p : choices_[i]) {
      if (p.cost >= before[i].cost || exhausted()) break;
      const std::vector<std::size_t> others = in_the_way(p, i, most_driven + 1);
      if (others.size() > most_driven) continue;
      placed_[i] = p;
      double gain = before[i].cost - p.cost;
      for (const std::size_t k : others) placed_[k] = nowhere(), gain += before[k].cost;
      for (const std::size_t k : others) {
        if (gain <= 0) break;
        placed_[k] = cheapest(k, gain);
        gain -= placed_[k].cost;
      }
      if (gain > 1e-6) return true;
      placed_ = before;
    }
    return false;
  }

  std::vector<std::vector<label_place>> choices_;
  std::vector<label_place> placed_;
  std::size_t compared_ = 0;  // how often two labels were
};

// One place for each wish, in the area: the cheapest of some searches, each of which begins with the labels that the
// last one paid most for. A label for which no place is found is not placed.
inline std::vector<label_place> place_labels(const std::vector<label_wish>& wishes, const box& area) {
  label_search search(wishes, area);
  std::vector<std::size_t> order(wishes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::vector<label_place> best;
  double least = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 8 && !search.exhausted(); ++round) {
    const double cost = search.run(order);
    if (cost < least) least = cost, best = search.placed();
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return search.placed()[a].cost > search.placed()[b].cost; });
  }
  return best;
}

}  // namespace plot
