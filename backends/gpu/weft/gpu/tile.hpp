// Moving runs of consecutive elements between iterators and registers. A run through a raw pointer is one or more
// 16-byte accesses; zip, transform and transform_output iterators are looked through, so a fused call still loads wide;
// any other iterator is read element by element. Adding an iterator to the fast path is one overload here.
#pragma once

#include <weft/gpu/dialect.hpp>
#include <weft/iterator.hpp>

#include <cstring>
#include <utility>

namespace weft::inline v100::gpu {

/// N values in registers, not initialised: T need not be default constructible. Index with constants (unrolled loops).
template <class T, int N>
struct items {
  union {
    T value[N];
  };
  WEFT_HOST_DEVICE items() {}
  WEFT_HOST_DEVICE T& operator[](int i) { return value[i]; }
  WEFT_HOST_DEVICE const T& operator[](int i) const { return value[i]; }
};

// Bytes of the widest raw-pointer stream behind an iterator (1 where there is none) ----------------------------------

template <class It>
struct stream_bytes {
  static constexpr int value = 1;
};
template <class T>
struct stream_bytes<T*> {
  static constexpr int value = sizeof(T);
};
template <class It, class F>
struct stream_bytes<transform_iterator<It, F>> : stream_bytes<It> {};
template <class It, class F>
struct stream_bytes<transform_output_iterator<It, F>> : stream_bytes<It> {};
template <class... Its>
struct stream_bytes<zip_iterator<Its...>> {
  static constexpr int value = [] {
    int most = 1;
    ((most = stream_bytes<Its>::value > most ? stream_bytes<Its>::value : most), ...);
    return most;
  }();
};

/// How many elements one thread should move at a time so that the widest stream moves 16 bytes.
template <class... Its>
inline constexpr int vector_items = [] {
  int most = 1;
  ((most = stream_bytes<Its>::value > most ? stream_bytes<Its>::value : most), ...);
  int n = 16;
  while (n > 1 && n * most > 16) n /= 2;
  return n;
}();

// May runs be moved as vectors?
// ----------------------------------------------------------------------------------------

template <class It>
WEFT_HOST_DEVICE bool vector_aligned(const It&) {
  return true;  // no stream of its own
}
template <class T>
WEFT_HOST_DEVICE bool vector_aligned(T* const& p) {
  return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}
template <class It, class F>
WEFT_HOST_DEVICE bool vector_aligned(const transform_iterator<It, F>& it);
template <class It, class F>
WEFT_HOST_DEVICE bool vector_aligned(const transform_output_iterator<It, F>& it);
template <class... Its>
WEFT_HOST_DEVICE bool vector_aligned(const zip_iterator<Its...>& it);

template <class Bases, std::size_t... I>
WEFT_HOST_DEVICE bool all_vector_aligned(const Bases& bases, std::index_sequence<I...>) {
  return (vector_aligned(weft::get<I>(bases)) && ...);
}
template <class It, class F>
WEFT_HOST_DEVICE bool vector_aligned(const transform_iterator<It, F>& it) {
  return vector_aligned(it.base());
}
template <class It, class F>
WEFT_HOST_DEVICE bool vector_aligned(const transform_output_iterator<It, F>& it) {
  return vector_aligned(it.base());
}
template <class... Its>
WEFT_HOST_DEVICE bool vector_aligned(const zip_iterator<Its...>& it) {
  return all_vector_aligned(it.bases(), std::index_sequence_for<Its...>{});
}

// Loads
// -----------------------------------------------------------------------------------------------------------------
// load_run<N, Block>(it, i, wide, v): v[k] = it[i + k] for k < N. `wide` (vector_aligned(it)) lets runs move as
// vectors; then i must be a multiple of N.

/// The widest vector that divides a run of `bytes`.
WEFT_HOST_DEVICE constexpr int vector_bytes(int bytes) {
  return bytes % 16 == 0 ? 16 : bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : 0;
}

template <int N, class Block, class It, class T>
WEFT_DEVICE void load_run(const It& it, offset i, bool, T* v) {
#pragma unroll
  for (int k = 0; k < N; ++k) v[k] = it[i + k];
}
template <int N, class Block, class U, class T>
WEFT_DEVICE void load_run(U* const& p, offset i, bool wide, T* v) {
  constexpr int bytes = vector_bytes(N * sizeof(U));
  if constexpr (bytes != 0 && std::is_trivially_copyable_v<U>) {
    if (wide) {
      constexpr int pieces = N * sizeof(U) / bytes;
      union bits {
        vec<bytes> vector[pieces];
        std::remove_const_t<U> value[N];
        WEFT_DEVICE bits() {}
      } in;
#pragma unroll
      for (int k = 0; k < pieces; ++k)
        in.vector[k] = Block::template load_vector<bytes>(reinterpret_cast<const char*>(p + i) + k * bytes);
#pragma unroll
      for (int k = 0; k < N; ++k) v[k] = static_cast<T>(in.value[k]);
      return;
    }
  }
#pragma unroll
  for (int k = 0; k < N; ++k) v[k] = static_cast<T>(p[i + k]);
}
template <int N, class Block, class It, class F, class T>
WEFT_DEVICE void load_run(const transform_iterator<It, F>& it, offset i, bool wide, T* v);
template <int N, class Block, class... Its, class T>
WEFT_DEVICE void load_run(const zip_iterator<Its...>& it, offset i, bool wide, T* v);

template <int N, class Block, class It, class F, class T>
WEFT_DEVICE void load_run(const transform_iterator<It, F>& it, offset i, bool wide, T* v) {
  items<iter_value_t<It>, N> raw;
  load_run<N, Block>(it.base(), i, wide, raw.value);
#pragma unroll
  for (int k = 0; k < N; ++k) v[k] = static_cast<T>(it.function()(raw[k]));
}
template <int N, class Block, class... Its, class T, std::size_t... I>
WEFT_DEVICE void load_zip(const zip_iterator<Its...>& it, offset i, bool wide, T* v, std::index_sequence<I...>) {
  weft::tuple<items<iter_value_t<Its>, N>...> raw;
  (load_run<N, Block>(weft::get<I>(it.bases()), i, wide, weft::get<I>(raw).value), ...);
#pragma unroll
  for (int k = 0; k < N; ++k) v[k] = T(weft::get<I>(raw)[k]...);
}
template <int N, class Block, class... Its, class T>
WEFT_DEVICE void load_run(const zip_iterator<Its...>& it, offset i, bool wide, T* v) {
  load_zip<N, Block>(it, i, wide, v, std::index_sequence_for<Its...>{});
}

// Stores: store_run<N, Block>(it, i, wide, v): it[i + k] = v[k]. With a third argument `true` vectors are written to be
// read late (evict first); these never fall apart into words, which ptxas does to others where it sees fit.

template <int N, class Block, bool Late = false, class It, class T>
WEFT_DEVICE void store_run(const It& it, offset i, bool, const T* v) {
#pragma unroll
  for (int k = 0; k < N; ++k) it[i + k] = v[k];
}
template <int N, class Block, bool Late = false, class U, class T>
WEFT_DEVICE void store_run(U* const& p, offset i, bool wide, const T* v) {
  constexpr int bytes = vector_bytes(N * sizeof(U));
  if constexpr (bytes != 0 && std::is_trivially_copyable_v<U> && std::is_convertible_v<const T&, U>) {
    if (wide) {
      constexpr int pieces = N * sizeof(U) / bytes;
      union bits {
        vec<bytes> vector[pieces];
        U value[N];
        WEFT_DEVICE bits() {}
      } out;
#pragma unroll
      for (int k = 0; k < N; ++k) out.value[k] = static_cast<U>(v[k]);
#pragma unroll
      for (int k = 0; k < pieces; ++k)
        if constexpr (Late)
          Block::template store_stream<bytes>(reinterpret_cast<char*>(p + i) + k * bytes, out.vector[k]);
        else
          Block::template store_vector<bytes>(reinterpret_cast<char*>(p + i) + k * bytes, out.vector[k]);
      return;
    }
  }
#pragma unroll
  for (int k = 0; k < N; ++k) p[i + k] = v[k];
}
template <int N, class Block, bool Late, class... Its, class T, std::size_t... I>
WEFT_DEVICE void store_zip(const zip_iterator<Its...>& it, offset i, bool wide, const T* v, std::index_sequence<I...>) {
  (
      [&] {
        items<std::remove_cvref_t<decltype(weft::get<I>(v[0]))>, N> part;
#pragma unroll
        for (int k = 0; k < N; ++k) part[k] = weft::get<I>(v[k]);
        store_run<N, Block, Late>(weft::get<I>(it.bases()), i, wide, part.value);
      }(),
      ...);
}
template <int N, class Block, bool Late = false, class... Its, class T>
WEFT_DEVICE void store_run(const zip_iterator<Its...>& it, offset i, bool wide, const T* v) {
  store_zip<N, Block, Late>(it, i, wide, v, std::index_sequence_for<Its...>{});
}

}  // namespace weft::gpu
