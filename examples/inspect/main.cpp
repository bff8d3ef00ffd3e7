// Shows what is in a model's files: inspect [--verify] FILE, or what a codec's bytes are: inspect --describe NAME. See
// docs/inspect.md.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "list.hpp"
#include "verify.hpp"

namespace {

using namespace inspect;

constexpr const char* usage =
    "usage: inspect FILE             metadata, tensors, totals\n"
    "       inspect --verify FILE    decodes every tensor: are all values finite?\n"
    "       inspect --describe NAME  every bit of a codec of the catalogue; or of a type of GGUF, such as Q4_K\n"
    "  FILE  .gguf (of several: any), .safetensors, or the .json index of several\n"
    "exit status: 0 if all is well, 1 if values are not finite, 2 for wrong usage, 3 for files that are refused\n";

void describe(const std::string& name) {
  const io::gguf_tensor_type* const type = io::find_gguf_tensor_type(name);
  const codec_entry* const codec = type == nullptr ? nullptr : find_codec(static_cast<int>(type->id));
  if (type != nullptr && codec == nullptr) throw std::invalid_argument("GGUF's type " + name + " is no codec");
  const std::optional<std::string> text = description(codec == nullptr ? std::string_view(name) : codec->name);
  if (!text) throw std::invalid_argument("no codec and no type of GGUF is called " + io::escaped(name));
  std::fputs(text->c_str(), stdout);
}

// The exit status.
int run(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const bool is_option = first.starts_with("-");
  if (is_option && first != "--verify" && first != "--describe")
    throw std::invalid_argument("unknown option " + io::escaped(first));
  if (argc != (is_option ? 3 : 2)) throw std::invalid_argument(is_option ? "one name is needed" : "one FILE is needed");
  if (first == "--describe") {
    describe(argv[2]);
    return 0;
  }
  const std::filesystem::path path = argv[argc - 1];
  const std::filesystem::path end = path.extension();
  if (end != ".gguf" && end != ".safetensors" && end != ".json")
    throw std::invalid_argument("FILE must end with .gguf, .safetensors or .json");
  const contents c(path);
  if (first == "--verify") return verify(c) ? 0 : 1;
  list(c);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw std::runtime_error("the output cannot be written");
    return status;
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "inspect: %s\n%s", e.what(), usage);
    return 2;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "inspect: %s\n", e.what());
    return 3;
  }
}
