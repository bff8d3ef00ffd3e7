// Matrices under the owners' names: written and read; names, dtypes, shapes, constants; and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/owner_tensors.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/owner.hpp"
#include "io/shards.hpp"

namespace {

using namespace quern;
using support::bytes_of;
using support::encoded;
using support::same_bytes;
using dtype = io::safetensors_dtype;
namespace ct = compressed_tensors;

const std::string name = "model.layers.0.mlp.up_proj.weight", module = "model.layers.0.mlp.up_proj.";

template <class P>
void write(const std::filesystem::path& path, const packed<P>& w, shape matrix = {0, 0}) {
  support::write_owner<P>(path, name, w, matrix);
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
  return support::text_in(f, module + suffix);
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

TEST_CASE_TEMPLATE("a matrix is read whose tensors lie in several files", P, bnb::nf4, bnb::nf4_double, bnb::llm_int8,
                   ct::pack_quantized<4>, ct::nvfp4, fp8::e4m3_block, gptq::v1<4>, awq::gemm<>, mlx::affine<4>) {
  const support::folder here;
  const packed<P> w = encoded<P>(32, 16384);
  write(here / "one", w);
  // A file for each tensor.
  const auto one = io::safetensors_file::open(here / "one");
  support::write_shards(
      here, one, [](std::string_view t) { return "m-" + std::string(t); }, support::all_in(""));
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto model = io::safetensors_shards::open(here / "m.json", how);
    CHECK(model.files().size() == one.tensors().size());
    const auto found = io::find_owner<P>(model, name);
    CHECK(found.shapes.matrix == shape{32, 16384});
    for (std::size_t i = 0; i < found.tensors.size(); ++i)
      CHECK(model.find(found.tensors[i].tensor->name) == found.tensors[i]);
    CHECK(same_bytes(io::read_owner<P>(model, name), w));
  }
}

TEST_CASE("in several files all of it is checked, too") {
  const support::folder here;
  const packed<bnb::nf4> w = encoded<bnb::nf4>(3, 128);
  write(here / "one", w);
  const auto one = io::safetensors_file::open(here / "one");
  const auto failure = [&](const std::string& missing) {
    const auto shard = support::second_has("__nf4");
    support::write_shards(
        here, one, [&](std::string_view t) { return t.ends_with(missing) ? "" : shard(t); }, support::all_in(""));
    const auto found = io::try_find_owner<bnb::nf4_blocks<128>>(io::safetensors_shards::open(here / "m.json"), name);
    REQUIRE(!found);
    return found.error();
  };
  CHECK(std::string(failure("absmax").what) == "the matrix has no such tensor");
  CHECK(failure("absmax").where.ends_with("/m.json, matrix " + name + ", tensor " + module + "weight.absmax"));
  CHECK(std::string(failure("none").what) == "the blocks have another length");
  CHECK(failure("none").where.ends_with("/second, tensor " + module + "weight.quant_state.bitsandbytes__nf4"));

  // A tensor that no matrix of the format has, in another file than all the others.
  const packed<gptq::v1<4>> g = encoded<gptq::v1<4>>(32, 128);
  write(here / "gptq", g);
  support::write_shards(here, io::safetensors_file::open(here / "gptq"), support::second_has("g_idx"),
                        support::all_in(""));
  const auto model = io::safetensors_shards::open(here / "m.json");
  CHECK(same_bytes(io::read_owner<gptq::v1<4>>(model, name), g));
  const auto other = io::try_find_owner<awq::gemm<>>(model, name);
  REQUIRE(!other);
  CHECK(std::string(other.error().what) == "a matrix of this format has no such tensor");
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

}  // namespace
