// Products by ggml's CPU backend, through its public C interface: one matrix product in a graph, as an engine runs it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstring>
#include <span>
#include <string>

#include "peers/ggml.hpp"

namespace peers {

// The library of the CPU backend, libggml-cpu.so, which loads libggml-base.so. Pointers to ggml's objects stay opaque.
struct ggml_cpu : ggml_library {
  struct parameters {  // of ggml_init, by value
    std::size_t bytes;
    void* memory;
    bool without_data;
  };
  struct feature {  // lists end with a null name
    const char *name, *value;
  };
  using pointer = void*;

  pointer (*init)(parameters);
  void (*free)(pointer context);
  std::size_t (*tensor_overhead)();
  std::size_t (*graph_overhead)();
  pointer (*new_tensor_2d)(pointer context, int type, std::int64_t cols, std::int64_t rows);
  pointer (*mul_mat)(pointer context, pointer w, pointer x);
  pointer (*new_graph)(pointer context);
  void (*expand)(pointer graph, pointer tensor);
  std::size_t (*bytes_of)(const void* tensor);
  void (*set)(pointer tensor, const void* data, std::size_t at, std::size_t bytes);
  void (*get)(const void* tensor, void* data, std::size_t at, std::size_t bytes);
  pointer (*buffer_of)(void* bytes, std::size_t size);
  int (*place)(pointer buffer, pointer tensor, void* at);
  pointer (*allocate)(pointer context, pointer buffer_type);
  pointer (*ordinary_type)();
  void (*free_buffer)(pointer buffer);
  const char* (*name_of_type)(pointer buffer_type);
  pointer (*new_backend)();
  void (*set_threads)(pointer backend, int threads);
  int (*compute)(pointer backend, pointer graph);
  pointer (*device_of)(pointer backend);
  bool (*supports)(pointer device, const void* operation);
  const char* (*commit)();

  pointer backend;
  pointer* extra_types = nullptr;  // buffers that rearrange weights, a list with a null at the end

  explicit ggml_cpu(const char* path) : ggml_library(path) {
    find(init, "ggml_init");
    find(free, "ggml_free");
    find(tensor_overhead, "ggml_tensor_overhead");
    find(graph_overhead, "ggml_graph_overhead");
    find(new_tensor_2d, "ggml_new_tensor_2d");
    find(mul_mat, "ggml_mul_mat");
    find(new_graph, "ggml_new_graph");
    find(expand, "ggml_build_forward_expand");
    find(bytes_of, "ggml_nbytes");
    find(set, "ggml_backend_tensor_set");
    find(get, "ggml_backend_tensor_get");
    find(buffer_of, "ggml_backend_cpu_buffer_from_ptr");
    find(place, "ggml_backend_tensor_alloc");
    find(allocate, "ggml_backend_alloc_ctx_tensors_from_buft");
    find(ordinary_type, "ggml_backend_cpu_buffer_type");
    find(free_buffer, "ggml_backend_buffer_free");
    find(name_of_type, "ggml_backend_buft_name");
    find(new_backend, "ggml_backend_cpu_init");
    find(set_threads, "ggml_backend_cpu_set_n_threads");
    find(compute, "ggml_backend_graph_compute");
    find(device_of, "ggml_backend_get_device");
    find(supports, "ggml_backend_dev_supports_op");
    find(commit, "ggml_commit");
    void (*set_log)(void (*log)(int level, const char* text, void*), void*);
    find(set_log, "ggml_log_set");
    set_log(
        [](int level, const char* text, void*) {
          if (level == 3 || level == 4) std::fputs(text, stderr);  // warnings and errors
        },
        nullptr);
    pointer (*registry)();
    find(registry, "ggml_backend_cpu_reg");
    find(address_, "ggml_backend_reg_get_proc_address");
    registry_ = registry();
    backend = new_backend();
    if (backend == nullptr) fail("ggml has no CPU backend");
    using list_types = pointer* (*)(pointer device);
    if (const auto f = reinterpret_cast<list_types>(address_(registry_, "ggml_backend_dev_get_extra_bufts")))
      extra_types = f(device_of(backend));
  }

  // What the backend was compiled with, and which extra buffers it has.
  std::string features() const {
    std::string s;
    using list_features = const feature* (*)(pointer registry);
    if (const auto f = reinterpret_cast<list_features>(address_(registry_, "ggml_backend_get_features")))
      for (const feature* i = f(registry_); i->name != nullptr; ++i)
        s += std::string(s.empty() ? "" : " ") + i->name +
             (std::strcmp(i->value, "1") == 0 ? "" : std::string("=") + i->value);
    for (pointer* t = extra_types; t != nullptr && *t != nullptr; ++t)
      s += std::string("; buffers ") + name_of_type(*t);
    return s;
  }

 private:
  void* (*address_)(pointer registry, const char* name);
  pointer registry_;
};

// Weights of a type, rows x cols in ggml's own bytes: used where they lie, or in the first extra buffer type that takes
// them, which rearranges them.
class ggml_weights {
 public:
  ggml_weights(const ggml_cpu& lib, int type, std::size_t rows, std::size_t cols, std::span<std::byte> bytes,
               bool extra)
      : lib_(lib), rows_(rows), cols_(cols) {
    for (auto* t = extra ? lib.extra_types : nullptr; t != nullptr && *t != nullptr && w_ == nullptr; ++t) {
      make(type);
      buffer_ = lib.allocate(context_, *t);
      if (buffer_ != nullptr && product_is_supported()) lib.set(w_, bytes.data(), 0, bytes.size());
      else drop();
    }
    if (extra) return;
    make(type);
    buffer_ = lib.buffer_of(bytes.data(), bytes.size());
    if (lib.bytes_of(w_) != bytes.size() || lib.place(buffer_, w_, bytes.data()) != 0) drop();
  }
  ggml_weights(const ggml_weights&) = delete;
  ggml_weights& operator=(const ggml_weights&) = delete;
  ~ggml_weights() { drop(); }

  // Whether there are any: not every type has an extra buffer.
  explicit operator bool() const { return w_ != nullptr; }
  void* tensor() const { return w_; }
  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }

 private:
  void make(int type) {
    context_ = lib_.init({2 * lib_.tensor_overhead(), nullptr, true});
    w_ = lib_.new_tensor_2d(context_, type, static_cast<std::int64_t>(cols_), static_cast<std::int64_t>(rows_));
  }
  bool product_is_supported() const {
    void* const context = lib_.init({4 * lib_.tensor_overhead(), nullptr, true});
    void* const x = lib_.new_tensor_2d(context, 0, static_cast<std::int64_t>(cols_), 1);
    const bool yes = lib_.supports(lib_.device_of(lib_.backend), lib_.mul_mat(context, w_, x));
    lib_.free(context);
    return yes;
  }
  void drop() {
    if (buffer_ != nullptr) lib_.free_buffer(buffer_);
    if (context_ != nullptr) lib_.free(context_);
    buffer_ = context_ = w_ = nullptr;
  }

  const ggml_cpu& lib_;
  std::size_t rows_, cols_;
  void *context_ = nullptr, *buffer_ = nullptr, *w_ = nullptr;
};

// The product with m rows of x. ggml puts x into the form that its kernels read at every run.
class ggml_product {
 public:
  ggml_product(const ggml_cpu& lib, const ggml_weights& w, std::span<const float> x) : lib_(lib) {
    const std::size_t m = x.size() / w.cols();
    context_ = lib.init({4 * lib.tensor_overhead() + lib.graph_overhead(), nullptr, true});
    void* const in = lib.new_tensor_2d(context_, 0, static_cast<std::int64_t>(w.cols()), static_cast<std::int64_t>(m));
    y_ = lib.mul_mat(context_, w.tensor(), in);
    graph_ = lib.new_graph(context_);
    lib.expand(graph_, y_);
    buffer_ = lib.allocate(context_, lib.ordinary_type());
    lib.set(in, x.data(), 0, x.size_bytes());
  }
  ggml_product(const ggml_product&) = delete;
  ggml_product& operator=(const ggml_product&) = delete;
  ~ggml_product() {
    lib_.free_buffer(buffer_);
    lib_.free(context_);
  }

  // False if it fails.
  bool run() const { return lib_.compute(lib_.backend, graph_) == 0; }
  void result(std::span<float> y) const { lib_.get(y_, y.data(), 0, y.size_bytes()); }

 private:
  const ggml_cpu& lib_;
  void *context_, *y_, *graph_, *buffer_;
};

}  // namespace peers
