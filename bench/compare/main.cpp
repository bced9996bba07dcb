// The measuring program behind `./weft compare`: inputs, expected results, options, and the list of systems it was
// built with. Everything after its own options goes to Google Benchmark.
#include "workloads.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <sstream>
#include <unordered_map>

#define COMPARE_DECLARE(f) void f();
COMPARE_SYSTEMS(COMPARE_DECLARE)

namespace compare {

options& chosen() {
  static options o;
  return o;
}

namespace {
u64 random_bits(u64 seed, u64 i) {
  u64 x = seed * 0x9e3779b97f4a7c15u + (i + 1) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
/// Made once for each (n, seed).
template <class T, class Make>
const std::vector<T>& kept(std::map<std::pair<offset, int>, std::vector<T>>& all, offset n, int seed, Make make) {
  auto [it, fresh] = all.try_emplace({n, seed});
  if (fresh) {
    it->second.resize(static_cast<std::size_t>(n));
    make(it->second);
  }
  return it->second;
}
}  // namespace

template <class T>
const std::vector<T>& uniform(offset n, int seed) {
  static std::map<std::pair<offset, int>, std::vector<T>> all;
  return kept<T>(all, n, seed, [seed](std::vector<T>& v) {
    for (std::size_t i = 0; i < v.size(); ++i) {
      const u64 bits = random_bits(static_cast<u64>(seed), i);
      if constexpr (std::is_floating_point_v<T>)
        v[i] = static_cast<T>(static_cast<double>(bits >> 11) * 0x1p-53 - 0.5);
      else
        v[i] = static_cast<T>(bits >> 7);
    }
  });
}
template <class T>
const std::vector<T>& sorted(offset n, int seed) {
  static std::map<std::pair<offset, int>, std::vector<T>> all;
  return kept<T>(all, n, seed, [=](std::vector<T>& v) {
    v = uniform<T>(n, seed);
    std::sort(v.begin(), v.end());
  });
}
const std::vector<int>& small_ints(offset n) {
  static std::map<std::pair<offset, int>, std::vector<int>> all;
  return kept<int>(all, n, 0, [](std::vector<int>& v) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<int>(random_bits(11, i) % 1000);
  });
}
const std::vector<int>& runs_of_8(offset n) {
  static std::map<std::pair<offset, int>, std::vector<int>> all;
  return kept<int>(all, n, 0, [](std::vector<int>& v) {
    int key = 0;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = key += random_bits(12, i) % 8 == 0;
  });
}
template const std::vector<float>& uniform(offset, int);
template const std::vector<double>& uniform(offset, int);
template const std::vector<int>& uniform(offset, int);
template const std::vector<u32>& uniform(offset, int);
template const std::vector<u8>& uniform(offset, int);
template const std::vector<int>& sorted(offset, int);
template const std::vector<u32>& sorted(offset, int);
template const std::vector<double>& sorted(offset, int);

/// The independent count: words as strings in a hash table, one after the other.
const text_input& text() {
  static const text_input t = [] {
    text_input made;
    std::ifstream file(chosen().text, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + chosen().text);
    std::stringstream all;
    all << file.rdbuf();
    const std::string s = all.str();
    made.bytes.assign(s.begin(), s.end());
    std::unordered_map<std::string, u32> words;
    std::string word;
    for (std::size_t i = 0; i <= s.size(); ++i) {
      if (i < s.size() && is_letter(s[i])) {
        word += static_cast<char>(s[i] | 32);
      } else if (!word.empty()) {
        ++words[word], ++made.words;
        word.clear();
      }
    }
    std::vector<std::pair<u64, u32>> rows;
    for (const auto& [w, count] : words)
      rows.emplace_back(hash_word(w.data(), 0, static_cast<offset>(w.size())), count);
    std::sort(rows.begin(), rows.end());
    for (const auto& [hash, count] : rows) made.hashes.push_back(hash), made.counts.push_back(count);
    return made;
  }();
  return t;
}

/// Lines "from to" of vertex numbers; the independent result by union-find.
const graph_input& graph() {
  static const graph_input g = [] {
    graph_input made;
    std::ifstream file(chosen().graph);
    if (!file) throw std::runtime_error("cannot read " + chosen().graph);
    std::vector<std::pair<u32, u32>> edges;
    for (u32 a, b; file >> a >> b;) {
      edges.emplace_back(a, b), edges.emplace_back(b, a);
      made.vertices = std::max({made.vertices, a + 1, b + 1});
    }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    made.component.resize(made.vertices);
    std::iota(made.component.begin(), made.component.end(), 0u);
    const auto find = [&](u32 v) {
      while (made.component[v] != v) v = made.component[v] = made.component[made.component[v]];
      return v;
    };
    for (const auto& [a, b] : edges) {
      made.from.push_back(a), made.to.push_back(b);
      const u32 x = find(a), y = find(b);
      made.component[std::max(x, y)] = std::min(x, y);
    }
    for (u32 v = 0; v < made.vertices; ++v) made.component[v] = find(v);
    return made;
  }();
  return g;
}

namespace {
std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::stringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}
}  // namespace
}  // namespace compare

int main(int argc, char** argv) {
  using namespace compare;
  options& o = chosen();
  std::vector<char*> rest{argv[0]};
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    const auto value = [&](const char* key) { return a.rfind(key, 0) == 0; };
    const std::string v = a.substr(std::min(a.size(), a.find('=') + 1));
    if (value("--sizes=")) {
      for (const auto& s : split(v)) o.sizes.push_back(std::stoll(s));
    } else if (value("--gemm=")) {
      for (const auto& s : split(v)) o.gemm_sizes.push_back(std::stoll(s));
    } else if (value("--verbs=")) {
      o.verbs = split(v);
    } else if (value("--backends=")) {
      o.backends = split(v);
    } else if (value("--text=")) {
      o.text = v;
    } else if (value("--graph=")) {
      o.graph = v;
    } else if (value("--seconds=")) {
      o.min_time = std::stod(v);
    } else {
      rest.push_back(argv[i]);
    }
  }
  if (o.sizes.empty()) o.sizes = {1 << 10, 1 << 16, 1 << 20};
#define COMPARE_CALL(f) f();
  COMPARE_SYSTEMS(COMPARE_CALL)
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
