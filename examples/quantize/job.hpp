// The main job: a model read tensor by tensor, quantized in pieces, and written.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/measure/difference.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <new>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "model.hpp"
#include "progress.hpp"
#include "rules.hpp"

namespace quantize {

// What becomes of a tensor.
struct task {
  // How it lies in the file: its tensors as they were; one tensor of the file's own type; or, in a safetensors file, the
  // arrays of a packed matrix, in Quern's own scheme or in the names of the codec's owner.
  enum class place { as_it_was, plain, packed, owner };
  const tensor* from = nullptr;
  place where = place::as_it_was;
  const format* to = nullptr;  // null: its tensors as they were
  quern::shape coded{0, 0};    // that of the codec
  std::string note = {};       // why it is not the codec that was asked for

  // Whether the codec's arrays are those that were read.
  bool copies() const { return to == nullptr || (to == from->stored && coded == from->coded); }
};

// ---- what is to be done ----

// The format that llama.cpp takes in place of one whose blocks do not fit a row: blocks of 32, else floats.
inline std::string_view fallback(std::string_view codec, std::size_t cols) {
  if (cols % 32 != 0) return "gguf.f16";
  if (codec == "gguf.q4_k") return "gguf.q5_0";
  if (codec == "gguf.q5_k") return "gguf.q5_1";
  if (codec == "gguf.q6_k") return "gguf.q8_0";
  if (codec == "gguf.q2_k" || codec == "gguf.q3_k" || codec.starts_with("gguf.tq") || codec == "gguf.q2_0") return "gguf.q4_0";
  return codec.starts_with("gguf.iq") ? "gguf.iq4_nl" : "gguf.f16";
}

inline const format& format_named(std::string_view name) {
  const format* const f = find(formats(), name);
  if (f == nullptr) throw std::invalid_argument("no codec is called " + std::string(name) + "; --list names all");
  if (f->encode == nullptr) throw std::invalid_argument(std::string(name) + " can be read, not written");
  return *f;
}

[[noreturn]] inline void refuse(const tensor& t, const std::string& what) {
  throw std::invalid_argument("tensor " + io::escaped(t.name) + what);
}

// In a GGUF file. The codec is not `keep`.
inline void place_in_gguf(task& k, std::string_view codec) {
  k.to = &format_named(codec);
  const quern::shape s{k.from->rows(), k.from->cols()};
  if (const char* why = k.to->refusal(s)) {
    const std::string_view other = fallback(codec, s.cols);
    k.note = std::string(other) + ": " + why;
    k.to = &format_named(other);
  }
  if (k.to->gguf_id < 0) throw std::invalid_argument(std::string(k.to->name) + " has no number in GGUF: write .safetensors");
  k.where = task::place::plain, k.coded = s;
}
inline void keep_in_gguf(task& k) {
  const tensor& t = *k.from;
  if (t.stored != nullptr) {
    if (t.stored->gguf_id < 0) refuse(t, " of " + t.type + " has no type in GGUF");
    k.to = t.stored, k.where = task::place::plain, k.coded = t.coded;
  } else if (t.gguf_type == 0) {  // F32, which is stored: there is none
    refuse(t, " of " + t.type + " has no type in GGUF");
  }
}

// In a safetensors file. A matrix that the codec or its owner has no room for stays as it is.
inline void place_in_safetensors(task& k, std::string_view codec, bool owners_names) {
  const tensor& t = *k.from;
  const format& f = format_named(codec);
  const quern::shape s{t.rows(), t.cols()};
  const char* why = nullptr;
  if (f.dtype) {
    k.where = task::place::plain, k.coded = s;
  } else if (owners_names && f.owner) {
    why = t.shape.size() != 2 ? "its owner has matrices of two dimensions only" : f.owner->refusal(t.name, s);
    if (why == nullptr) k.where = task::place::owner, k.coded = f.owner->coded(s);
  } else {
    why = f.refusal(s);
    if (why == nullptr) k.where = task::place::packed, k.coded = s;
  }
  if (why == nullptr) k.to = &f;
  else k.note = std::string(keep) + ": " + why;
}
inline void keep_in_safetensors(task& k, bool from_gguf) {
  const tensor& t = *k.from;
  if (t.stored != nullptr && t.named == nullptr) {
    k.to = t.stored, k.coded = t.coded;
    k.where = t.stored->dtype ? task::place::plain : task::place::packed;
  } else if (from_gguf && !t.is_plain) {
    refuse(t, " of " + t.type + " has no type in safetensors");
  }
}

// owners_names: whether matrices are written in the names of their codecs' owners, where these have some.
inline std::vector<task> tasks_of(const model& m, const plan& p, bool to_gguf, bool owners_names) {
  std::vector<task> tasks;
  for (const tensor& t : m.tensors()) {
    std::string_view codec = p.codec_for(t.name, t.shape.size());
    task k{&t};
    if (codec != keep && t.stored == nullptr) codec = keep, k.note = "kept: " + t.type + " is no weight";
    if (codec != keep && to_gguf) place_in_gguf(k, codec);
    if (codec != keep && !to_gguf) place_in_safetensors(k, codec, owners_names);
    if (k.to == nullptr && to_gguf) keep_in_gguf(k);
    if (k.to == nullptr && !to_gguf) keep_in_safetensors(k, m.is_gguf());
    tasks.push_back(std::move(k));
  }
  // Tensors of safetensors files are found by name only. Sorted, the same ones give the same file wherever they are from.
  if (!to_gguf) std::ranges::sort(tasks, {}, [](const task& k) -> const std::string& { return k.from->name; });
  return tasks;
}

// ---- a tensor, in pieces ----

// Gives the next bytes of an array of a tensor.
using writer = std::function<void(std::size_t array, std::span<const std::byte>)>;

class pieces {
 public:
  pieces(const model& m, quern::executor ex, const std::atomic<bool>& stop, progress& shown)
      : model_(m), ex_(ex), stop_(stop), shown_(shown) {}

  // The arrays as they are.
  void copy(const tensor& t, const writer& write) {
    for (std::size_t i = 0; i < t.arrays.size(); ++i)
      copy(t, t.arrays[i].bytes, [&](std::uint64_t done, std::uint64_t n) {
        write(i, model_.view(t, i, done, n, source_));
      });
  }
  // The tensors of a matrix in its owner's names as they are; i of write is the number among them.
  void copy_members(const tensor& t, const writer& write) {
    for (std::size_t i = 0; i < t.members.size(); ++i)
      copy(t, model_.member(t.members[i]).bytes, [&](std::uint64_t done, std::uint64_t n) {
        write(i, model_.view(t.members[i], done, n, source_));
      });
  }
  // Decodes, encodes, writes; returns how far the written weights are from those that were read.
  quern::difference convert(const task& k, const writer& write) {
    const tensor& t = *k.from;
    const format& to = *k.to;
    const quern::shape all{t.rows(), t.cols()};
    const bool is_whole = t.coded != all || k.coded != all;  // one row for the codec: there are no pieces
    const std::size_t step = is_whole ? all.rows : rows_at_once(*t.stored, to, all);
    quern::difference d;
    if (all.count() == 0) return d;
    for (std::size_t row = 0; row < all.rows; row += step) {
      const quern::shape piece{std::min(step, all.rows - row), all.cols};
      const quern::shape from_shape = is_whole ? t.coded : piece, to_shape = is_whole ? k.coded : piece;
      const std::span<const float> x = decoded(*t.stored, load(t, row, piece, all), from_shape, t, weights_);
      const arrays out = encoded(to, x, to_shape, row, t);
      const_arrays in{};
      for (std::size_t i = 0; i < to.array_count; ++i) {
        write(i, out[i]);
        in[i] = out[i];
      }
      const std::span<const float> y = decoded(to, in, to_shape, t, again_);
      d.merge(quern::value_or_throw(quern::try_measure(view(x, piece), view(y, piece), ex_)));
      advance(t, t.bytes() / all.rows * piece.rows);
    }
    return d;
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{16} << 20;  // of a piece of the source, and of floats

  // each(first, count) for all bytes of something.
  template <class F>
  void copy(const tensor& t, std::uint64_t bytes, const F& each) {
    for (std::uint64_t done = 0; done < bytes;) {
      const std::uint64_t n = std::min<std::uint64_t>(bytes - done, most_bytes);
      each(done, n);
      done += n;
      advance(t, n);
    }
  }
  static quern::matrix_view<const float> view(std::span<const float> x, quern::shape s) {
    return {x.data(), s.rows, s.cols};
  }
  static void require(bool ok, const tensor& t, const char* what) {
    if (!ok) throw std::runtime_error("tensor " + io::escaped(t.name) + " " + what);
  }
  static void require(const quern::result<void>& ok, const tensor& t) {
    if (!ok) throw std::runtime_error("tensor " + io::escaped(t.name) + ": " + ok.error().text());
  }
  static quern::aligned_bytes room(std::size_t bytes) {
    quern::aligned_bytes b = quern::aligned_bytes::try_make(bytes);
    if (b.span().size() != bytes) throw std::bad_alloc();
    return b;
  }
  static void make_room(quern::aligned_bytes& b, std::size_t bytes) {
    if (b.span().size() < bytes) b = room(bytes);
  }
  // So many rows that a piece is of moderate size, where both formats keep rows apart; else all.
  static std::size_t rows_at_once(const format& from, const format& to, quern::shape all) {
    if (from.rows_apart == 0 || to.rows_apart == 0 || from.array_count != 1) return std::max<std::size_t>(all.rows, 1);
    const std::size_t unit = std::lcm(from.rows_apart, to.rows_apart);
    const std::size_t fitting = most_bytes / sizeof(float) / std::max<std::size_t>(all.cols, 1);
    return std::max<std::size_t>(fitting / unit, 1) * unit;
  }
  void advance(const tensor& t, std::uint64_t bytes) {
    if (stop_) throw std::runtime_error("stopped; nothing is written");
    shown_.add(bytes, io::escaped(t.name));
  }
  const_arrays load(const tensor& t, std::size_t row, quern::shape piece, quern::shape all) {
    const_arrays from{};
    if (piece.rows == all.rows) {
      for (std::size_t i = 0; i < t.arrays.size(); ++i) from[i] = model_.view(t, i, 0, t.arrays[i].bytes, loaded_[i]);
    } else {
      const std::uint64_t per_row = t.arrays[0].bytes / all.rows;
      from[0] = model_.view(t, 0, row * per_row, piece.rows * per_row, loaded_[0]);
    }
    return from;
  }
  std::span<const float> decoded(const format& f, const const_arrays& from, quern::shape s, const tensor& t,
                                 quern::aligned_bytes& to) {
    make_room(to, s.count() * sizeof(float));
    auto* const x = reinterpret_cast<float*>(to.span().data());
    require(f.decode(from, quern::matrix_view<float>(x, s.rows, s.cols), ex_), t);
    return {x, s.count()};
  }
  // Of the rows from `row` on.
  arrays encoded(const format& f, std::span<const float> x, quern::shape s, std::size_t row, const tensor& t) {
    std::array<std::size_t, most_arrays> bytes{};
    require(f.bytes(s, bytes), t, "is too large");
    arrays out{};
    for (std::size_t i = 0; i < f.array_count; ++i) {
      make_room(packed_[i], bytes[i]);
      out[i] = packed_[i].span().first(bytes[i]);
    }
    const quern::result<void> ok = f.encode(view(x, s), out, ex_);
    if (!ok && std::string_view(ok.error().where) == "encode, x") {  // an index into the piece
      quern::failure whole = ok.error();
      whole.value += row * s.cols;
      require(whole, t);
    }
    require(ok, t);
    return out;
  }

  const model& model_;
  quern::executor ex_;
  const std::atomic<bool>& stop_;
  progress& shown_;
  quern::aligned_bytes source_, weights_, again_;
  std::array<quern::aligned_bytes, most_arrays> loaded_, packed_;
};

}  // namespace quantize
