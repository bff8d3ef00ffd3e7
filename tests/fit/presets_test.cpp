// Every preset of scalar numbers with its own fit: what decoding gives is encoded to itself, and no scale is ever infinite.
// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "fit/encoding.hpp"
#include "quern/catalog/catalog.hpp"

namespace {

using namespace encoding;

// 32 x 768 where the owner's shapes allow, else 256 x 128, else one row.
template <class C>
shape shape_for() {
  for (const shape s : {shape{32, 768}, shape{256, 128}, shape{1, 16384}})
    if (packed<C>::try_make(s.rows, s.cols)) return s;
  return {0, 0};
}

// f(packed) for every preset, of these weights as its own fit encodes them.
void each_preset(auto weights, auto f) {
  for_each_type(catalog{}, [&]<class C>() {
    if constexpr (scalar_format<typename C::number>) {
      const shape s = shape_for<C>();
      REQUIRE_MESSAGE(s.count() > 0, C::name);
      const std::vector<float> x = weights(s.count());
      INFO(C::name);
      f(encoded<C>(x, s.rows, s.cols));
    }
  });
}

TEST_CASE("what decoding gives is encoded to itself with the stored scales") {
  each_preset([](std::size_t n) { return bell(n, 0.05f, 30); },
              []<class C>(const packed<C>& p) {
                std::size_t changed = 0;
                for (std::size_t r = 0; r < p.rows(); r += 3)
                  for (std::size_t c = 0; c < p.cols(); ++c) {
                    const affine stored{reference::scale_at(p.view(), {r, c}), reference::offset_at(p.view(), {r, c})};
                    const float y = reference::decode_one(p.view(), {r, c});
                    const std::uint32_t code = code_of<C, absmax>(y, map_of<C, absmax>(stored, stored));
                    changed += C::symmetry::weight(stored.scale, C::number::value(code), stored.offset) != y;
                  }
                CHECK(changed == 0);
              });
}

TEST_CASE("no preset stores a scale or an offset that is infinite or NaN") {
  const auto check = []<class C>(const packed<C>& p) {
    bool finite = true;
    each_part<C>([&]<std::size_t K>() {
      if constexpr (K > 0)
        for (std::size_t c = 0; c < p.cols(); ++c) finite = finite && is_finite(value<part_number<C, K>>(code_at<K>(p.view(), {0, c})));
    });
    CHECK(finite);
    CHECK_FALSE(is_nan(reference::decode_one(p.view(), {0, 0})));
  };
  for (const float v : {0.0f, 0.75f, 1e-41f, -1e30f, std::numeric_limits<float>::max()})
    each_preset([&](std::size_t n) { return std::vector<float>(n, v); }, check);
  each_preset([](std::size_t n) { return bell(n, 1e37f, 31); }, check);
}

}  // namespace
