// Peer: the standard library's parallel algorithms (libstdc++ on oneTBB). It has no scan-like reduce_by_key and no
// histogram; where libstdc++ runs a call sequentially, so does this.
#include "host_system.hpp"

#include <execution>

namespace compare {

struct std_par : host_system {
  std::string name() const { return "std::par"; }
  static constexpr auto par = std::execution::par_unseq;

  void saxpy(float a, const float* x, const float* y, float* z, offset n) const {
    std::transform(par, x, x + n, y, z, [a](float p, float q) { return a * p + q; });
  }
  float reduce(const float* x, offset n) const { return std::reduce(par, x, x + n, 0.f); }
  offset min_element(const float* x, offset n) const { return std::min_element(par, x, x + n) - x; }
  void inclusive_scan(const int* x, int* y, offset n) const { std::inclusive_scan(par, x, x + n, y); }
  offset copy_if(const int* x, int* y, offset n) const {
    return std::copy_if(par, x, x + n, y, [](int v) { return v < 0; }) - y;
  }
  offset unique_copy(const int* x, int* y, offset n) const { return std::unique_copy(par, x, x + n, y) - y; }
  template <class T>
  void sort(T* x, offset n) const {
    std::sort(par, x, x + n);
  }
  void merge(const int* a, offset na, const int* b, offset nb, int* c) const {
    std::merge(par, a, a + na, b, b + nb, c);
  }
  offset word_count(const char* t, offset n, u64* hashes, u32* counts) const {
    std::vector<offset> all(static_cast<std::size_t>(n)), at(static_cast<std::size_t>(n / 2 + 1));
    std::iota(all.begin(), all.end(), offset{0});
    const auto end = std::copy_if(par, all.begin(), all.end(), at.begin(),
                                  [t](offset i) { return is_letter(t[i]) && (i == 0 || !is_letter(t[i - 1])); });
    std::vector<u64> each(static_cast<std::size_t>(end - at.begin()));
    std::transform(par, at.begin(), end, each.begin(), [=](offset i) { return hash_word(t, i, n); });
    std::sort(par, each.begin(), each.end());
    offset words = -1;
    for (std::size_t i = 0; i < each.size(); ++i) {
      if (i == 0 || each[i] != each[i - 1]) hashes[++words] = each[i], counts[words] = 0;
      ++counts[words];
    }
    return words + 1;
  }
};

}  // namespace compare

void add_std_par() { compare::add_all(compare::std_par{}); }
