// Matrices under the owners' names: what a file says of them is checked before it is believed.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/owner.hpp"
#include "quern/io/owner_tensors.hpp"

namespace {

using namespace quern;
using support::bytes_of;
using support::encoded;
using dtype = io::safetensors_dtype;
namespace ct = compressed_tensors;

const std::string name = "model.layers.0.mlp.up_proj.weight", module = "model.layers.0.mlp.up_proj.";

// A file of one matrix, of which tensors are changed before they are written: what reading it says.
struct tensor {
  std::string name;
  io::safetensors_dtype dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};
using change = std::function<void(std::vector<tensor>&)>;
template <class P, class As = P>
std::string rule_of(const packed<P>& w, const change& what, shape matrix = {0, 0}) {
  const support::folder here;
  support::write_owner<P>(here / "m", name, w, matrix);
  std::vector<tensor> all;
  {
    const auto f = io::safetensors_file::open(here / "m");
    for (const io::safetensors_tensor& t : f.tensors()) {
      const std::string suffix(t.name.substr(module.size()));
      all.push_back({suffix, t.dtype, {t.shape.begin(), t.shape.end()}, support::text_in(f, std::string(t.name))});
    }
  }
  what(all);
  io::safetensors_contents c;
  for (const tensor& t : all) c.add(module + t.name, t.dtype, t.shape);
  auto out = io::safetensors_writer::create(here / "n", c);
  for (const auto& d : out.contents().tensors())
    for (const tensor& t : all)
      if (module + t.name == d.name) {
        REQUIRE(t.bytes.size() == d.bytes);
        out.write(d.name, bytes_of(t.bytes));
      }
  out.commit();
  const auto f = io::safetensors_file::open(here / "n");
  const auto found = io::try_find_owner<As>(f, name);
  const auto read = io::try_read_owner<As>(f, name);
  REQUIRE(found.has_value() == read.has_value());
  if (!found) CHECK(found.error().text() == read.error().text());
  return found ? "" : found.error().what;
}
tensor& at(std::vector<tensor>& all, const std::string& name) {
  const auto t = std::ranges::find(all, name, &tensor::name);
  REQUIRE(t != all.end());
  return *t;
}
change without(const std::string& name) {
  return [=](auto& all) { REQUIRE(std::erase_if(all, [&](const tensor& t) { return t.name == name; }) == 1); };
}
change with(const tensor& t) {
  return [=](auto& all) { all.push_back(t); };
}
change shaped(const std::string& name, const std::vector<std::uint64_t>& shape) {
  return [=](auto& all) { at(all, name).shape = shape; };
}
change typed(const std::string& name, dtype d) {
  return [=](auto& all) { at(all, name).dtype = d; };
}
change byte(const std::string& name, std::size_t i, char c) {
  return [=](auto& all) { at(all, name).bytes.at(i) = c; };
}
const change nothing_changed = [](auto&) {};

const std::string missing = "the matrix has no such tensor";
const std::string of_other_dtype = "the tensor is of another dtype than this format's";
const std::string of_other_shape = "the tensor does not have the shape of the matrix";
const std::string other_numbers = "the tensor does not have the numbers of this format";
const std::string foreign = "a matrix of this format has no such tensor";

TEST_CASE("GPTQ: what a file says is checked") {
  const auto w = encoded<gptq::v1<4>>(32, 256);
  CHECK(rule_of(w, nothing_changed) == "");
  CHECK(rule_of(w, without("g_idx")) == "");
  CHECK(rule_of<gptq::v1<4>, gptq::v2<4>>(w, nothing_changed) == "");  // the tensors do not say
  for (const char* t : {"qweight", "qzeros", "scales"}) CHECK(rule_of(w, without(t)) == missing);
  CHECK(rule_of(w, typed("scales", dtype::bf16)) == of_other_dtype);
  CHECK(rule_of(w, typed("qweight", dtype::u32)) == of_other_dtype);
  CHECK(rule_of(w, byte("g_idx", 4 * 5, 1)) == "columns are in another order (g_idx)");
  CHECK(rule_of(w, shaped("scales", {32, 2})) == of_other_shape);
  CHECK(rule_of(w, shaped("qzeros", {8})) == of_other_shape);
  CHECK(rule_of(w, shaped("qweight", {1024})) == "the tensor does not have the shape of a matrix");
  CHECK(rule_of(w, shaped("qweight", {1, 1024})) == "an extent is not whole words of this format");
  CHECK(rule_of(w, shaped("qweight", {64, 16})) == "rows and columns of a GPTQ matrix are multiples of 32");
  CHECK(rule_of<gptq::v1<4>, gptq::v1<4, 64>>(w, nothing_changed) == of_other_shape);
  CHECK(rule_of<gptq::v1<4>, gptq::v1<3>>(w, nothing_changed) == "an extent is not whole words of this format");
  CHECK(rule_of<gptq::v1<4>, gptq::v1<2>>(w, nothing_changed) == of_other_shape);
  CHECK(rule_of<gptq::v1<4>, awq::gemm<>>(w, nothing_changed) == foreign);
  CHECK(rule_of<gptq::v1<4>, awq::gemm<>>(w, without("g_idx")) ==
        "columns are not whole groups and words of this format");
}

TEST_CASE("compressed-tensors: what a file says is checked") {
  using P = ct::pack_quantized<4>;
  const auto w = encoded<P>(8, 256);
  CHECK(rule_of(w, without("weight_shape")) == missing);
  CHECK(rule_of(w, byte("weight_shape", 0, 7)) == of_other_shape);
  CHECK(rule_of(w, byte("weight_shape", 7, '\xff')) == "rows x cols overflows");
  CHECK(rule_of(w, byte("weight_shape", 6, 1)) == of_other_shape);
  CHECK(rule_of(w, byte("weight_shape", 0, 0)) == "the matrix is empty");
  CHECK(rule_of(w, byte("weight_shape", 8, 1)) == "columns are not whole groups and words of this format");
  CHECK(rule_of(w, [](auto& all) {
          at(all, "weight_shape").shape = {1};
          at(all, "weight_shape").bytes.resize(8);
        }) == of_other_shape);
  CHECK(rule_of(w, typed("weight_shape", dtype::u64)) == of_other_dtype);
  CHECK(rule_of(w, [](auto& all) {
          at(all, "weight_packed").shape = {0, 32};
          at(all, "weight_packed").bytes.clear();
        }) == of_other_shape);
  // Columns in another order; an asymmetric format.
  CHECK(rule_of(w, with({"weight_g_idx", dtype::i32, {1}, "1234"})) == foreign);
  CHECK(rule_of(w, with({"weight_zero_point", dtype::i32, {1}, "1234"})) == foreign);
  CHECK(rule_of<P, ct::pack_quantized_asymmetric<4>>(w, nothing_changed) == missing);
  CHECK(rule_of<P, ct::pack_quantized<8>>(w, nothing_changed) == of_other_shape);
  const auto three = encoded<ct::pack_quantized<3, all>>(4, 32);
  const auto padded = encoded<ct::padded_int3<all>>(4, 32);
  CHECK(rule_of<ct::pack_quantized<3, all>, ct::padded_int3<all>>(three, nothing_changed) == of_other_shape);
  CHECK(rule_of<ct::padded_int3<all>, ct::pack_quantized<3, all>>(padded, nothing_changed) == of_other_shape);

  const auto nvfp4 = encoded<ct::nvfp4>(4, 32);
  CHECK(rule_of(nvfp4, shaped("weight_global_scale", {})) == "");  // one number has an extent or none
  CHECK(rule_of(nvfp4, shaped("weight_global_scale", {1, 1})) == of_other_shape);
  CHECK(rule_of<ct::nvfp4, nv::nvfp4>(nvfp4, nothing_changed) == missing);
}

TEST_CASE("FP8, ModelOpt, MLX: what a file says is checked") {
  const auto block = encoded<fp8::e4m3_block>(130, 140);
  CHECK(rule_of(block, [](auto& all) { at(all, "weight_scale_inv").name = "weight_scale"; }) == "");
  CHECK(rule_of(block, without("weight_scale_inv")) == missing);
  CHECK(rule_of(block, shaped("weight_scale_inv", {4})) == of_other_shape);
  CHECK(rule_of<fp8::e4m3_block, fp8::per_block<e4m3, 128, 128, bf16>>(block, nothing_changed) == of_other_dtype);
  const auto channel = encoded<fp8::e4m3_channel>(4, 40);
  CHECK(rule_of<fp8::e4m3_channel, fp8::e4m3_tensor>(channel, nothing_changed) == of_other_shape);
  CHECK(rule_of(channel, typed("weight", dtype::f8_e5m2)) == of_other_dtype);
  CHECK(rule_of(encoded<nv::nvfp4>(4, 32), shaped("weight_scale_2", {1})) == "");
  const auto mxfp4 = encoded<mlx::mxfp4>(4, 32);
  CHECK(rule_of(mxfp4, with({"biases", dtype::u8, {1}, "1"})) == foreign);
  CHECK(rule_of<mlx::mxfp4, mlx::nvfp4>(mxfp4, nothing_changed) == of_other_shape);
  CHECK(rule_of<mlx::mxfp4, mlx::affine<4>>(mxfp4, nothing_changed) == of_other_dtype);
  CHECK(rule_of(encoded<bnb::llm_int8>(4, 32), byte("weight_format", 0, 1)) == other_numbers);
}

TEST_CASE("bitsandbytes: what a file says is checked") {
  using P = bnb::nf4_double;
  const auto w = encoded<P>(1, 640);
  const std::string state = "weight.quant_state.bitsandbytes__nf4";
  const auto saying = [&](const std::string& text) {
    return rule_of(w,
                   [&](auto& all) {
                     at(all, state).bytes = text;
                     at(all, state).shape = {text.size()};
                   },
                   {5, 128});
  };
  const std::string type = R"("quant_type": "nf4", )", block = R"("blocksize": 64, )",
                    kind = R"("dtype": "bfloat16", )", size = R"("shape": [5, 128], )",
                    nested = R"("nested_blocksize": 256, "nested_dtype": "float32", )",
                    offset = R"("nested_offset": 0.5)";
  CHECK(saying("{" + type + block + kind + size + nested + offset + "}") == "");
  CHECK(saying("  {" + offset + ", " + nested + size + kind + block + type.substr(0, type.size() - 2) + "}  ") == "");
  CHECK(saying("{" + type + block + kind + size + nested + R"("nested_offset": -1})") == "");
  CHECK(saying("{" + block + kind + size + nested + offset + "}") == "a key of a quant_state is missing");
  CHECK(saying("{" + type + block + kind + R"("shape": [5, 128]})") == "a key of a quant_state is missing");
  CHECK(saying("{}") == "a key of a quant_state is missing");
  CHECK(saying("{" + type + type + "}") == "a key stands twice");
  CHECK(saying(R"({"quant_type": "fp4"})") == "quant_type is another one");
  CHECK(saying(R"({"blocksize": 128})") == "the blocks have another length");
  CHECK(saying(R"({"blocksize": -64})") == "a value of a quant_state is of another kind");
  CHECK(saying(R"({"nested_blocksize": 64})") == "the blocks have another length");
  CHECK(saying(R"({"nested_dtype": "float16"})") == "nested_dtype is not float32");
  CHECK(saying(R"({"dtype": "int8"})") == "dtype is not that of weights");
  CHECK(saying(R"({"nested_offset": 1e39})") == "nested_offset is not an f32");
  CHECK(saying(R"({"nested_offset": 1e999})") == "a number is out of range");
  CHECK(saying(R"({"nested_offset": NaN})") == "not JSON");
  CHECK(saying(R"({"other": 1})") == "unknown key of a quant_state");
  const std::string not_a_shape = "the shape of a quant_state is not rows and columns";
  CHECK(saying(R"({"shape": [640]})") == not_a_shape);
  CHECK(saying(R"({"shape": []})") == not_a_shape);
  CHECK(saying(R"({"shape": [1, 5, 128]})") == not_a_shape);
  const std::string other_kind = "a value of a quant_state is of another kind";
  for (const char* text :
       {R"({"shape": [[5, 128]]})", R"({"shape": 640})", R"({"shape": null})", R"({"shape": [-5, 1]})",
        R"({"shape": ["5"]})", R"({"dtype": {}})", R"({"dtype": true})", "[]", "1", "\"x\""})
    CHECK_MESSAGE(saying(text) == other_kind, text);
  CHECK(saying("") == "not JSON");
  CHECK(saying("{" + type + block + kind + size + nested + offset + "}" + '\0') == "a zero byte in JSON");
  CHECK(saying("{" + type + block + kind + R"("shape": [5, 127], )" + nested + offset + "}") == of_other_shape);
  CHECK(saying("{" + type + block + kind + R"("shape": [0, 128], )" + nested + offset + "}") == "the matrix is empty");
  CHECK(saying("{" + type + block + kind + R"("shape": [18446744073709551615, 128], )" + nested + offset + "}") ==
        "rows x cols overflows");

  CHECK(rule_of(w, byte("weight.quant_map", 5, 0)) == other_numbers);
  CHECK(rule_of(w, byte("weight.nested_quant_map", 5, 0)) == other_numbers);
  CHECK(rule_of(w, shaped("weight", {1, 320})) == of_other_shape);
  CHECK(rule_of(w, without("weight.nested_absmax")) == missing);
  CHECK(rule_of<P, bnb::nf4>(w, nothing_changed) == of_other_dtype);
  CHECK(rule_of<P, bnb::fp4_double>(w, nothing_changed) == missing);
  const auto plain = encoded<bnb::fp4>(4, 64);
  CHECK(rule_of(plain, byte("weight.quant_map", 8 * 4 + 3, '\x80')) == "");  // minus zero, as other releases may write
  CHECK(rule_of<bnb::fp4, bnb::fp4_blocks<128>>(plain, nothing_changed) == "the blocks have another length");
}

TEST_CASE("what MLX's tensors do not say: 4 bits in groups of 64, or half as many columns of 8 bits in groups of 32") {
  const support::folder here;
  support::write_owner(here / "m", name, encoded<mlx::affine<4>>(2, 128));
  const auto f = io::safetensors_file::open(here / "m");
  CHECK(io::find_owner<mlx::affine<4>>(f, name).shapes.matrix == shape{2, 128});
  CHECK(io::find_owner<mlx::affine<8, 32>>(f, name).shapes.matrix == shape{2, 64});
  CHECK_FALSE(io::try_find_owner<mlx::affine<6>>(f, name).has_value());
  CHECK_FALSE(io::try_find_owner<mlx::affine<4, 32>>(f, name).has_value());
}

TEST_CASE("failures name the file and the tensor") {
  const support::folder here;
  support::write_owner(here / "m", name, encoded<gptq::v1<4>>(32, 128));
  const auto f = io::safetensors_file::open(here / "m");
  const auto other = io::try_find_owner<mlx::affine<4>>(f, name);
  REQUIRE(!other);
  CHECK(other.error().where.ends_with("/m, matrix " + name + ", tensor " + module + "weight"));
  CHECK_THROWS_AS(io::read_owner<gptq::v1<4>>(f, "a.weight"), io::file_error);
  CHECK(std::string(io::try_find_owner<gptq::v1<4>>(f, "a.bias").error().what) ==
        "the name of a matrix ends with .weight");
}

}  // namespace
