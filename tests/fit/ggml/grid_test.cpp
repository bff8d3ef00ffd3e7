// ggml's fits of grids against ggml's own bytes: 16 rows x 1536 weights, without and with importance; and what ggml
// refuses.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/ggml/grid.hpp"

#include <algorithm>
#include <cmath>

#include "fit/encoding.hpp"
#include "quern/catalog/gguf.hpp"

namespace {

using namespace encoding;

using presets =
    type_list<gguf::iq2_xxs, gguf::iq2_xs, gguf::iq2_s, gguf::iq3_xxs, gguf::iq3_s, gguf::iq1_s, gguf::iq1_m>;

// The same numbers with every part in an array of its own.
template <class P>
using apart = codec<typename P::number, typename P::granularity, typename P::symmetry>;

template <class C, class Fit = fit_of<C>>
void check(const std::string& name, std::span<const float> importance) {
  const packed<C> p = encoded<C, Fit>(floats("gguf/input.f32"), 16, 1536, importance);
  CHECK(differing(p.array(0), golden("gguf/" + name + (importance.empty() ? ".bin" : ".imat.bin"))) == 0);
}

TEST_CASE("without importance the bytes are ggml's") {
  check<gguf::iq2_s>("iq2_s", {});
  check<gguf::iq3_xxs>("iq3_xxs", {});
  check<gguf::iq3_s, ggml::iq3_s_as_written>("iq3_s", {});
  check<gguf::iq1_m>("iq1_m", {});
}

TEST_CASE("with importance the bytes are ggml's") {
  const std::vector<float> importance = floats("gguf/imatrix.f32");
  check<gguf::iq2_xxs>("iq2_xxs", importance);
  check<gguf::iq2_xs>("iq2_xs", importance);
  check<gguf::iq2_s>("iq2_s", importance);
  check<gguf::iq3_xxs>("iq3_xxs", importance);
  check<gguf::iq3_s, ggml::iq3_s_as_written>("iq3_s", importance);
  check<gguf::iq1_s>("iq1_s", importance);
  check<gguf::iq1_m>("iq1_m", importance);
}

TEST_CASE("where ggml refuses to run without importance all of it is 1") {
  const std::vector<float> x = floats("gguf/input.f32"), ones(1536, 1);
  for_each_type(type_list<gguf::iq2_xxs, gguf::iq2_xs, gguf::iq1_s>{}, [&]<class C>() {
    CHECK(differing(encoded<C>(x, 16, 1536).array(0), encoded<C>(x, 16, 1536, ones).array(0)) == 0);
  });
}

// Row 9 of the input has groups of zeros.
TEST_CASE("IQ3_S differs from ggml's bytes in blocks with groups of zeros before others, and is right there") {
  const std::vector<float> x = floats("gguf/input.f32"), all = floats("gguf/imatrix.f32");
  for (const std::span<const float> importance : {std::span<const float>{}, std::span<const float>(all)}) {
    const packed<gguf::iq3_s> ours = encoded<gguf::iq3_s>(x, 16, 1536, importance),
                              theirs = encoded<gguf::iq3_s, ggml::iq3_s_as_written>(x, 16, 1536, importance);
    const std::vector<float> y = decoded(ours), z = decoded(theirs);
    const std::size_t block = 110, in_row = 6 * block;
    for (std::size_t b = 0; b < 16 * 6; ++b) {
      const std::size_t n =
          differing(ours.array(0).subspan(b * block, block), theirs.array(0).subspan(b * block, block));
      CHECK((n > 0) == (b / 6 == 9));
    }
    const auto row = [](std::span<const float> of) { return of.subspan(9 * 1536, 1536); };
    const double squares = squared_error(row(x), std::vector<float>(1536));
    CHECK(squared_error(row(x), row(y)) < 0.04 * squares);
    CHECK(squared_error(row(x), row(z)) > 0.5 * squares);
    CHECK(ours.array(0).size() == 16 * in_row);
  }
}

TEST_CASE("the squared error is small") {
  const std::vector<float> x = bell(8 * 1024, 0.02f, 3);
  const double squares = squared_error(x, std::vector<float>(x.size()));
  const auto relative = [&]<class C>() { return squared_error(x, decoded(encoded<C>(x, 8, 1024))) / squares; };
  CHECK(relative.operator()<gguf::iq2_xxs>() < 0.15);
  CHECK(relative.operator()<gguf::iq2_xs>() < 0.12);
  CHECK(relative.operator()<gguf::iq2_s>() < 0.10);
  CHECK(relative.operator()<gguf::iq3_xxs>() < 0.05);
  CHECK(relative.operator()<gguf::iq3_s>() < 0.03);
  CHECK(relative.operator()<gguf::iq1_s>() < 0.28);
  CHECK(relative.operator()<gguf::iq1_m>() < 0.40);
}

TEST_CASE("importance moves the error to where it matters less") {
  const std::vector<float> x = bell(8 * 1024, 0.02f, 4);
  std::vector<float> importance(1024, 1);
  for (std::size_t i = 0; i < importance.size(); i += 2) importance[i] = 20;
  for_each_type(presets{}, [&]<class C>() {
    INFO(C::name);
    const std::vector<float> y = decoded(encoded<C>(x, 8, 1024)), z = decoded(encoded<C>(x, 8, 1024, importance));
    CHECK(squared_error(x, z, importance) < 0.95 * squared_error(x, y, importance));
  });
}

TEST_CASE("the fits know no layout") {
  const std::vector<float> x = floats("gguf/input.f32");
  for_each_type(presets{}, [&]<class C>() {
    INFO(C::name);
    CHECK(decoded(encoded<apart<C>, fit_of<C>>(x, 16, 1536)) == decoded(encoded<C>(x, 16, 1536)));
  });
}

TEST_CASE("a block that the edge of the matrix cuts is fitted by what there is of it") {
  for (const std::size_t cols : {459u, 40u, 5u}) {
    const std::vector<float> x = bell(3 * cols, 0.02f, 5);
    const double squares = squared_error(x, std::vector<float>(x.size()));
    for_each_type(presets{}, [&]<class C>() {
      INFO(C::name);
      const std::vector<float> y = decoded(encoded<apart<C>, fit_of<C>>(x, 3, cols));
      CHECK(squared_error(x, y) < 0.45 * squares);
      // As if zeros followed that do not count, but for the mean square, which is of those that are there.
      if (cols != 5) return;
      std::vector<float> whole(256), importance(256);
      std::copy_n(x.begin(), cols, whole.begin()), std::fill_n(importance.begin(), cols, 1.0f);
      const std::vector<float> z = decoded(encoded<C>(whole, 1, 256, importance));
      const std::vector<float> first =
          decoded(encoded<apart<C>, fit_of<C>>(std::span(x).first(cols), 1, cols, std::span(importance).first(cols)));
      for (std::size_t i = 0; i < cols; ++i) CHECK(std::abs(first[i] - z[i]) < 0.02f);
    });
  }
}

TEST_CASE("blocks of zeros, and of importance 0, are zero bytes or at least finite") {
  const std::vector<float> zeros(2 * 512), none(512), x = bell(2 * 512, 1, 6);
  for_each_type(presets{}, [&]<class C>() {
    INFO(C::name);
    for (const std::span<const float> importance : {std::span<const float>{}, std::span<const float>(none)}) {
      const packed<C> p = encoded<C>(zeros, 2, 512, importance);
      CHECK(std::ranges::count(p.array(0), std::byte{0}) == static_cast<std::ptrdiff_t>(p.array(0).size()));
    }
    for (const float y : decoded(encoded<C>(x, 2, 512, none))) CHECK(is_finite(y));
  });
}

// What a block stores but for its scale.
template <class C>
std::vector<std::uint32_t> all_but_scale(const packed<C>& p) {
  std::vector<std::uint32_t> all;
  for (std::size_t r = 0; r < p.rows(); ++r)
    for (std::size_t c = 0; c < p.cols(); c += C::number::elements) {
      all.push_back(code_at<codes>(p.view(), {r, c}));
      all.push_back(code_at<scale<0>>(p.view(), {r, c}));
      if constexpr (has_offset<C>) all.push_back(code_at<offset<0>>(p.view(), {r, c}));
    }
  return all;
}
std::vector<float> times(std::vector<float> x, float factor) {
  for (float& v : x) v *= factor;
  return x;
}

TEST_CASE("weights so large that sums overflow have the codes of small ones, and the greatest scale there is") {
  const std::vector<float> x = bell(2 * 512, 0.1f, 7), importance(512, 0.5f);
  for_each_type(presets{}, [&]<class C>() {
    INFO(C::name);
    for (const std::span<const float> e : {std::span<const float>{}, std::span<const float>(importance)}) {
      const auto want = all_but_scale(encoded<C>(x, 2, 512, e));
      for (const float factor : {0x1p70f, 0x1p125f}) {
        const packed<C> p = encoded<C>(times(x, factor), 2, 512, e);
        CHECK(all_but_scale(p) == want);
        for (std::size_t c = 0; c < 512; c += 256) CHECK(code_at<scale<1>>(p.view(), {0, c}) == 0x7bff);
      }
    }
  });
}

TEST_CASE("importance so large that sums overflow counts as small importance in proportion") {
  const std::vector<float> x = bell(2 * 512, 0.1f, 8);
  std::vector<float> importance(512);
  for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = static_cast<float>(i % 7) / 4;
  for_each_type(presets{}, [&]<class C>() {
    INFO(C::name);
    CHECK(differing(encoded<C>(x, 2, 512, importance).array(0),
                    encoded<C>(x, 2, 512, times(importance, 0x1p126f)).array(0)) == 0);
  });
}

TEST_CASE("whatever finite weights there are, what is stored is finite") {
  const float most = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  std::vector<std::vector<float>> all;
  for (const float v : {most, -most, least, -least, 1e-38f, 1e-15f, 1e-12f, 1e-8f, 1e-7f, 65504.0f, 1e9f})
    all.emplace_back(512, v);
  for (const float v : {most, least, 1e-20f, 1e20f}) all.push_back(times(bell(512, 0.1f, 9), v));
  all.push_back(bell(512, 1, 10)), all.back()[3] = most, all.back()[300] = -most;
  all.push_back(bell(512, least * 100, 11)), all.back()[3] = 1;
  all.push_back(std::vector<float>(512)), all.back()[100] = least, all.back()[400] = most;
  all.push_back(bell(512, 1e19f, 12)), all.push_back(bell(512, 1e13f, 13)), all.push_back(bell(512, 1e6f, 14));
  std::vector<float> mixed(512, 1);
  mixed[3] = most, mixed[5] = 0, mixed[7] = least;
  const std::vector<float> huge(512, most), tiny(512, least);
  for_each_type(presets{}, [&]<class C>() {
    INFO(C::name);
    for (const std::vector<float>& x : all)
      for (const std::span<const float> importance : {std::span<const float>{}, std::span<const float>(mixed),
                                                      std::span<const float>(huge), std::span<const float>(tiny)}) {
        const packed<C> p = encoded<C>(x, 1, 512, importance);
        std::size_t wrong = 0;
        for (std::size_t c = 0; c < 512; c += 256) wrong += !is_finite(f16::value(code_at<scale<1>>(p.view(), {0, c})));
        for (const float y : decoded(p)) wrong += !is_finite(y);
        CHECK(wrong == 0);
      }
  });
}

}  // namespace
