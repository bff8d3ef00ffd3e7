// What the owners' software reads of a format in config.json, beside the tensors. Sources: transformers,
// utils/quantization_config.py; compressed_tensors, quantization/quant_config.py; ModelOpt's hf_quant_config.json; mlx_lm,
// utils.py.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/owner_formats.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quantize {

struct owner_config {
  std::string_view file, key;  // where it stands; no key: it is all of the file. No file: it is not known here
  std::string_view format;     // of the metadata, which loaders compare
  // The value. kept: modules whose weights are matrices that stayed as they were.
  nlohmann::ordered_json (*value)(const std::vector<std::string>& kept);
};

// Of compressed-tensors: one group of all linear modules.
inline nlohmann::ordered_json compressed_tensors_config(const char* format, const nlohmann::ordered_json& weights,
                                                        const std::vector<std::string>& kept) {
  return {{"quant_method", "compressed-tensors"},
          {"format", format},
          {"quantization_status", "compressed"},
          {"config_groups", {{"group_0", {{"targets", {"Linear"}}, {"weights", weights}, {"format", format}}}}},
          {"ignore", kept}};
}

template <class P>
struct owner_config_of {};

template <class P>
constexpr owner_config config_of() {
  if constexpr (requires { owner_config_of<P>::value; }) {
    owner_config c{"config.json", "quantization_config", "pt", &owner_config_of<P>::value};
    if constexpr (requires { owner_config_of<P>::file; }) c.file = owner_config_of<P>::file;
    if constexpr (requires { owner_config_of<P>::key; }) c.key = owner_config_of<P>::key;
    if constexpr (requires { owner_config_of<P>::format; }) c.format = owner_config_of<P>::format;
    return c;
  } else {
    return {"", "", "pt", nullptr};
  }
}

using kept_modules = std::vector<std::string>;
using ordered_json = nlohmann::ordered_json;
namespace ct = quern::compressed_tensors;

template <bool IsNf4, bool IsNested>
struct bnb_config {
  static ordered_json value(const kept_modules& kept) {
    return {{"quant_method", "bitsandbytes"},
            {"load_in_4bit", true},
            {"load_in_8bit", false},
            {"bnb_4bit_quant_type", IsNf4 ? "nf4" : "fp4"},
            {"bnb_4bit_use_double_quant", IsNested},
            {"bnb_4bit_compute_dtype", "bfloat16"},
            {"bnb_4bit_quant_storage", "uint8"},
            {"llm_int8_skip_modules", kept}};
  }
};
template <>
struct owner_config_of<quern::bnb::nf4> : bnb_config<true, false> {};
template <>
struct owner_config_of<quern::bnb::fp4> : bnb_config<false, false> {};
template <>
struct owner_config_of<quern::bnb::nf4_double> : bnb_config<true, true> {};
template <>
struct owner_config_of<quern::bnb::fp4_double> : bnb_config<false, true> {};
template <>
struct owner_config_of<quern::bnb::llm_int8> {
  static ordered_json value(const kept_modules& kept) {
    return {{"quant_method", "bitsandbytes"},
            {"load_in_4bit", false},
            {"load_in_8bit", true},
            {"llm_int8_threshold", 6.0},
            {"llm_int8_skip_modules", kept}};
  }
};

template <unsigned Bits, std::size_t Group, bool IsSymmetric>
struct ct_packed_config {
  static ordered_json value(const kept_modules& kept) {
    ordered_json weights{{"num_bits", Bits}, {"type", "int"}, {"symmetric", IsSymmetric}};
    weights["strategy"] = Group == quern::all ? "channel" : "group";
    if (Group != quern::all) weights["group_size"] = Group;
    return compressed_tensors_config("pack-quantized", weights, kept);
  }
};
template <unsigned Bits, std::size_t Group, class Scale>
struct owner_config_of<ct::pack_quantized<Bits, Group, Scale>> : ct_packed_config<Bits, Group, true> {};
template <unsigned Bits, std::size_t Group, class Scale>
struct owner_config_of<ct::pack_quantized_asymmetric<Bits, Group, Scale>> : ct_packed_config<Bits, Group, false> {};
template <>
struct owner_config_of<ct::int8_channel> {
  static ordered_json value(const kept_modules& kept) {
    return compressed_tensors_config(
        "int-quantized", {{"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", "channel"}}, kept);
  }
};
template <>
struct owner_config_of<ct::nvfp4> {
  static ordered_json value(const kept_modules& kept) {
    return compressed_tensors_config(
        "nvfp4-pack-quantized",
        {{"num_bits", 4}, {"type", "float"}, {"symmetric", true}, {"strategy", "tensor_group"}, {"group_size", 16}}, kept);
  }
};

template <>
struct owner_config_of<quern::fp8::e4m3_channel> {
  static ordered_json value(const kept_modules& kept) {
    return compressed_tensors_config(
        "float-quantized", {{"num_bits", 8}, {"type", "float"}, {"symmetric", true}, {"strategy", "channel"}}, kept);
  }
};
template <>
struct owner_config_of<quern::fp8::e4m3_block> {
  static ordered_json value(const kept_modules& kept) {
    return {{"quant_method", "fp8"},
            {"activation_scheme", "dynamic"},
            {"weight_block_size", {128, 128}},
            {"modules_to_not_convert", kept}};
  }
};

template <>
struct owner_config_of<quern::nv::nvfp4> {
  static constexpr std::string_view file = "hf_quant_config.json", key = "quantization";
  static ordered_json value(const kept_modules& kept) {
    return {{"quant_algo", "NVFP4"}, {"kv_cache_quant_algo", nullptr}, {"group_size", 16}, {"exclude_modules", kept}};
  }
};

template <unsigned Bits, std::size_t Group, int Version>
struct gptq_config {
  static ordered_json value(const kept_modules&) {
    return {{"quant_method", "gptq"},
            {"bits", Bits},
            {"group_size", Group == quern::all ? -1 : static_cast<int>(Group)},
            {"desc_act", false},
            {"sym", false},
            {"checkpoint_format", Version == 1 ? "gptq" : "gptq_v2"}};
  }
};
template <unsigned Bits, std::size_t Group>
struct owner_config_of<quern::gptq::v1<Bits, Group>> : gptq_config<Bits, Group, 1> {};
template <unsigned Bits, std::size_t Group>
struct owner_config_of<quern::gptq::v2<Bits, Group>> : gptq_config<Bits, Group, 2> {};

template <std::size_t Group>
struct owner_config_of<quern::awq::gemm<Group>> {
  static ordered_json value(const kept_modules& kept) {
    return {{"quant_method", "awq"}, {"bits", 4},           {"group_size", Group},
            {"zero_point", true},    {"version", "gemm"}, {"modules_to_not_convert", kept}};
  }
};

template <unsigned Bits, std::size_t Group, class Scale>
struct owner_config_of<quern::mlx::affine<Bits, Group, Scale>> {
  static constexpr std::string_view key = "quantization", format = "mlx";
  static ordered_json value(const kept_modules&) { return {{"group_size", Group}, {"bits", Bits}, {"mode", "affine"}}; }
};

}  // namespace quantize
