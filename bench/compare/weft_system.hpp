// A weft backend as a System: every function is one call of the library, but for the two real programs at the end.
#pragma once

#include "programs.hpp"

#include <weft/weft.hpp>

namespace compare {

struct saxpy_op {
  float a;
  WEFT_HOST_DEVICE float operator()(float x, float y) const { return a * x + y; }
};
struct is_negative {
  WEFT_HOST_DEVICE bool operator()(int x) const { return x < 0; }
};
struct byte_value {
  WEFT_HOST_DEVICE int operator()(u8 x) const { return x; }
};
/// Does a word start at this place of the text?
struct starts_word {
  const char* text;
  WEFT_HOST_DEVICE bool operator()(offset i) const { return is_letter(text[i]) && (i == 0 || !is_letter(text[i - 1])); }
};
struct word_hash {
  const char* text;
  offset n;
  WEFT_HOST_DEVICE u64 operator()(offset at) const { return hash_word(text, at, n); }
};
/// label[i] = min(label[i], least[i]) for vertices that have edges.
struct lower_label {
  u32* label;
  const u32 *vertex, *least;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    if (least[i] < label[vertex[i]]) label[vertex[i]] = least[i];
  }
};
/// One step of pointer jumping into another array.
struct jump {
  const u32* label;
  WEFT_HOST_DEVICE u32 operator()(u32 l) const { return label[l]; }
};

template <class P>
struct weft_system {
  P policy;
  template <class T>
  using vector = weft::buffer<T>;

  std::string name() const { return P::backend::name; }
  template <class T>
  weft::buffer<T> room(offset n) const {
    return weft::buffer<T>(policy, n);
  }
  template <class T>
  weft::buffer<T> put(const std::vector<T>& v) const {
    return weft::to_buffer(policy, v);
  }
  template <class T>
  std::vector<T> get(const T* p, offset n) const {
    return weft::to_vector(policy, p, n);
  }
  template <class T>
  void copy(const T* from, T* to, offset n) const {
    weft::copy(policy, from, from + n, to);
  }

  void saxpy(float a, const float* x, const float* y, float* z, offset n) const {
    weft::transform(policy, x, x + n, y, z, saxpy_op{a});
  }
  float reduce(const float* x, offset n) const { return weft::reduce(policy, x, x + n, 0.f); }
  offset min_element(const float* x, offset n) const { return weft::min_element(policy, x, x + n) - x; }
  void inclusive_scan(const int* x, int* y, offset n) const { weft::inclusive_scan(policy, x, x + n, y); }
  offset copy_if(const int* x, int* y, offset n) const { return weft::copy_if(policy, x, x + n, y, is_negative{}) - y; }
  offset unique_copy(const int* x, int* y, offset n) const { return weft::unique_copy(policy, x, x + n, y) - y; }
  offset reduce_by_key(const int* k, const int* v, offset n, int* ok, int* ov) const {
    return weft::reduce_by_key(policy, k, k + n, v, ok, ov).first - ok;
  }
  template <class T>
  void sort(T* x, offset n) const {
    weft::sort(policy, x, x + n);
  }
  void sort_by_key(u32* k, u32* v, offset n) const { weft::sort_by_key(policy, k, k + n, v); }
  void merge(const int* a, offset na, const int* b, offset nb, int* c) const {
    weft::merge(policy, a, a + na, b, b + nb, c);
  }
  void histogram(const u8* x, offset n, u32* counts) const {
    weft::histogram(policy, x, x + n, counts, 256, byte_value{});
  }
  void gemm(const float* a, const float* b, float* c, offset n) const {
    weft::gemm(policy, weft::row_major(a, n, n), weft::row_major(b, n, n), weft::row_major(c, n, n));
  }

  /// Tokenise, hash, sort, reduce_by_key. Returns the number of different words.
  offset word_count(const char* t, offset n, u64* hashes, u32* counts) const {
    auto at = room<offset>(n / 2 + 1);
    const auto places = weft::counting(offset{0});
    const offset words = weft::copy_if(policy, places, places + n, at.data(), starts_word{t}) - at.data();
    auto each = room<u64>(words);
    weft::transform(policy, at.data(), at.data() + words, each.data(), word_hash{t, n});
    weft::sort(policy, each.data(), each.data() + words);
    return weft::reduce_by_key(policy, each.data(), each.data() + words, weft::constant(u32{1}), hashes, counts).first -
           hashes;
  }
  /// Connected components: neighbours hand on the least label, then labels jump, until nothing changes.
  void components(const u32* from, const u32* to, offset edges, u32* label, offset vertices) const {
    auto vertex = room<u32>(vertices), least = room<u32>(vertices), next = room<u32>(vertices),
         two = room<u32>(vertices);
    weft::sequence(policy, label, label + vertices);
    for (bool moved = true; moved;) {
      const auto seen = weft::permuted(static_cast<const u32*>(label), to);
      const offset heads = weft::reduce_by_key(policy, from, from + edges, seen, vertex.data(), least.data(),
                                               weft::equal_to{}, weft::minimum{})
                               .first -
                           vertex.data();
      weft::copy(policy, label, label + vertices, next.data());
      weft::for_each(policy, weft::counting(offset{0}), weft::counting(heads),
                     lower_label{next.data(), vertex.data(), least.data()});
      weft::transform(policy, next.data(), next.data() + vertices, two.data(), jump{next.data()});
      moved = !weft::equal(policy, two.data(), two.data() + vertices, static_cast<const u32*>(label));
      weft::copy(policy, two.data(), two.data() + vertices, label);
    }
  }
};

}  // namespace compare
