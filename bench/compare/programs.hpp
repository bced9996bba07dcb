// Every program, as a template over a System (see workloads.hpp), and `add_all`, which a system's source file calls.
//
// A System has: name(); `template <class T> using vector` with data(); put(std::vector), get(pointer, n); and any of
// the functions named in the `requires` below. Functions return when the work is done.
#pragma once

#include "workloads.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

namespace compare {

template <class System>
struct programs {
  using shared = std::shared_ptr<void>;
  template <class T>
  using vec = typename System::template vector<T>;
  System s;

  template <class T>
  static std::shared_ptr<vec<T>> keep(vec<T>&& v) {
    return std::make_shared<vec<T>>(std::move(v));
  }
  template <class T>
  std::shared_ptr<vec<T>> put(const std::vector<T>& v) const {
    return keep<T>(s.put(v));
  }
  template <class T>
  std::shared_ptr<vec<T>> room(offset n) const {
    return keep<T>(s.template room<T>(n));
  }

  program saxpy(offset n) const {
    auto x = put(uniform<float>(n, 1)), y = put(uniform<float>(n, 2));
    auto z = room<float>(n);
    auto call = [=, this] { s.saxpy(2.f, x->data(), y->data(), z->data(), n); };
    auto once = [=, this] {
      call();
      const auto got = s.get(z->data(), n);
      const auto &a = uniform<float>(n, 1), &b = uniform<float>(n, 2);
      for (offset i = 0; i < n; ++i)
        if (std::abs(got[i] - (2.f * a[i] + b[i])) > 1e-6f) return false;
      return true;
    };
    return {"saxpy", double(n), 12.0 * n, 2.0 * n, once, {}, call};
  }
  program reduce(offset n) const {
    auto x = put(uniform<float>(n, 1));
    auto call = [=, this] { benchmark::DoNotOptimize(s.reduce(x->data(), n)); };
    auto once = [=, this] {
      const auto& a = uniform<float>(n, 1);
      const double sum = std::accumulate(a.begin(), a.end(), 0.0);
      return std::abs(s.reduce(x->data(), n) - sum) <= 1e-5 * std::sqrt(double(n)) + 1e-3 * std::abs(sum) + 0.2;
    };
    return {"reduce", double(n), 4.0 * n, 0, once, {}, call};
  }
  program min_element(offset n) const {
    auto x = put(uniform<float>(n, 1));
    auto call = [=, this] { benchmark::DoNotOptimize(s.min_element(x->data(), n)); };
    auto once = [=, this] {
      const auto& a = uniform<float>(n, 1);
      return s.min_element(x->data(), n) == std::min_element(a.begin(), a.end()) - a.begin();
    };
    return {"min_element", double(n), 4.0 * n, 0, once, {}, call};
  }
  program inclusive_scan(offset n) const {
    auto x = put(small_ints(n));
    auto y = room<int>(n);
    auto call = [=, this] { s.inclusive_scan(x->data(), y->data(), n); };
    auto once = [=, this] {
      call();
      std::vector<int> e(small_ints(n));
      std::partial_sum(e.begin(), e.end(), e.begin(), [](u32 a, u32 b) { return static_cast<int>(a + b); });
      return same(s.get(y->data(), n), e.data(), n);
    };
    return {"inclusive_scan", double(n), 8.0 * n, 0, once, {}, call};
  }
  program copy_if(offset n) const {
    auto x = put(uniform<int>(n, 3));
    auto y = room<int>(n);
    auto call = [=, this] { benchmark::DoNotOptimize(s.copy_if(x->data(), y->data(), n)); };
    auto once = [=, this] {
      std::vector<int> e;
      const auto& a = uniform<int>(n, 3);
      std::copy_if(a.begin(), a.end(), std::back_inserter(e), [](int v) { return v < 0; });
      return s.copy_if(x->data(), y->data(), n) == static_cast<offset>(e.size()) &&
             same(s.get(y->data(), static_cast<offset>(e.size())), e.data(), static_cast<offset>(e.size()));
    };
    return {"copy_if", double(n), 6.0 * n, 0, once, {}, call};
  }
  program unique_copy(offset n) const {
    auto x = put(runs_of_8(n));
    auto y = room<int>(n);
    auto call = [=, this] { benchmark::DoNotOptimize(s.unique_copy(x->data(), y->data(), n)); };
    auto once = [=, this] {
      std::vector<int> e;
      const auto& a = runs_of_8(n);
      std::unique_copy(a.begin(), a.end(), std::back_inserter(e));
      return s.unique_copy(x->data(), y->data(), n) == static_cast<offset>(e.size()) &&
             same(s.get(y->data(), static_cast<offset>(e.size())), e.data(), static_cast<offset>(e.size()));
    };
    return {"unique_copy", double(n), 4.5 * n, 0, once, {}, call};
  }
  program reduce_by_key(offset n) const {
    auto k = put(runs_of_8(n)), v = put(small_ints(n));
    auto ok = room<int>(n), ov = room<int>(n);
    auto run = [=, this] { return s.reduce_by_key(k->data(), v->data(), n, ok->data(), ov->data()); };
    auto once = [=, this] {
      const auto &a = runs_of_8(n), &b = small_ints(n);
      std::vector<int> ek, ev;
      for (offset i = 0; i < n; ++i) {
        if (i == 0 || a[i] != a[i - 1]) ek.push_back(a[i]), ev.push_back(0);
        ev.back() += b[i];
      }
      const offset m = static_cast<offset>(ek.size());
      return run() == m && same(s.get(ok->data(), m), ek.data(), m) && same(s.get(ov->data(), m), ev.data(), m);
    };
    return {"reduce_by_key", double(n), 9.0 * n, 0, once, {}, [=] { benchmark::DoNotOptimize(run()); }};
  }
  template <class T>
  program sort(offset n, bool presorted) const {
    const auto& in = presorted ? sorted<T>(n, 4) : uniform<T>(n, 4);
    auto x = put(in);
    auto y = room<T>(n);
    auto prepare = [=, this] { s.copy(x->data(), y->data(), n); };
    auto call = [=, this] { s.sort(y->data(), n); };
    auto once = [=, this] {
      prepare();
      call();
      return same(s.get(y->data(), n), sorted<T>(n, 4).data(), n);
    };
    return {"sort", double(n), 2.0 * sizeof(T) * n, 0, once, prepare, call};
  }
  program sort_by_key(offset n) const {
    auto k = put(uniform<u32>(n, 4)), v = put(uniform<u32>(n, 5));
    auto ky = room<u32>(n), vy = room<u32>(n);
    auto prepare = [=, this] { s.copy(k->data(), ky->data(), n), s.copy(v->data(), vy->data(), n); };
    auto call = [=, this] { s.sort_by_key(ky->data(), vy->data(), n); };
    auto once = [=, this] {
      prepare();
      call();
      std::vector<u64> e(static_cast<std::size_t>(n)), g(e);
      const auto &a = uniform<u32>(n, 4), &b = uniform<u32>(n, 5);
      const auto gk = s.get(ky->data(), n), gv = s.get(vy->data(), n);
      for (offset i = 0; i < n; ++i) e[i] = u64{a[i]} << 32 | b[i], g[i] = u64{gk[i]} << 32 | gv[i];
      std::sort(e.begin(), e.end());
      const bool ordered = std::is_sorted(gk.begin(), gk.end());
      std::sort(g.begin(), g.end());
      return ordered && e == g;
    };
    return {"sort_by_key", double(n), 16.0 * n, 0, once, prepare, call};
  }
  program merge(offset n) const {
    const offset half = n / 2;
    auto a = put(sorted<int>(half, 6)), b = put(sorted<int>(n - half, 7));
    auto c = room<int>(n);
    auto call = [=, this] { s.merge(a->data(), half, b->data(), n - half, c->data()); };
    auto once = [=, this] {
      call();
      std::vector<int> e(static_cast<std::size_t>(n));
      const auto &x = sorted<int>(half, 6), &y = sorted<int>(n - half, 7);
      std::merge(x.begin(), x.end(), y.begin(), y.end(), e.begin());
      return same(s.get(c->data(), n), e.data(), n);
    };
    return {"merge", double(n), 8.0 * n, 0, once, {}, call};
  }
  program histogram(offset n) const {
    auto x = put(uniform<u8>(n, 8));
    auto h = room<u32>(256);
    auto call = [=, this] { s.histogram(x->data(), n, h->data()); };
    auto once = [=, this] {
      call();
      std::vector<u32> e(256);
      for (const u8 v : uniform<u8>(n, 8)) ++e[v];
      return same(s.get(h->data(), 256), e.data(), 256);
    };
    return {"histogram", double(n), 1.0 * n, 0, once, {}, call};
  }
  program gemm(offset n) const {
    auto a = put(uniform<float>(n * n, 1)), b = put(uniform<float>(n * n, 2));
    auto c = room<float>(n * n);
    auto call = [=, this] { s.gemm(a->data(), b->data(), c->data(), n); };
    auto once = [=, this] {
      call();
      const auto got = s.get(c->data(), n * n);
      const auto &x = uniform<float>(n * n, 1), &y = uniform<float>(n * n, 2);
      for (offset probe = 0; probe < 64; ++probe) {
        const offset i = probe * 37 % n, j = probe * 101 % n;
        double sum = 0;
        for (offset k = 0; k < n; ++k) sum += double(x[i * n + k]) * y[k * n + j];
        if (std::abs(sum - got[i * n + j]) > 1e-4 * std::sqrt(double(n))) return false;
      }
      return true;
    };
    return {"gemm", double(n) * n, 0, 2.0 * n * n * n, once, {}, call};
  }
  program word_count() const {
    const text_input& t = text();
    const offset n = static_cast<offset>(t.bytes.size());
    auto bytes = put(t.bytes);
    auto hashes = room<u64>(n / 2 + 1);
    auto counts = room<u32>(n / 2 + 1);
    auto run = [=, this] { return s.word_count(bytes->data(), n, hashes->data(), counts->data()); };
    auto once = [=, this] {
      const text_input& e = text();
      const offset m = static_cast<offset>(e.hashes.size());
      return run() == m && same(s.get(hashes->data(), m), e.hashes.data(), m) &&
             same(s.get(counts->data(), m), e.counts.data(), m);
    };
    return {"word_count", double(t.words), double(n), 0, once, {}, [=] { run(); }};
  }
  program components() const {
    const graph_input& g = graph();
    const offset edges = static_cast<offset>(g.from.size()), vertices = g.vertices;
    auto from = put(g.from), to = put(g.to);
    auto label = room<u32>(vertices);
    auto call = [=, this] { s.components(from->data(), to->data(), edges, label->data(), vertices); };
    auto once = [=, this] {
      call();
      return same(s.get(label->data(), vertices), graph().component.data(), vertices);
    };
    return {"components", double(edges), 0, 0, once, {}, call};
  }
};

/// Registers every program that the system has the functions for.
template <class System>
void add_all(System s) {
  const programs<System> p{s};
  const std::string name = s.name();
  float* f = nullptr;
  int* i = nullptr;
  u32* u = nullptr;
  u64* l = nullptr;
  u8* b = nullptr;
  char* c = nullptr;
  offset k = 0;
  for (const offset n : chosen().sizes) {
    const std::string size = std::to_string(n);
    if constexpr (requires { s.saxpy(2.f, f, f, f, k); }) add("saxpy", name, "f32/" + size, [=] { return p.saxpy(n); });
    if constexpr (requires { s.reduce(f, k); }) add("reduce", name, "f32/" + size, [=] { return p.reduce(n); });
    if constexpr (requires { s.min_element(f, k); })
      add("min_element", name, "f32/" + size, [=] { return p.min_element(n); });
    if constexpr (requires { s.inclusive_scan(i, i, k); })
      add("inclusive_scan", name, "i32/" + size, [=] { return p.inclusive_scan(n); });
    if constexpr (requires { s.copy_if(i, i, k); })
      add("copy_if", name, "i32/" + size + "/half", [=] { return p.copy_if(n); });
    if constexpr (requires { s.unique_copy(i, i, k); })
      add("unique_copy", name, "i32/" + size + "/runs_of_8", [=] { return p.unique_copy(n); });
    if constexpr (requires { s.reduce_by_key(i, i, k, i, i); })
      add("reduce_by_key", name, "i32/" + size + "/runs_of_8", [=] { return p.reduce_by_key(n); });
    if constexpr (requires { s.sort(u, k); }) {
      add("sort", name, "u32/" + size + "/random", [=] { return p.template sort<u32>(n, false); });
      add("sort", name, "u32/" + size + "/sorted", [=] { return p.template sort<u32>(n, true); });
      add("sort", name, "f64/" + size + "/random", [=] { return p.template sort<double>(n, false); });
    }
    if constexpr (requires { s.sort_by_key(u, u, k); })
      add("sort_by_key", name, "u32/" + size + "/random", [=] { return p.sort_by_key(n); });
    if constexpr (requires { s.merge(i, k, i, k, i); }) add("merge", name, "i32/" + size, [=] { return p.merge(n); });
    if constexpr (requires { s.histogram(b, k, u); })
      add("histogram", name, "u8/" + size, [=] { return p.histogram(n); });
  }
  if constexpr (requires { s.gemm(f, f, f, k); })
    for (const offset n : chosen().gemm_sizes) add("gemm", name, "f32/" + std::to_string(n), [=] { return p.gemm(n); });
  if constexpr (requires { s.word_count(c, k, l, u); })
    if (!chosen().text.empty())
      add("word_count", name, "text/" + std::to_string(text().bytes.size()), [=] { return p.word_count(); });
  if constexpr (requires { s.components(u, u, k, u, k); })
    if (!chosen().graph.empty())
      add("components", name, "graph/" + std::to_string(graph().from.size()), [=] { return p.components(); });
}

}  // namespace compare
