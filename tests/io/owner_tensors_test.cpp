// Matrices under the owners' names: written and read; names, dtypes, shapes, constants; and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/owner_tensors.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "quern/reference/encode.hpp"
#include "support.hpp"

namespace {

using namespace quern;
using support::bytes_of;
using support::text_of;
using dtype = io::safetensors_dtype;
namespace ct = compressed_tensors;

const std::string name = "model.layers.0.mlp.up_proj.weight", module = "model.layers.0.mlp.up_proj.";

template <class P>
packed<P> encoded(std::size_t rows, std::size_t cols) {
  std::vector<float> x(rows * cols);
  support::random_source random(rows * 131 + cols);
  for (float& v : x) v = random.uniform();
  packed<P> w(rows, cols);
  REQUIRE(reference::encode<P>(matrix_view<const float>(x.data(), rows, cols), w.span()));
  return w;
}
template <class P>
bool same_bytes(const packed<P>& a, const packed<P>& b) {
  for (std::size_t i = 0; i < P::layout::arrays; ++i)
    if (text_of(a.array(i)) != text_of(b.array(i))) return false;
  return a.size() == b.size();
}
template <class P>
void write(const std::filesystem::path& path, const packed<P>& w, shape matrix = {0, 0}) {
  const shape own = matrix == shape{0, 0} ? w.size() : matrix;
  io::safetensors_contents c;
  io::add_owner<P>(c, name, own.rows, own.cols);
  auto out = io::safetensors_writer::create(path, c);
  io::write_owner<P>(out, name, w, matrix);
  out.commit();
}
// "SUFFIX DTYPE [EXTENTS]" of every tensor, in the order of their names.
std::vector<std::string> tensors_of(const io::safetensors_file& f) {
  std::vector<std::string> all;
  for (const io::safetensors_tensor& t : f.tensors()) {
    REQUIRE(t.name.starts_with(module));
    std::string s = std::string(t.name.substr(module.size())) + " " + std::string(io::name_of(t.dtype)) + " [";
    for (const std::uint64_t e : t.shape) s += std::to_string(e) + " ";
    if (!t.shape.empty()) s.pop_back();
    all.push_back(s + "]");
  }
  std::ranges::sort(all);
  return all;
}
template <class P>
std::string tensors_of(std::size_t rows, std::size_t cols) {
  const support::folder here;
  write(here / "m", encoded<P>(rows, cols));
  std::string s;
  for (const std::string& t : tensors_of(io::safetensors_file::open(here / "m"))) s += (s.empty() ? "" : ", ") + t;
  return s;
}
std::string text_in(const io::safetensors_file& f, const std::string& suffix) {
  aligned_bytes room;
  return text_of(f.view(f.at(module + suffix), room));
}

TEST_CASE_TEMPLATE("a matrix is read as it was written", P, bnb::nf4, bnb::fp4_blocks<128>, bnb::nf4_double,
                   bnb::llm_int8, ct::pack_quantized<4>, ct::pack_quantized_asymmetric<3>, ct::padded_int3<>,
                   ct::int8_channel, ct::nvfp4, ct::mxfp8, fp8::e4m3_tensor, fp8::e4m3_block, nv::nvfp4, gptq::v1<3>,
                   gptq::v2<4, all>, awq::gemm<>, awq::gemv<64>, mlx::affine<5>, mlx::mxfp4) {
  const support::folder here;
  const packed<P> w = encoded<P>(32, 16384);
  write(here / "m", w);
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto f = io::safetensors_file::open(here / "m", how);
    const auto found = io::find_owner<P>(f, name);
    CHECK(found.shapes.matrix == shape{32, 16384});
    CHECK(found.shapes.packed == shape{32, 16384});
    CHECK(same_bytes(io::read_owner<P>(f, name), w));
  }
}

TEST_CASE("gemv_fast, whose numbers have no encoder") {
  using P = awq::gemv_fast<128>;
  const support::folder here;
  packed<P> w(8, 256);
  support::random_source random(1);
  for (std::size_t i = 0; i < P::layout::arrays; ++i) random.fill(w.array(i));
  write(here / "m", w);
  const auto f = io::safetensors_file::open(here / "m");
  CHECK(tensors_of(f) == std::vector<std::string>{"qweight I16 [2 256]", "qzeros F16 [8 8]", "scales F16 [8 8]"});
  CHECK(same_bytes(io::read_owner<P>(f, name), w));
}

TEST_CASE("names, dtypes and shapes are the owners'") {
  CHECK(tensors_of<bnb::nf4>(3, 128) ==
        "weight U8 [192 1], weight.absmax F32 [6], weight.quant_map F32 [16], "
        "weight.quant_state.bitsandbytes__nf4 U8 [77]");
  CHECK(tensors_of<bnb::fp4_double>(1, 32768) ==
        "weight U8 [16384 1], weight.absmax U8 [512], weight.nested_absmax F32 [2], weight.nested_quant_map F32 [256], "
        "weight.quant_map F32 [16], weight.quant_state.bitsandbytes__fp4 U8 [176]");
  CHECK(tensors_of<bnb::llm_int8>(3, 40) == "SCB F32 [3], weight I8 [3 40], weight_format U8 []");
  CHECK(tensors_of<ct::pack_quantized<4>>(3, 256) ==
        "weight_packed I32 [3 32], weight_scale BF16 [3 2], weight_shape I64 [2]");
  CHECK(tensors_of<ct::pack_quantized<4, all, f16>>(3, 100) ==
        "weight_packed I32 [3 13], weight_scale F16 [3 1], weight_shape I64 [2]");
  CHECK(tensors_of<ct::pack_quantized_asymmetric<4>>(12, 256) ==
        "weight_packed I32 [12 32], weight_scale BF16 [12 2], weight_shape I64 [2], weight_zero_point I32 [2 2]");
  CHECK(tensors_of<ct::pack_quantized_asymmetric<3>>(64, 256) ==
        "weight_packed I32 [64 24], weight_scale BF16 [64 2], weight_shape I64 [2], weight_zero_point I32 [6 2]");
  CHECK(tensors_of<ct::padded_int3<>>(3, 256) ==
        "weight_packed I32 [3 26], weight_scale BF16 [3 2], weight_shape I64 [2]");
  CHECK(tensors_of<ct::int8_channel>(3, 40) == "weight I8 [3 40], weight_scale BF16 [3 1]");
  CHECK(tensors_of<ct::nvfp4>(3, 48) ==
        "weight_global_scale F32 [1], weight_packed U8 [3 24], weight_scale F8_E4M3 [3 3]");
  CHECK(tensors_of<ct::mxfp4>(3, 96) == "weight_packed U8 [3 48], weight_scale U8 [3 3]");
  CHECK(tensors_of<ct::mxfp8>(3, 96) == "weight F8_E4M3 [3 96], weight_scale U8 [3 3]");
  CHECK(tensors_of<fp8::e4m3_tensor>(3, 40) == "weight F8_E4M3 [3 40], weight_scale F32 [1]");
  CHECK(tensors_of<fp8::e4m3_channel>(3, 40) == "weight F8_E4M3 [3 40], weight_scale F32 [3 1]");
  CHECK(tensors_of<fp8::per_channel<e4m3, bf16>>(3, 40) == "weight F8_E4M3 [3 40], weight_scale BF16 [3 1]");
  CHECK(tensors_of<fp8::e4m3_block>(130, 40) == "weight F8_E4M3 [130 40], weight_scale_inv F32 [2 1]");
  CHECK(tensors_of<nv::nvfp4>(3, 48) == "weight U8 [3 24], weight_scale F8_E4M3 [3 3], weight_scale_2 F32 []");
  CHECK(tensors_of<gptq::v1<3>>(64, 256) ==
        "g_idx I32 [256], qweight I32 [24 64], qzeros I32 [2 6], scales F16 [2 64]");
  CHECK(tensors_of<awq::gemm<>>(16, 256) == "qweight I32 [256 2], qzeros I32 [2 2], scales F16 [2 16]");
  CHECK(tensors_of<awq::gemv<64>>(3, 128) == "qweight I32 [3 16], qzeros I32 [3 2], scales F16 [3 16]");
  CHECK(tensors_of<mlx::affine<3>>(3, 128) == "biases BF16 [3 2], scales BF16 [3 2], weight U32 [3 12]");
  CHECK(tensors_of<mlx::nvfp4>(3, 32) == "scales U8 [3 2], weight U32 [3 4]");
}

TEST_CASE("what has no convention has none here") {
  CHECK(io::has_owner_tensors<bnb::nf4_blocks<4096>>);
  CHECK_FALSE(io::has_owner_tensors<bnb::nf4_blocks<96>>);
  CHECK_FALSE(io::has_owner_tensors<bnb::int8_blockwise>);
  CHECK_FALSE(io::has_owner_tensors<fp8::e5m2_tensor>);
  CHECK_FALSE(io::has_owner_tensors<nv::nvfp4_swizzled>);
  CHECK_FALSE(io::has_owner_tensors<gptq::v1<5>>);
  CHECK_FALSE(io::has_owner_tensors<float>);
}

TEST_CASE("bytes that follow from the format and the shape") {
  const support::folder here;
  write(here / "nf4", encoded<bnb::nf4>(2, 64));
  const auto nf4 = io::safetensors_file::open(here / "nf4");
  CHECK(text_in(nf4, "weight.quant_state.bitsandbytes__nf4") ==
        R"({"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [2, 64]})");
  const auto values = support::elements<float>(bytes_of(text_in(nf4, "weight.quant_map")));
  CHECK(std::ranges::equal(values, bnb::nf4_values));
  write(here / "fp4", encoded<bnb::fp4>(2, 64));
  const auto fp4 = io::safetensors_file::open(here / "fp4");
  CHECK(support::element<std::uint32_t>(bytes_of(text_in(fp4, "weight.quant_map")), 8) == 0);  // no minus zero

  write(here / "ct", encoded<ct::pack_quantized<4>>(3, 128));
  const auto packed = io::safetensors_file::open(here / "ct");
  CHECK(support::elements<std::uint64_t>(bytes_of(text_in(packed, "weight_shape"))) ==
        std::vector<std::uint64_t>{3, 128});

  write(here / "gptq", encoded<gptq::v1<4, 64>>(32, 160));
  const auto gptq = io::safetensors_file::open(here / "gptq");
  const auto groups = support::elements<std::uint32_t>(bytes_of(text_in(gptq, "g_idx")));
  REQUIRE(groups.size() == 160);
  for (std::uint32_t i = 0; i < 160; ++i) CHECK(groups[i] == i / 64);
}

TEST_CASE("blocks of bitsandbytes that run across the ends of rows: the matrix is one row") {
  using P = bnb::nf4_double;
  const support::folder here;
  const packed<P> w = encoded<P>(1, 6 * 100);
  write(here / "m", w, {6, 100});
  const auto f = io::safetensors_file::open(here / "m");
  const auto found = io::find_owner<P>(f, name);
  CHECK(found.shapes.matrix == shape{6, 100});
  CHECK(found.shapes.packed == shape{1, 600});
  CHECK(found.mean == support::element<float>(w.view().array(3), 0));
  CHECK(same_bytes(io::read_owner<P>(f, name), w));
  const std::string text = text_in(f, "weight.quant_state.bitsandbytes__nf4");
  CHECK(text.find(R"("shape": [6, 100], "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": )") !=
        text.npos);
  CHECK(text.ends_with(" }"));  // blanks: the length was declared before the number was known
  // Rows that are whole blocks: either way.
  const support::folder there;
  write(there / "m", encoded<bnb::nf4>(1, 256), {2, 128});
  const auto read = io::read_owner<bnb::nf4>(io::safetensors_file::open(there / "m"), name);
  CHECK(read.size() == shape{2, 128});
}

TEST_CASE("several matrices take turns in the order of the file") {
  const support::folder here;
  const auto a = encoded<ct::pack_quantized<4>>(3, 128), b = encoded<ct::pack_quantized<4>>(5, 256);
  const auto c = encoded<fp8::e4m3_tensor>(2, 8);
  io::safetensors_contents contents;
  io::add_owner<ct::pack_quantized<4>>(contents, "a.weight", 3, 128);
  io::add_owner<ct::pack_quantized<4>>(contents, "b.weight", 5, 256);
  io::add_owner<fp8::e4m3_tensor>(contents, "weight", 2, 8);  // of the model itself
  contents.add("norm", dtype::f32, {1});
  auto out = io::safetensors_writer::create(here / "m", contents);
  std::size_t others = 0;
  for (const io::safetensors_declaration& t : out.contents().tensors()) {
    const int of = io::write_owner_tensor<ct::pack_quantized<4>>(out, t.name, "a.weight", a) +
                   io::write_owner_tensor<ct::pack_quantized<4>>(out, t.name, "b.weight", b) +
                   io::write_owner_tensor<fp8::e4m3_tensor>(out, t.name, "weight", c);
    CHECK(of <= 1);
    if (of == 0) out.write(t.name, bytes_of("1234")), ++others;
  }
  CHECK(others == 1);
  out.commit();
  const auto f = io::safetensors_file::open(here / "m");
  CHECK(same_bytes(io::read_owner<ct::pack_quantized<4>>(f, "a.weight"), a));
  CHECK(same_bytes(io::read_owner<ct::pack_quantized<4>>(f, "b.weight"), b));
  CHECK(same_bytes(io::read_owner<fp8::e4m3_tensor>(f, "weight"), c));
}

TEST_CASE("a mean that JSON cannot hold is not written") {
  const support::folder here;
  packed<bnb::nf4_double> w = encoded<bnb::nf4_double>(1, 640);
  std::ranges::fill(w.array(3), std::byte{0xff});  // NaN
  io::safetensors_contents c;
  io::add_owner<bnb::nf4_double>(c, name, 1, 640);
  auto out = io::safetensors_writer::create(here / "m", c);
  const auto r = io::try_write_owner<bnb::nf4_double>(out, name, w);
  REQUIRE(!r);
  CHECK(std::string(r.error().what) == "the mean of the absmaxes is not finite");
}

std::string rule(const io::result<void>& r) { return r ? "" : r.error().what; }

TEST_CASE("what does not fit is not written") {
  const support::folder here;
  using P = ct::pack_quantized<4>;
  io::safetensors_contents c;
  CHECK(rule(io::try_add_owner<P>(c, "a", 3, 128)) == "the name of a matrix ends with .weight");
  CHECK(rule(io::try_add_owner<P>(c, "a_weight", 3, 128)) == "the name of a matrix ends with .weight");
  CHECK(rule(io::try_add_owner<P>(c, name, 0, 128)) == "the matrix is empty");
  CHECK(rule(io::try_add_owner<P>(c, name, 3, 0)) == "the matrix is empty");
  CHECK(rule(io::try_add_owner<P>(c, name, SIZE_MAX, 128)) == "rows x cols overflows");
  const std::string groups = "columns are not whole groups and words of this format";
  CHECK(rule(io::try_add_owner<P>(c, name, 3, 100)) == groups);
  CHECK(rule(io::try_add_owner<ct::pack_quantized<3, all>>(c, name, 3, 40)) == groups);
  CHECK(rule(io::try_add_owner<ct::padded_int3<all>>(c, name, 3, 40)) == groups);
  CHECK(rule(io::try_add_owner<ct::nvfp4>(c, name, 3, 24)) == groups);
  CHECK(rule(io::try_add_owner<mlx::affine<4>>(c, name, 3, 96)) == groups);
  CHECK(rule(io::try_add_owner<awq::gemm<>>(c, name, 8, 160)) == groups);
  CHECK(rule(io::try_add_owner<ct::pack_quantized_asymmetric<3>>(c, name, 8, 128)) ==
        "rows are not whole words of this format");
  CHECK(rule(io::try_add_owner<awq::gemm<>>(c, name, 4, 128)) == "rows of an AWQ matrix are a multiple of 8");
  CHECK(rule(io::try_add_owner<gptq::v1<4>>(c, name, 8, 128)) ==
        "rows and columns of a GPTQ matrix are multiples of 32");
  CHECK(c.tensors().empty());
  CHECK(rule(io::try_add_owner<P>(c, name, 3, 128)) == "");
  CHECK(rule(io::try_add_owner<P>(c, name, 3, 128)) == "two tensors have one name");

  auto out = io::safetensors_writer::create(here / "m", c);
  const packed<P> w = encoded<P>(3, 128), other = encoded<P>(4, 128);
  const std::string undeclared = "the matrix was not declared, or with another format or shape";
  CHECK(rule(io::try_write_owner<P>(out, "b.weight", w)) == undeclared);
  CHECK(rule(io::try_write_owner<P>(out, name, w, {4, 128})) == "the weights are of another shape");
  CHECK(rule(io::try_write_owner<P>(out, name, w.view().rows(0, 2))) ==
        "some rows of a matrix are not written; give it whole");
  const auto half = encoded<ct::pack_quantized<4, 128, f16>>(3, 128);
  CHECK(rule(io::try_write_owner<ct::pack_quantized<4, 128, f16>>(out, name, half)) == undeclared);  // its scales
  CHECK(rule(out.try_commit()) == "bytes of a tensor are missing");
}

// ---- reading ----

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
  write(here / "m", w, matrix);
  std::vector<tensor> all;
  {
    const auto f = io::safetensors_file::open(here / "m");
    for (const io::safetensors_tensor& t : f.tensors()) {
      const std::string suffix(t.name.substr(module.size()));
      all.push_back({suffix, t.dtype, {t.shape.begin(), t.shape.end()}, text_in(f, suffix)});
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
  write(here / "m", encoded<mlx::affine<4>>(2, 128));
  const auto f = io::safetensors_file::open(here / "m");
  CHECK(io::find_owner<mlx::affine<4>>(f, name).shapes.matrix == shape{2, 128});
  CHECK(io::find_owner<mlx::affine<8, 32>>(f, name).shapes.matrix == shape{2, 64});
  CHECK_FALSE(io::try_find_owner<mlx::affine<6>>(f, name).has_value());
  CHECK_FALSE(io::try_find_owner<mlx::affine<4, 32>>(f, name).has_value());
}

TEST_CASE("failures name the file and the tensor") {
  const support::folder here;
  write(here / "m", encoded<gptq::v1<4>>(32, 128));
  const auto f = io::safetensors_file::open(here / "m");
  const auto other = io::try_find_owner<mlx::affine<4>>(f, name);
  REQUIRE(!other);
  CHECK(other.error().where.ends_with("/m, matrix " + name + ", tensor " + module + "weight"));
  CHECK_THROWS_AS(io::read_owner<gptq::v1<4>>(f, "a.weight"), io::file_error);
  CHECK(std::string(io::try_find_owner<gptq::v1<4>>(f, "a.bias").error().what) ==
        "the name of a matrix ends with .weight");
}

}  // namespace
