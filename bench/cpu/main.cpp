// The CPU backends beside their peers: every row of rows.hpp on seq, openmp, tbb and what was found of std (sequential
// and parallel), Thrust's TBB and OpenMP systems, oneDPL, parlaylib and Highway's vqsort, in one run on the same input.
//
//   bench_cpu [--filter=REGEX] [--sizes=1024,1048576] [--threads=N] [--ms=MILLISECONDS a contender] [--json=FILE]
//
// Short calls get fresh input every time, from a pool larger than a branch predictor can learn. Contenders of a row
// take turns twice, with a pause before each so that nobody's idle threads still spin; the median counts. Results are
// compared with the first contender's. Names are verb/backend/type/n[/distribution]; the last columns of the table say
// how many times faster weft's better parallel backend is than the best general peer, and than sequential std. A second
// filter can be given to the backends: --backends=REGEX.
#include "rows.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <omp.h>
#include <tbb/global_control.h>

namespace bench {
namespace {

struct contender {
  std::string backend;
  call f;
};
/// Contenders by "verb/type".
std::map<std::string, std::vector<contender>>& contenders() {
  static std::map<std::string, std::vector<contender>> all;
  return all;
}

struct options {
  std::regex filter{""}, backends{""};
  std::vector<offset> sizes{1 << 10, 1 << 20, 1 << 24};
  double ms = 30;
  std::string json;
} chosen;

double now() {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Memory whose pages are spread over the threads that will use them.
struct memory {
  explicit memory(offset bytes) : size(static_cast<std::size_t>(bytes + 63) / 64 * 64) {
    data.reset(static_cast<char*>(std::aligned_alloc(64, std::max<std::size_t>(size, 64))));
#pragma omp parallel for
    for (offset i = 0; i < static_cast<offset>(size); i += 4096) data.get()[i] = 0;
  }
  struct release {
    void operator()(char* p) const { std::free(p); }
  };
  std::size_t size;
  std::unique_ptr<char, release> data;
};

std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
std::uint64_t random_bits(std::uint64_t i) { return scramble((i + 1) * 0x9e3779b97f4a7c15u); }

/// A number below `range` whose frequencies fall as 1 / rank.
std::uint64_t zipf(std::uint64_t bits, double range) {
  return static_cast<std::uint64_t>(std::exp(static_cast<double>(bits >> 11) * 0x1p-53 * std::log(range)));
}

template <class T>
T number(std::uint64_t bits) {
  if constexpr (std::is_same_v<T, record>) {
    return {bits >> 40, 0.5f, static_cast<float>(bits & 1023)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(static_cast<double>(bits >> 11) * 0x1p-53 - 0.5);
  } else {
    return static_cast<T>(bits >> 13);
  }
}
template <class T>
bool ordered(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, record>) {
    return before(a, b);
  } else {
    return a < b;
  }
}

/// One slot's main input.
template <class T>
void make(T* x, offset n, std::uint64_t seed, const std::string& verb, const std::string& kind) {
#pragma omp parallel for
  for (offset i = 0; i < n; ++i) {
    const std::uint64_t bits = random_bits(seed + static_cast<std::uint64_t>(i));
    if constexpr (std::is_arithmetic_v<T>) {
      if (verb == "histogram") {
        x[i] = static_cast<T>(kind == "256_one" ? 7 : bits >> 20 & (kind == "4096" ? 4095 : 255));
        continue;
      }
      if (kind == "few") {
        x[i] = static_cast<T>(bits >> 40 & 15);
        continue;
      }
      if (kind == "zipf") {
        x[i] = static_cast<T>(scramble(zipf(bits, 1e6)) >> 13);
        continue;
      }
      if (kind == "constant") {
        x[i] = T(42);
        continue;
      }
      if (verb == "unique") {
        x[i] = static_cast<T>(bits >> 40 & 1);
        continue;
      }
      if (verb.rfind("inclusive_scan", 0) == 0 || verb == "exclusive_scan") {
        x[i] = std::is_integral_v<T> ? static_cast<T>(bits >> 40 & 15) : number<T>(bits);
        continue;
      }
    }
    x[i] = number<T>(bits);
  }
  if (kind == "sorted" || kind == "reversed") std::sort(x, x + n, ordered<T>);
  if (kind == "reversed") std::reverse(x, x + n);
  if (verb == "merge" || verb.rfind("set_", 0) == 0) {
    std::sort(x, x + n / 2, ordered<T>);
    std::sort(x + n / 2, x + n, ordered<T>);
  }
  if constexpr (std::is_same_v<T, int>) {
    const int length = kind == "runs1" ? 1 : kind == "runs8" ? 8 : kind == "runs1024" ? 1024 : 0;
    if (length > 0) {
      std::mt19937 random(static_cast<unsigned>(seed));
      int key = 0;
      for (offset i = 0; i < n; ++key)
        for (offset k = 1 + (length > 1 ? random() % (2 * length - 1) : 0); k > 0 && i < n; --k) x[i++] = key;
    }
  }
}

struct row {
  std::string verb, type, kind;
  int bytes, bytes2;  // of an element of in and out, of in2 and out2
  void (*make)(void*, offset, std::uint64_t, const std::string&, const std::string&);
  void (*make2)(void*, offset, std::uint64_t, const std::string&, const std::string&);
  bool in_place, any_order;
};

template <class T>
void make_any(void* x, offset n, std::uint64_t seed, const std::string& verb, const std::string& kind) {
  make(static_cast<T*>(x), n, seed, verb, kind);
}
/// A random permutation.
void make_indices(void* x, offset n, std::uint64_t seed, const std::string&, const std::string&) {
  u32* const p = static_cast<u32*>(x);
  for (offset i = 0; i < n; ++i) p[i] = static_cast<u32>(i);
  for (offset i = n - 1; i > 0; --i)
    std::swap(p[i], p[random_bits(seed + static_cast<std::uint64_t>(i)) % static_cast<std::uint64_t>(i + 1)]);
}
void make_values(void* x, offset n, std::uint64_t seed, const std::string&, const std::string&) {
  make(static_cast<float*>(x), n, seed, "", "");
}

std::vector<row>& rows() {
  static std::vector<row> all = [] {
    std::vector<row> list;
    const auto one = [&]<class T>(T, const char* verb, const char* type, const char* kind = "", bool in_place = false,
                                  bool any_order = false) {
      list.push_back({verb, type, kind, sizeof(T), sizeof(T), make_any<T>, make_any<T>, in_place, any_order});
    };
    one(1.f, "fill", "f32"), one(1.f, "copy", "f32"), one(1.f, "read", "f32");
    one(1.f, "transform", "f32"), one(1., "transform", "f64"), one(1.f, "saxpy", "f32"), one(1., "saxpy", "f64");
    one(1.f, "compute", "f32");
    one(1, "reduce", "i32"), one(1.f, "reduce", "f32"), one(1., "reduce", "f64");
    one(1.f, "dot", "f32"), one(1., "dot", "f64");
    one(1, "min_element", "i32"), one(1.f, "min_element", "f32"), one(1.f, "minmax_element", "f32");
    one(1, "count_if", "i32");
    one(1, "inclusive_scan", "i32"), one(1.f, "inclusive_scan", "f32"), one(1., "inclusive_scan", "f64");
    one(1.f, "inclusive_scan_same_bits", "f32"), one(1., "inclusive_scan_same_bits", "f64");
    one(1, "exclusive_scan", "i32"), one(1, "scan_custom", "i32");
    one(1, "copy_if", "i32"), one(1., "copy_if", "f64");
    one(1, "partition", "i32", "", true, true), one(1., "partition", "f64", "", true, true);
    one(1, "unique", "i32", "", true), one(1, "remove_if", "i32", "", true);
    for (const char* kind : {"runs1", "runs8", "runs1024"})
      for (const char* verb : {"reduce_by_key", "reduce_by_key_same_bits"})
        list.push_back({verb, "i32-f32", kind, 4, 4, make_any<int>, make_values, false, false});
    list.push_back({"unique_by_key", "i32-f32", "runs8", 4, 4, make_any<int>, make_values, true, false});
    for (const char* kind : {"runs1", "runs8", "runs1024"}) one(1, "run_length_encode", "i32", kind);
    one(1, "run_length_decode", "i32");
    for (const char* kind : {"random", "sorted", "reversed", "constant", "few", "zipf"}) {
      one(u32(1), "sort", "u32", kind, true), one(1.f, "sort", "f32", kind, true);
      one(u64(1), "sort", "u64", kind, true), one(1., "sort", "f64", kind, true);
    }
    one(1, "sort", "i32", "random", true), one(1, "sort", "i32", "few", true);
    one(u32(1), "stable_sort", "u32", "random", true), one(u64(1), "stable_sort", "u64", "random", true);
    one(u32(1), "sort_by_key", "u32-u32", "random", true), one(u64(1), "sort_by_key", "u64-u64", "random", true);
    one(record{}, "sort_struct", "record", "random", true);
    one(u32(1), "histogram", "u32", "256"), one(u32(1), "histogram", "u32", "256_one");
    one(u32(1), "histogram", "u32", "4096");
    for (const char* verb : {"merge", "set_union", "set_intersection", "set_difference"}) one(1, verb, "i32");
    for (const char* verb : {"gather", "scatter"})
      list.push_back({verb, "f32", "", 4, 4, make_any<float>, make_indices, false, false});
    one(1.f, "nested_reduce", "f32"), one(u32(1), "nested_sort", "u32", "random", true);
    return list;
  }();
  return all;
}

/// A number that two right results share, up to the rounding of sums.
double digest(const row& r, const arguments& a, offset length) {
  double sum = 0;
  const auto add = [&](const auto* x, offset n) {
    double part = 0;
    for (offset i = 0; i < n; ++i)
      part += static_cast<double>(x[i]) * (r.any_order ? 1.0 : static_cast<double>(1 + i % 1021));
    sum += part;
  };
  const bool scalar = r.verb == "reduce" || r.verb == "dot" || r.verb.rfind("min", 0) == 0 || r.verb == "count_if" ||
                      r.verb == "nested_reduce" || r.verb == "read";
  if (scalar) return a.value;
  if (r.any_order || r.verb == "unique_by_key" || r.verb == "unique" || r.verb == "remove_if" || r.verb == "copy_if" ||
      r.verb.rfind("reduce_by_key", 0) == 0 || r.verb.rfind("set_", 0) == 0 || r.verb.rfind("run_", 0) == 0) {
    sum = a.value;
    if (!r.any_order) length = static_cast<offset>(a.value);
  }
  if (r.verb == "histogram") return add(static_cast<const u32*>(a.out), a.bins), sum;
  if (r.type == "f32") add(static_cast<const float*>(a.out), length);
  if (r.type == "f64") add(static_cast<const double*>(a.out), length);
  if (r.type == "i32" || r.type == "u32") add(static_cast<const u32*>(a.out), length);
  if (r.type == "u64") add(static_cast<const u64*>(a.out), length);
  if (r.type == "i32-f32") add(static_cast<const int*>(a.out), length), add(static_cast<const float*>(a.out2), length);
  if (r.type == "u32-u32") add(static_cast<const u32*>(a.out), length), add(static_cast<const u32*>(a.out2), length);
  if (r.type == "u64-u64") add(static_cast<const u64*>(a.out), length), add(static_cast<const u64*>(a.out2), length);
  return sum;
}

struct result {
  std::string backend;
  std::vector<double> ns;
  bool wrong = false;
  double median() const {
    std::vector<double> sorted = ns;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

std::FILE* json = nullptr;
bool first_in_json = true;

bool general_peer(const std::string& b) {
  return b != "seq" && b != "openmp" && b != "tbb" && b != "vqsort" && b != "std" && b != "limit";
}

bool is_openmp(const std::string& b) { return b == "openmp" || b == "limit" || b == "thrust_omp"; }

void measure(const row& r, offset n) {
  const offset pool = std::max<offset>(n, 1 << 16), slots = pool / n;
  memory in(pool * r.bytes), in2(pool * r.bytes2), out(pool * r.bytes + 65536), out2(pool * r.bytes2);
  for (offset s = 0; s < slots; ++s) {
    const auto seed = static_cast<std::uint64_t>(s) * 977 * static_cast<std::uint64_t>(n);
    r.make(in.data.get() + s * n * r.bytes, n, seed, r.verb, r.kind);
    r.make2(in2.data.get() + s * n * r.bytes2, n, seed + 12345, "", "");
  }
  std::vector<arguments> calls;
  const bool histogram = r.verb == "histogram";
  for (offset s = 0; s < slots; ++s)
    calls.push_back({n, n / 2, r.kind == "4096" ? 4096 : 256, in.data.get() + s * n * r.bytes,
                     in2.data.get() + s * n * r.bytes2, out.data.get() + (histogram ? 0 : s * n * r.bytes),
                     out2.data.get() + s * n * r.bytes2, 0});
  // On this thread alone: nobody else's idle threads shall spin.
  const auto restore = [&](offset slot, offset count) {
    if (!r.in_place) return;
    const offset at = slot * n * r.bytes, at2 = slot * n * r.bytes2;
    std::memcpy(out.data.get() + at, in.data.get() + at, static_cast<std::size_t>(count * n * r.bytes));
    std::memcpy(out2.data.get() + at2, in2.data.get() + at2, static_cast<std::size_t>(count * n * r.bytes2));
  };
  std::vector<result> results;
  std::vector<contender> field;
  for (const contender& c : contenders()[r.verb + "/" + r.type])
    if (std::regex_search(c.backend, chosen.backends)) field.push_back(c), results.push_back({c.backend, {}});
  double expected = 0;
  for (int turn = 0; turn < 2; ++turn)
    for (std::size_t i = 0; i < field.size(); ++i) {
      // OpenMP's idle threads spin for some 20 ms, and would take the next contender's core.
      const bool after_openmp = i == 0 || is_openmp(field[i - 1].backend);
      std::this_thread::sleep_for(std::chrono::milliseconds(after_openmp && !is_openmp(field[i].backend) ? 30 : 2));
      // Once to warm up and to see how long it takes; the first result is checked.
      double once = 1e30;
      for (int warm = 0; warm < 3 && (warm == 0 || once < 3e6); ++warm) {
        restore(0, 1);
        if (turn == 0 && warm == 0 && !r.in_place)
          std::memset(out.data.get(), 1, static_cast<std::size_t>(n * r.bytes));
        const double start = now();
        field[i].f(calls[0]);
        once = std::min(once, now() - start);
        if (turn == 0 && warm == 0) {
          const double d = digest(r, calls[0], n);
          if (i == 0) expected = d;
          results[i].wrong = !(std::abs(d - expected) <= 1e-3 * std::abs(expected) + 1e-3 * static_cast<double>(n));
        }
      }
      offset batch = std::max<offset>(1, static_cast<offset>(20000 / std::max(once, 1.0)));
      if (r.in_place) batch = std::min(batch, slots);
      const double limit = now() + chosen.ms * 0.5e6;
      int samples = 0;
      offset slot = 0;
      do {
        if (r.in_place && slot + batch > slots) slot = 0;
        restore(slot, batch);
        const double start = now();
        for (offset k = 0; k < batch; ++k) {
          field[i].f(calls[static_cast<std::size_t>(slot)]);
          if (++slot == slots) slot = 0;
        }
        results[i].ns.push_back((now() - start) / static_cast<double>(batch));
        ++samples;
      } while (now() < limit || (samples < 2 && once < 2e8));
    }
  double weft = 1e30, peer = 1e30, sequential = 1e30, special = 1e30;
  std::string best = "-";
  std::printf("%-17s %-8s %-9s %9lld", r.verb.c_str(), r.type.c_str(), r.kind.c_str(), static_cast<long long>(n));
  for (const result& x : results) {
    const double t = x.median();
    if (x.backend == "openmp" || x.backend == "tbb") weft = std::min(weft, t);
    if (x.backend == "std") sequential = t;
    if (x.backend == "vqsort") special = t;
    if (general_peer(x.backend) && t < peer && !x.wrong) peer = t, best = x.backend;
    std::printf("  %s%s %.4g", x.backend.c_str(), x.wrong ? "(WRONG)" : "", t / 1000);
    if (json) {
      std::fprintf(json, "%s\n    {\"name\": \"%s/%s/%s/%lld%s%s\", \"real_time\": %.4g, \"time_unit\": \"ns\"%s}",
                   first_in_json ? "" : ",", r.verb.c_str(), x.backend.c_str(), r.type.c_str(),
                   static_cast<long long>(n), r.kind.empty() ? "" : "/", r.kind.c_str(), t,
                   x.wrong ? ", \"error_occurred\": true" : "");
      first_in_json = false;
    }
  }
  const auto ratio = [&](double other) { return other < 1e29 && weft < 1e29 ? other / weft : 0.0; };
  std::printf("  | x%.2f of %s, x%.2f of std", ratio(peer), best.c_str(), ratio(sequential));
  if (special < 1e29) std::printf(", x%.2f of vqsort", ratio(special));
  std::printf("\n");
  std::fflush(stdout);
}

std::vector<offset> numbers(const char* list) {
  std::vector<offset> result;
  for (char* end = nullptr; *list; list = *end ? end + 1 : end) result.push_back(std::strtoll(list, &end, 10));
  return result;
}

}  // namespace

void add(const char* verb, const char* type, const char* backend, call f) {
  auto& field = contenders()[std::string(verb) + "/" + type];
  const contender c{backend, f};
  // Sequential std first: what the others are checked against. Those over OpenMP last, next to each other.
  const auto rank = [](const contender& x) { return x.backend == "std" ? 0 : is_openmp(x.backend) ? 2 : 1; };
  field.insert(std::find_if(field.begin(), field.end(), [&](const contender& x) { return rank(x) > rank(c); }), c);
}

}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  std::unique_ptr<tbb::global_control> control;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    const char* const value = argv[i] + std::min(a.size(), a.find('=') + 1);
    if (a.rfind("--filter=", 0) == 0) {
      chosen.filter = value;
    } else if (a.rfind("--backends=", 0) == 0) {
      chosen.backends = value;
    } else if (a.rfind("--sizes=", 0) == 0) {
      chosen.sizes = numbers(value);
    } else if (a.rfind("--ms=", 0) == 0) {
      chosen.ms = std::strtod(value, nullptr);
    } else if (a.rfind("--json=", 0) == 0) {
      chosen.json = value;
    } else if (a.rfind("--threads=", 0) == 0) {
      omp_set_num_threads(std::atoi(value));
      control = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                      static_cast<std::size_t>(std::atoi(value)));
    } else {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    }
  }
  if (!chosen.json.empty()) {
    json = std::fopen(chosen.json.c_str(), "w");
    if (!json) return std::perror(chosen.json.c_str()), 1;
    std::fprintf(json, "{\n  \"context\": {\"threads\": %d},\n  \"benchmarks\": [", omp_get_max_threads());
  }
  std::printf("%d threads, times in microseconds\n", omp_get_max_threads());
  for (const offset n : chosen.sizes)
    for (const row& r : rows())
      if (std::regex_search(r.verb + "/" + r.type + "/" + std::to_string(n) + (r.kind.empty() ? "" : "/" + r.kind),
                            chosen.filter))
        measure(r, n);
  if (json) {
    std::fprintf(json, "\n  ]\n}\n");
    std::fclose(json);
  }
}
