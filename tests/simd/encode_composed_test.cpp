// Encode kernels of composed codecs: regions of any size, several levels, numbers of one's own, on every target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/gguf.hpp"
#include "quern/storage/tiled.hpp"
#include "simd/encode_check.hpp"

using namespace quern;

namespace {

// Twenty values in no order, padded with repeated ones.
inline constexpr std::array<float, 32> scattered{0.0f, 3.0f,  -1.5f, 8.25f, -7.0f,  0.5f, -0.5f, 1.25f, 2.0f,  -2.5f,
                                                 5.0f, -4.0f, 6.5f,  -6.5f, 0.125f, 1.0f, -1.0f, 7.5f,  -8.0f, 4.0f};
// A number that rounds by itself, and downwards.
struct floored {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) { return static_cast<float>(static_cast<int>(code) - 128); }
  static constexpr std::uint32_t nearest(float x) {
    if (!(x >= -128)) return 0;
    if (x >= 127) return 255;
    const int i = static_cast<int>(x);
    return static_cast<std::uint32_t>((static_cast<float>(i) > x ? i - 1 : i) + 128);
  }
};

}  // namespace

TEST_CASE("groups that no vector divides are encoded to the reference's bytes") {
  support::check_encode<codec<integer<4>, levels<group<48, f16>>>>();
  support::check_encode<codec<offset_integer<3>, levels<group<20, bf16>>>>();
  support::check_encode<codec<unsigned_integer<5>, levels<group<6, f32>>, bias<group<6, f32>>>>();
}

TEST_CASE("blocks of rows and columns are encoded to the reference's bytes") {
  support::check_encode<codec<integer<8>, levels<block<4, 32, f32>>>>();
  support::check_encode<codec<unsigned_integer<4>, levels<block<all, 24, f32>>, minimum<block<all, 24, f16>>>>();
}

TEST_CASE("several levels are encoded to the reference's bytes") {
  support::check_encode<codec<unsigned_integer<4>, levels<group<32, unsigned_integer<6>>, group<256, f16>>,
                              minimum<group<32, unsigned_integer<6>>, group<256, f16>>>>();
  support::check_encode<codec<e2m1, levels<plus<channel<f32>>, group<16, e4m3>, channel<f16>>>>();
  support::check_encode<codec<integer<6>, levels<group<32, f16>>, zero_point<tensor<f32>>>>();
}

TEST_CASE("numbers of one's own are encoded to the reference's bytes") {
  support::check_encode<codec<codebook<scattered>, levels<group<32, f16>>>>();
  support::check_encode<codec<floored, levels<group<64, f32>>>>();
  support::check_encode<codec<minifloat<5, 6, 15>, levels<>>>();
  support::check_encode<codec<e4m3_nan, levels<channel<bf16>>>>();
}

TEST_CASE("tiles are encoded to the reference's bytes") { support::check_encode<tiled<gguf::q5_0>>(); }
