// What a measurement ran on: the processor, its caches, the compiler and its flags.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <fstream>
#include <string>
#include <thread>

namespace bench {

struct machine {
  std::string processor, caches, compiler, flags;
  unsigned processors = 0;

  std::string text() const {
    return processor + ", " + std::to_string(processors) + " processors, caches " + caches + "; " + compiler +
           (flags.empty() ? "" : " " + flags);
  }
};

// What files of Linux say; "unknown" where there are none.
inline machine this_machine() {
  machine m;
  m.processors = std::thread::hardware_concurrency();
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; m.processor.empty() && std::getline(info, line);)
    if (line.starts_with("model name") || line.starts_with("Model"))
      if (const auto at = line.find(": "); at != line.npos) m.processor = line.substr(at + 2);
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    std::string kind, size;
    std::ifstream(folder + "type") >> kind;
    std::ifstream(folder + "size") >> size;
    if (!size.empty() && kind != "Instruction") m.caches += (m.caches.empty() ? "" : " ") + size;
  }
  if (m.processor.empty()) m.processor = "unknown";
  if (m.caches.empty()) m.caches = "unknown";
#if defined(__clang__)
  m.compiler = "clang++ " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#elif defined(__GNUC__)
  m.compiler = "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#endif
#if defined(QUERN_BENCH_FLAGS)
  m.flags = QUERN_BENCH_FLAGS;
#endif
  return m;
}

}  // namespace bench
