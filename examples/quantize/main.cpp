// Quantizes a model: quantize [options] INPUT OUTPUT. Reads .safetensors (one file, or the index of several) and .gguf
// (one file, or the first of several); writes what OUTPUT's name says. See docs/quantize.md.
// SPDX-License-Identifier: Apache-2.0
#include <quern/interop/thread_pool.hpp>
#include <quern/measure/bits_per_weight.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "output.hpp"

namespace {

using namespace quantize;

constexpr const char* usage =
    "usage: quantize [options] INPUT OUTPUT\n"
    "  INPUT           .gguf, .safetensors, or the .json index of several\n"
    "  OUTPUT          .gguf or .safetensors; appears when it is whole\n"
    "  --codec NAME    for matrices without another rule; default gguf.q4_k\n"
    "  --ends NAME     for embeddings and the output matrix\n"
    "  --rule GLOB=NAME   for tensors whose names match; the first rule counts; the name `keep` leaves them as they are\n"
    "  --names WHOSE   of matrices in .safetensors: owner, where the codec has one, or quern; default owner\n"
    "  --source NAME   the codec of matrices in INPUT that are in their owner's names; may be given several times\n"
    "  --threads N     default one for each processor\n"
    "  --list          the names of all codecs\n";

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

struct arguments {
  plan rules{"gguf.q4_k", "", {}};
  bool owners_names = true;
  std::vector<const format*> sources;
  std::size_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::string> files;
  bool list = false;
};

const format& source_named(std::string_view name) {
  const format* const f = find(formats(), name);
  if (f == nullptr || !f->owner)
    throw std::invalid_argument("no codec with owner's names is called " + std::string(name) + "; --list names all");
  return *f;
}

arguments parse(int argc, char** argv) {
  arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) throw std::invalid_argument(std::string(word) + " needs a value");
      return argv[++i];
    };
    if (word == "--codec") a.rules.codec = value();
    else if (word == "--ends") a.rules.ends = value();
    else if (word == "--list") a.list = true;
    else if (word == "--source") a.sources.push_back(&source_named(value()));
    else if (word == "--names") {
      const std::string whose = value();
      if (whose != "owner" && whose != "quern") throw std::invalid_argument("--names wants owner or quern, not " + whose);
      a.owners_names = whose == "owner";
    }
    else if (word == "--threads") a.threads = std::clamp<std::size_t>(std::strtoul(value().c_str(), nullptr, 10), 1, 1024);
    else if (word == "--rule") {
      const std::string text = value();
      const auto r = parse_rule(text);
      if (!r) throw std::invalid_argument("--rule wants GLOB=NAME, not " + text);
      a.rules.rules.push_back(*r);
    } else if (word.starts_with("-")) {
      throw std::invalid_argument("unknown option " + std::string(word));
    } else {
      a.files.emplace_back(word);
    }
  }
  if (!a.list && a.files.size() != 2) throw std::invalid_argument("INPUT and OUTPUT are needed");
  // Names are checked before any work is done.
  for (const std::string* name : {&a.rules.codec, &a.rules.ends})
    if (!name->empty() && *name != keep) format_named(*name);
  for (const rule& r : a.rules.rules)
    if (r.codec != keep) format_named(r.codec);
  return a;
}

void list_formats() {
  for (const format& f : formats()) {
    std::printf("%-24.*s", static_cast<int>(f.name.size()), f.name.data());
    std::printf("%s%s%s\n", f.gguf_id < 0 ? "" : " gguf", f.owner ? " owner" : "", f.encode == nullptr ? " (read only)" : "");
  }
}

struct totals {
  std::uint64_t source_bytes = 0, bytes = 0, weights = 0, weight_bytes = 0;
  quern::difference error;
};

std::string shape_text(const tensor& t) {
  std::string s;
  for (const std::uint64_t extent : t.shape) s += (s.empty() ? "" : " x ") + std::to_string(extent);
  return s.empty() ? "scalar" : s;
}

// What the owner's software reads beside the tensors.
void print_config(const std::vector<task>& tasks) {
  std::vector<std::string> kept;  // modules
  std::vector<const format*> used;
  std::size_t packed = 0;
  for (const task& k : tasks) {
    const tensor& t = *k.from;
    const format* const f = k.where == task::place::owner ? k.to : k.to == nullptr && t.named != nullptr ? t.stored : nullptr;
    if (f != nullptr && std::ranges::find(used, f) == used.end()) used.push_back(f);
    if (f == nullptr && t.shape.size() == 2 && t.name.ends_with(".weight")) kept.push_back(t.name.substr(0, t.name.size() - 7));
    packed += k.where == task::place::packed;
  }
  if (used.empty()) return;
  if (packed != 0) std::printf("%zu matrices are packed in Quern's own scheme, which no owner's software reads\n", packed);
  const owner_config& c = used[0]->owner->config;
  if (used.size() > 1) std::puts("the matrices are of several formats: what config.json says of them is not known here");
  else if (c.value != nullptr)
    std::printf("%.*s wants \"%.*s\": %s\n", static_cast<int>(c.file.size()), c.file.data(), static_cast<int>(c.key.size()),
                c.key.data(), c.value(kept).dump(-1, ' ', true).c_str());  // names from files: ASCII
}

void run(const arguments& a) {
  const std::filesystem::path input = a.files[0], output = a.files[1];
  const bool to_gguf = output.extension() == ".gguf";
  if (!to_gguf && output.extension() != ".safetensors")
    throw std::invalid_argument("OUTPUT must end with .gguf or .safetensors");
  const model m(input, a.sources);
  plan rules = a.rules;
  const bool by_owner = !to_gguf && a.owners_names && rules.codec != keep && format_named(rules.codec).owner.has_value();
  if (by_owner && rules.ends.empty()) rules.ends = keep;  // as the owners' tools do
  const std::vector<task> tasks = tasks_of(m, rules, to_gguf, a.owners_names);
  totals total;
  for (const tensor& t : m.tensors()) total.source_bytes += t.bytes();

  hwy::ThreadPool pool(a.threads - 1);
  progress shown(total.source_bytes);
  pieces work_on(m, quern::thread_pool_executor(pool), stop, shown);
  std::printf("%-44s %-20s %-18s %-18s %7s %9s %8s %8s\n", "tensor", "shape", "from", "to", "bits", "MB", "SQNR dB", "s");
  const auto each = [&](const task& k, const writer& write) {
    const tensor& t = *k.from;
    const double begin = shown.seconds();
    std::uint64_t bytes = 0;
    const writer counted = [&](std::size_t array, std::span<const std::byte> b) {
      bytes += b.size();
      write(array, b);
    };
    std::string sqnr = "-";
    if (k.to == nullptr && t.named != nullptr) {
      work_on.copy_members(t, counted);
    } else if (k.copies()) {
      work_on.copy(t, counted);
    } else {
      const quern::difference d = work_on.convert(k, counted);
      char text[32];
      std::snprintf(text, sizeof text, "%.2f", d.sqnr_db());
      sqnr = text;
      total.error.merge(d);
      total.weights += t.rows() * t.cols(), total.weight_bytes += bytes;
    }
    total.bytes += bytes;
    shown.clear();
    const std::string name = io::escaped(t.name), to(k.copies() ? keep : k.to->name);
    std::printf("%-44s %-20s %-18s %-18s %7.3f %9.3f %8s %8.2f%s%s\n", name.c_str(), shape_text(t).c_str(),
                io::escaped(t.type).c_str(), to.c_str(), quern::measured_bits_per_weight(bytes, t.rows() * t.cols()),
                static_cast<double>(bytes) * 1e-6, sqnr.c_str(), shown.seconds() - begin, k.note.empty() ? "" : "  ",
                k.note.c_str());
  };
  const int main_type = a.rules.codec == keep ? -1 : format_named(a.rules.codec).gguf_id;
  if (to_gguf) write_gguf(output, m, tasks, main_type, each);
  else write_safetensors(output, m, tasks, each);
  std::printf("%llu weights quantized to %.3f bits, SQNR %.2f dB; %.2f MB became %.2f MB in %.2f s\n",
              static_cast<unsigned long long>(total.weights),
              quern::measured_bits_per_weight(total.weight_bytes, total.weights), total.error.sqnr_db(),
              static_cast<double>(total.source_bytes) * 1e-6, static_cast<double>(total.bytes) * 1e-6, shown.seconds());
  if (!to_gguf) print_config(tasks);
}

}  // namespace

int main(int argc, char** argv) {
  // Ctrl-C ends the work between two pieces; the unfinished file has no name and goes away.
  struct sigaction act {};
  act.sa_handler = [](int) { stop = true; };
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaction(s, &act, nullptr);
  try {
    const arguments a = parse(argc, argv);
    if (a.list) list_formats();
    else run(a);
    return 0;
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "quantize: %s\n%s", e.what(), usage);
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "quantize: %s\n", e.what());
    return 1;
  }
}
