// Prints what the catalogue holds, as the tables of the documentation: `catalogue families` that of README.md,
// `catalogue presets` that of docs/catalogue.md, `catalogue gguf` the descriptions of docs/gguf_types.md. Every number is read
// from the declarations.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace {
using namespace quern;

// "4.5", "4.127", "16": at most four decimals.
std::string bits_text(double bits) { return number_text(std::round(bits * 1e4) / 1e4); }

struct family {
  const char* name;
  const char* what;
  std::size_t presets = 0;
  double least = 1e9, most = 0;
};

template <class... C>
family summary(const char* name, const char* what, type_list<C...>) {
  family f{name, what};
  ((++f.presets, f.least = std::min(f.least, bits_per_weight<C>), f.most = std::max(f.most, bits_per_weight<C>)), ...);
  return f;
}

void print_families() {
  const family all[] = {
      summary("gguf", "ggml and llama.cpp: legacy, K, I, ternary, MXFP4, NVFP4, activations, floats", gguf::presets{}),
      summary("ik", "ik_llama.cpp: the IQ_K formats", ik::presets{}),
      summary("mx", "OCP Microscaling: MXFP8, MXFP6, MXFP4, MXINT8", mx::presets{}),
      summary("nv", "NVFP4, as stored by its tools", nv::presets{}),
      summary("fp8", "8-bit floats with a scale for tensor, channel or block", fp8::presets{}),
      summary("integers", "plain integers of 8, 4 and 2 bits: ONNX, TFLite, quanto, torchao", integers::presets{}),
      summary("bnb", "bitsandbytes: NF4, FP4, nested scales, 8-bit blocks, LLM.int8()", bnb::presets{}),
      summary("gptq", "GPTQ checkpoints, versions 1 and 2", gptq::presets{}),
      summary("awq", "AWQ checkpoints: gemm, gemv, gemv_fast", awq::presets{}),
      summary("marlin", "Marlin: tensor-core fragments", marlin::presets{}),
      summary("mlx", "MLX: affine, MXFP4, MXFP8, NVFP4", mlx::presets{}),
      summary("compressed_tensors", "compressed-tensors: packed, int, NVFP4, MXFP4, MXFP8",
              compressed_tensors::presets{}),
      summary("hqq", "HQQ: packed, with float zero points", hqq::presets{}),
      summary("torchao", "torchao: tinygemm int4", torchao::presets{}),
      summary("bitnet", "BitNet b1.58: of transformers, of bitnet.cpp", bitnet::presets{})};
  std::size_t count = 0;
  std::printf("| family | formats | presets | bits a weight |\n|---|---|--:|--:|\n");
  for (const family& f : all) {
    const std::string least = bits_text(f.least), most = bits_text(f.most);
    std::printf("| `%s` | %s | %zu | %s |\n", f.name, f.what, f.presets,
                (least == most ? least : least + " to " + most).c_str());
    count += f.presets;
  }
  std::printf("| | | **%zu** | |\n", count);
}

// Who chooses scales and codes when weights are encoded.
template <class C>
const char* encoder() {
  if constexpr (requires { typename C::fit; }) return "own";
  else return "default";
}

template <class C>
void print_preset() {
  const std::string id = [] {
    if constexpr (numbered_codec<C>) return std::to_string(C::gguf_id);
    else return std::string();
  }();
  std::printf("| `%s` | %s | `%s` | `%s` | `%s` | %zu | %s | %s |\n", C::name, bits_text(bits_per_weight<C>).c_str(),
              std::string(name<typename C::number>).c_str(), std::string(name<typename C::granularity>).c_str(),
              std::string(name<typename C::symmetry>).c_str(), C::layout::arrays, encoder<C>(), id.c_str());
}

void print_presets() {
  std::printf(
      "| name | bits | number | granularity | symmetry | arrays | fit | id |\n|---|--:|---|---|---|--:|---|--:|\n");
  []<class... C>(type_list<C...>) { (print_preset<C>(), ...); }(catalog{});
}

// Every type of GGUF files, byte by byte.
void print_gguf() {
  []<class... C>(type_list<C...>) {
    (std::printf("\n## `%s`\n\n```text\n%s```\n", C::name, describe<C>().c_str()), ...);
  }(gguf::presets{});
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "presets";
  if (what == "families") print_families();
  else if (what == "gguf") print_gguf();
  else print_presets();
}
