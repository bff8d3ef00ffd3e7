// How fast is a codec of one's own? These lines are all: products with its tiles beside those with a preset of about the
// same size. Run it with --benchmark_filter=m:1/ or whatever else google/benchmark takes.
// SPDX-License-Identifier: Apache-2.0
#include "common/product.hpp"

using namespace quern;

// NF4's sixteen values, a scale of 8 bits for every 32 weights, and a float for the whole matrix.
using mine = codec<codebook<bnb::nf4_values>, levels<group<32, e4m3>, tensor<f32>>>;

int main(int argc, char** argv) {
  bench::add_products<mine>("mine");
  bench::add_products<bnb::nf4>();
  return bench::run(argc, argv);
}
