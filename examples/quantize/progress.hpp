// How far a long job is: one line that is written over on a terminal, nothing elsewhere.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace quantize {

class progress {
 public:
  using clock = std::chrono::steady_clock;

  // total: in bytes of the source.
  explicit progress(std::uint64_t total) : total_(total), shown_(::isatty(STDERR_FILENO) == 1) {}
  progress(const progress&) = delete;
  ~progress() { clear(); }

  double seconds() const { return std::chrono::duration<double>(clock::now() - start_).count(); }

  // `bytes` more of the source are done, of the tensor of this name. Shown ten times a second at most.
  void add(std::uint64_t bytes, const std::string& name) {
    done_ += bytes;
    const auto now = clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    const double rate = static_cast<double>(done_) / std::max(seconds(), 1e-3);
    const double left = static_cast<double>(total_ - std::min(done_, total_)) / std::max(rate, 1.0);
    std::fprintf(stderr, "\r\x1b[K%3.0f %%  %.1f of %.1f MB  %.0f MB/s  %.0f s left  %s",
                 100.0 * static_cast<double>(done_) / std::max(static_cast<double>(total_), 1.0),
                 static_cast<double>(done_) * 1e-6, static_cast<double>(total_) * 1e-6, rate * 1e-6, left,
                 name.c_str());
    written_ = true;
  }
  // Takes the line away, before something else is printed.
  void clear() {
    if (written_) std::fputs("\r\x1b[K", stderr);
    written_ = false;
  }

 private:
  std::uint64_t total_, done_ = 0;
  bool shown_, written_ = false;
  clock::time_point start_ = clock::now(), last_ = start_ - std::chrono::seconds(1);
};

}  // namespace quantize
