// Results do not depend on who runs the tasks: nobody, standard threads, Highway's pool.
// SPDX-License-Identifier: Apache-2.0
#include "quern/interop/thread_pool.hpp"

#include "api/codecs.hpp"
#include "api/threads.hpp"

namespace {
using namespace api;

// Large enough for several tasks of each kind.
constexpr std::size_t m = 7, n = 530, k = 480;

struct results {
  std::vector<std::vector<std::byte>> quantized;
  std::vector<float> decoded, f32_product, automatic_product, tiled_f32_product, tiled_product;
  bool operator==(const results&) const = default;
};

template <class C>
results results_of(const std::vector<float>& weights, const std::vector<float>& x, executor ex) {
  results r;
  const packed<C> w = quantize<C>(view_of(weights, n, k), {}, ex);
  const packed<tiled<C>> t = transcode<tiled<C>>(w, ex), u = quantize<tiled<C>>(view_of(weights, n, k), {}, ex);
  const auto keep = [&]<class D>(const packed<D>& p) {
    for (std::size_t i = 0; i < D::layout::arrays; ++i) r.quantized.emplace_back(p.array(i).begin(), p.array(i).end());
  };
  keep(w), keep(t), keep(u);
  r.decoded.resize(n * k);
  dequantize(w, view_of(r.decoded, n, k), ex);
  for (std::vector<float>* y : {&r.f32_product, &r.automatic_product, &r.tiled_f32_product, &r.tiled_product})
    y->resize(m * n);
  matmul<quern::f32>(w, view_of(x, m, k), view_of(r.f32_product, m, n), {}, ex);
  matmul(w, view_of(x, m, k), view_of(r.automatic_product, m, n), {}, ex);
  matmul<quern::f32>(t, view_of(x, m, k), view_of(r.tiled_f32_product, m, n), {}, ex);
  matmul(t, view_of(x, m, k), view_of(r.tiled_product, m, n), {}, ex);
  return r;
}

void check_executor(executor ex) {
  const auto weights = random_floats(n * k), x = random_floats(m * k, 2);
  for_each_type(list{}, [&]<class C>() {
    CAPTURE(C::name);
    CHECK((results_of<C>(weights, x, ex) == results_of<C>(weights, x, executor{})));
  });
}

TEST_CASE("threads change no bit") {
  for (const std::size_t count : std::initializer_list<std::size_t>{2, 3, 7}) {
    CAPTURE(count);
    test_threads threads(count);
    check_executor(threads.executor());
    CHECK(threads.most_tasks() >= count);
  }
}

TEST_CASE("Highway's pool changes no bit") {
  for (const std::size_t count : std::initializer_list<std::size_t>{1, 2, 3, 7}) {
    CAPTURE(count);
    hwy::ThreadPool pool(count);
    check_executor(thread_pool_executor(pool));
  }
}

TEST_CASE("a pool's executor runs every task once") {
  hwy::ThreadPool pool(3);
  const executor ex = thread_pool_executor(pool);
  CHECK(ex.concurrency() == pool.NumWorkers());
  std::vector<int> seen(100);
  const auto mark = [&](std::size_t i) { ++seen[i]; };
  ex.for_each(seen.size(), mark);
  CHECK(seen == std::vector<int>(100, 1));
}

}  // namespace
