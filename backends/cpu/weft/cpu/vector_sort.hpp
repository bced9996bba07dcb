// Sorting plain numbers in 512-bit registers, in place: a quicksort whose partition compresses a register to both ends
// of the range at once, and, for up to sixteen registers of elements, a sorting network: columns first (comparisons
// between registers), then bitonic merges of columns, whose long steps too are comparisons between registers, and one
// transposition. No branch depends on a comparison. Not stable, which equal numbers do not show; the caller keeps NaNs
// and negative zeros away. Values that fill much of a sample are split off whole. See Bramas, "A novel hybrid quicksort
// algorithm vectorized using AVX-512" (2017) and Blacher et al., "Vectorized and performance-portable quicksort"
// (2022).
#pragma once

#include <weft/cpu/isa.hpp>

#include <utility>

namespace weft::inline v100::cpu {

/// Types that vector_sort takes.
template <class T>
inline constexpr bool vector_sortable =
#if defined(__x86_64__)
    std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8);
#else
    false;
#endif

#if defined(__x86_64__)

inline bool sorts_in_registers() noexcept {
  static const bool yes = has_avx512() && __builtin_cpu_supports("avx512dq") && has_avx2();
  return yes;
}

namespace detail {

template <class T>
struct wide_of {
  typedef T type __attribute__((vector_size(64)));
  typedef T unaligned __attribute__((vector_size(64), aligned(sizeof(T)), may_alias));
  using bits = std::conditional_t<sizeof(T) == 4, int, long long>;
  typedef bits index __attribute__((vector_size(64)));
};

/// Comparisons between registers, as a list that unrolls: Batcher's odd-even merge sort of N, and the last steps of a
/// bitonic merge.
struct comparator {
  unsigned char low, high;
};
template <int N>
struct sorting_network {
  comparator list[64] = {};
  int size = 0;
  constexpr sorting_network() {
    for (int p = 1; p < N; p *= 2)
      for (int k = p; k > 0; k /= 2)
        for (int j = k % p; j + k < N; j += 2 * k)
          for (int i = 0; i < k && i + j + k < N; ++i)
            if ((i + j) / (2 * p) == (i + j + k) / (2 * p))
              list[size++] = {static_cast<unsigned char>(i + j), static_cast<unsigned char>(i + j + k)};
  }
};
template <int N>
struct bitonic_steps {
  comparator list[64] = {};
  int size = 0;
  constexpr bitonic_steps() {
    for (int distance = N / 2; distance > 0; distance /= 2)
      for (int r = 0; r < N; ++r)
        if ((r & distance) == 0)
          list[size++] = {static_cast<unsigned char>(r), static_cast<unsigned char>(r + distance)};
  }
};

/// T is a number, Descending the order.
template <class T, bool Descending>
struct register_sorter {
  using vector = typename wide_of<T>::type;
  using unaligned = typename wide_of<T>::unaligned;
  using index = typename wide_of<T>::index;
  using bits = typename wide_of<T>::bits;
  static constexpr int lanes = 64 / static_cast<int>(sizeof(T));
  static constexpr auto sequence = std::make_integer_sequence<int, lanes>{};
  static constexpr offset small = 16 * lanes;  // sorted by the network

  /// What comes last in the order.
  static constexpr T last() {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(Descending ? -__builtin_huge_val() : __builtin_huge_val());
    } else {
      constexpr bool negative = T(-1) < T(0);
      constexpr T most = negative ? static_cast<T>(~(bits{1} << (sizeof(T) * 8 - 1))) : static_cast<T>(~T(0));
      return Descending ? static_cast<T>(~most) : most;
    }
  }

  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static vector load(const T* from) {
    return *reinterpret_cast<const unaligned*>(from);
  }
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void store(T* to, const vector& v) {
    *reinterpret_cast<unaligned*>(to) = v;
  }
  /// The first `count` lanes; count may be any number.
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"), gnu::always_inline]] static std::uint32_t first_lanes(
      offset count) {
    const offset some = count < 0 ? 0 : count;
    return __builtin_ia32_bzhi_si((1u << lanes) - 1, static_cast<std::uint32_t>(some < 32 ? some : 32));
  }
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"), gnu::always_inline]] static void store_first(
      T* to, const vector& v, offset count) {
    const std::uint32_t mask = first_lanes(count);
    auto* const at = reinterpret_cast<bits*>(to);
    if constexpr (sizeof(T) == 4) {
      __builtin_ia32_storedqusi512_mask(at, (index)v, static_cast<unsigned short>(mask));
    } else {
      __builtin_ia32_storedqudi512_mask(at, (index)v, static_cast<unsigned char>(mask));
    }
  }
  /// The rest of the lanes from `filler`.
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"), gnu::always_inline]] static vector load_first(
      const T* from, offset count, const vector& filler) {
    const std::uint32_t mask = first_lanes(count);
    const auto* const at = reinterpret_cast<const bits*>(from);
    if constexpr (sizeof(T) == 4) {
      return (vector)__builtin_ia32_loaddqusi512_mask(at, (index)filler, static_cast<unsigned short>(mask));
    } else {
      return (vector)__builtin_ia32_loaddqudi512_mask(at, (index)filler, static_cast<unsigned char>(mask));
    }
  }
  /// The lesser and the greater of each lane. Of floating point as an instruction each: g++ makes comparisons and
  /// blends of the conditional, because minima of zeros and NaNs are not the same, of which there are none here.
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static vector least(const vector& x,
                                                                                                const vector& y) {
#if !defined(__clang__)
    if constexpr (std::is_same_v<T, float>) return __builtin_ia32_minps512_mask(x, y, x, -1, 4);
    if constexpr (std::is_same_v<T, double>) return __builtin_ia32_minpd512_mask(x, y, x, 0xff, 4);
#endif
    return x < y ? x : y;
  }
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static vector most(const vector& x,
                                                                                               const vector& y) {
#if !defined(__clang__)
    if constexpr (std::is_same_v<T, float>) return __builtin_ia32_maxps512_mask(x, y, x, -1, 4);
    if constexpr (std::is_same_v<T, double>) return __builtin_ia32_maxpd512_mask(x, y, x, 0xff, 4);
#endif
    return x < y ? y : x;
  }
  /// a first, b second.
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void order(vector& a, vector& b) {
    const vector x = a, y = b;
    a = Descending ? most(x, y) : least(x, y);
    b = Descending ? least(x, y) : most(x, y);
  }
  template <class List, int Rows>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void order_registers(
      vector (&v)[Rows]) {
    order_registers<List>(v, std::make_integer_sequence<int, List{}.size>{});
  }
  template <class List, int Rows, int... I>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void order_registers(
      vector (&v)[Rows], std::integer_sequence<int, I...>) {
    constexpr List network;
    (order(v[network.list[I].low], v[network.list[I].high]), ...);
  }
  /// Lane i of the result is lane i ^ Bits of v.
  template <int Bits, int... I>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static vector exchange(
      const vector& v, std::integer_sequence<int, I...>) {
#if defined(__clang__)
    return __builtin_shufflevector(v, v, (I ^ Bits)...);
#else
    constexpr index from = {(I ^ Bits)...};
    return __builtin_shuffle(v, from);
#endif
  }
  /// low in the lanes whose number has none of the bits, else high.
  template <int Bit, int... I>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static vector blend(
      const vector& low, const vector& high, std::integer_sequence<int, I...>) {
    constexpr index is_low = {((I & Bit) == 0 ? bits{-1} : bits{0})...};
    return is_low ? low : high;
  }

  /// Orders lane i and lane i ^ Distance.
  template <int Distance>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void order_lanes(vector& v) {
    vector low = v, high = exchange<Distance>(v, sequence);
    order(low, high);
    v = blend<Distance>(low, high, sequence);
  }
  template <int Distance, int Rows>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void clean_lanes(vector (&v)[Rows]) {
    if constexpr (Distance > 0) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) order_lanes<Distance>(v[r]);
      clean_lanes<Distance / 2>(v);
    }
  }
  /// Columns of Rows elements each are sorted in groups of Width; merges pairs of groups.
  template <int Width, int Rows>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void merge_columns(
      vector (&v)[Rows]) {
    if constexpr (Width < lanes) {
      // The second group backwards makes a bitonic sequence: element (column, row) meets its mirror image.
      if constexpr (Rows == 1) {
        vector low = v[0], high = exchange<2 * Width - 1>(v[0], sequence);
        order(low, high);
        v[0] = blend<Width>(low, high, sequence);
      } else {
#pragma GCC unroll 16
        for (int r = 0; r < Rows / 2; ++r) {
          vector low = v[r], high = exchange<2 * Width - 1>(v[Rows - 1 - r], sequence);
          order(low, high);
          v[r] = blend<Width>(low, high, sequence);
          v[Rows - 1 - r] = exchange<2 * Width - 1>(blend<Width>(high, low, sequence), sequence);
        }
      }
      clean_lanes<Width / 2>(v);
      order_registers<bitonic_steps<Rows>>(v);
      merge_columns<2 * Width>(v);
    }
  }

  /// The lanes of a without the bit with those of b moved up (or, High, those with it).
  template <int Bit, bool High, int... I>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static vector take_pairs(
      const vector& a, const vector& b, std::integer_sequence<int, I...>) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, ((I & Bit) == 0 ? (High ? I | Bit : I) : lanes + (High ? I : I ^ Bit))...);
#else
    constexpr index from = {((I & Bit) == 0 ? (High ? I | Bit : I) : lanes + (High ? I : I ^ Bit))...};
    return __builtin_shuffle(a, b, from);
#endif
  }
  /// Exchanges a bit of the lane's number with a bit of the register's.
  template <int LaneBit, int RegisterBit, int Rows>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void exchange_bits(vector* v) {
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
      if ((r & RegisterBit) == 0) {
        const vector a = v[r], b = v[r + RegisterBit];
        v[r] = take_pairs<LaneBit, false>(a, b, sequence);
        v[r + RegisterBit] = take_pairs<LaneBit, true>(a, b, sequence);
      }
  }
  /// v[row][column] becomes register (column * Rows + row) / lanes of the result, in the order of place<Rows>.
  template <int Rows>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static void transpose(vector* v) {
    if constexpr (Rows > lanes) {
      transpose<Rows / 2>(v);
      transpose<Rows / 2>(v + Rows / 2);
    } else if constexpr (Rows > 1) {
      exchange_bits<1, 1, Rows>(v);
      if constexpr (Rows > 2) exchange_bits<2, 2, Rows>(v);
      if constexpr (Rows > 4) exchange_bits<4, 4, Rows>(v);
      if constexpr (Rows > 8) exchange_bits<8, 8, Rows>(v);
      if constexpr (Rows < lanes) exchange_bits<Rows, 1, Rows>(v);
      if constexpr (2 * Rows < lanes) exchange_bits<2 * Rows, 2, Rows>(v);
    }
  }
  /// Where register r of the transposed lies.
  template <int Rows>
  static constexpr int place(int r) {
    if (Rows > lanes) return r % lanes * 2 + r / lanes;
    constexpr int groups = Rows > lanes ? 1 : lanes / Rows;
    return Rows == 1 ? 0 : r % groups * (Rows / groups) + r / groups;
  }

  /// Sorts up to Rows registers of elements.
  template <int Rows>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"), gnu::noinline]] static void network(T* data, offset n) {
    vector v[Rows];
    vector filler{};  // not const: the front end of nvcc 13 falls over a constant sum of vectors
    filler += last();
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) v[r] = load_first(data + r * lanes, n - r * lanes, filler);
    order_registers<sorting_network<Rows>>(v);  // columns
    merge_columns<1>(v);
    transpose<Rows>(v);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) store_first(data + place<Rows>(r) * lanes, v[r], n - place<Rows>(r) * lanes);
  }
  static void sort_small(T* data, offset n) {
    if (n <= lanes) return network<1>(data, n);
    if (n <= 4 * lanes) return network<4>(data, n);
    if (n <= 8 * lanes) return network<8>(data, n);
    network<16>(data, n);
  }

  /// Bit i: lane i goes to the front.
  template <bool Equal>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static std::uint32_t front_lanes(
      const vector& v, const vector& pivot) {
    index m;
    if constexpr (Descending) {
      m = Equal ? v >= pivot : v > pivot;
    } else {
      m = Equal ? v <= pivot : v < pivot;
    }
    if constexpr (sizeof(T) == 4) {
      return static_cast<std::uint16_t>(__builtin_ia32_cvtd2mask512(m));
    } else {
      return static_cast<std::uint8_t>(__builtin_ia32_cvtq2mask512(m));
    }
  }
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq"), gnu::always_inline]] static vector packed(const vector& v,
                                                                                                 std::uint32_t mask) {
    if constexpr (sizeof(T) == 4) {
      return (vector)__builtin_ia32_compresssi512_mask((index)v, index{}, static_cast<unsigned short>(mask));
    } else {
      return (vector)__builtin_ia32_compressdi512_mask((index)v, index{}, static_cast<unsigned char>(mask));
    }
  }
  /// One register to both ends.
  template <bool Equal>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,popcnt"), gnu::always_inline]] static void put(
      const vector& v, const vector& pivot, T*& write_front, T*& write_back) {
    const std::uint32_t front = front_lanes<Equal>(v, pivot);
    const int count = __builtin_popcount(front);
    store(write_front, packed(v, front));  // whole: what is behind is free
    write_front += count;
    write_back -= lanes - count;
    store_first(write_back, packed(v, front ^ ((1u << lanes) - 1)), lanes - count);
  }

  /// Elements before the pivot (Equal: and equal ones) to the front; returns how many. n >= 8 registers.
  template <bool Equal>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,popcnt"), gnu::noinline]] static offset partition(
      T* data, offset n, T pivot_value) {
    constexpr int unroll = 8, step = unroll * lanes;
    const vector pivot = vector{} + pivot_value;
    // The ragged piece in the middle of nowhere and one step from each end wait in a buffer; that leaves room to write.
    const offset ragged = n % step;
    alignas(64) T waiting[3 * step + lanes];
    __builtin_memcpy(waiting, data + n - ragged, static_cast<std::size_t>(ragged) * sizeof(T));
    const offset whole = n - ragged;
    T *read_front = data + step, *read_back = data + whole - step;  // [read_front, read_back) is unread
    __builtin_memcpy(waiting + ragged, data, sizeof(T) * step);
    __builtin_memcpy(waiting + ragged + step, read_back, sizeof(T) * step);
    T *write_front = data, *write_back = data + n;
    while (read_front < read_back) {
      const T* from;
      // From the end with less room, so that both keep at least one step of it.
      if (read_front - write_front <= write_back - read_back) {
        from = read_front;
        read_front += step;
        for (int line = 0; line < unroll; ++line) __builtin_prefetch(from + 2 * step + line * lanes);
      } else {
        read_back -= step;
        from = read_back;
        for (int line = 0; line < unroll; ++line) __builtin_prefetch(from - 2 * step + line * lanes);
      }
      vector v[unroll];
#pragma GCC unroll 8
      for (int u = 0; u < unroll; ++u) v[u] = load(from + u * lanes);
#pragma GCC unroll 8
      for (int u = 0; u < unroll; ++u) put<Equal>(v[u], pivot, write_front, write_back);
    }
    // What waits fills the gap exactly. While a whole register waits, a whole one can be stored.
    const offset left = ragged + 2 * step;
    offset i = 0;
    for (; i + lanes <= left; i += lanes) put<Equal>(load(waiting + i), pivot, write_front, write_back);
    const std::uint32_t valid = (1u << (left - i)) - 1;
    const vector v = load(waiting + i);
    const std::uint32_t front = front_lanes<Equal>(v, pivot) & valid;
    const int front_count = __builtin_popcount(front), back_count = static_cast<int>(left - i) - front_count;
    store_first(write_front, packed(v, front), front_count);
    store_first(write_back - back_count, packed(v, front ^ valid), back_count);
    write_front += front_count;
    return write_front - data;
  }

  /// Not zero if v has a NaN or a -0.0.
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"), gnu::always_inline]] static unsigned odd_numbers(
      const vector& v) {
    constexpr int odd = 0x01 | 0x80 | 0x04;  // quiet and signalling NaN, negative zero
    const std::uint32_t all = first_lanes(lanes);
    if constexpr (sizeof(T) == 4) {
      return static_cast<std::uint16_t>(__builtin_ia32_fpclassps512_mask(v, odd, static_cast<unsigned short>(all)));
    } else {
      return static_cast<std::uint8_t>(__builtin_ia32_fpclasspd512_mask(v, odd, static_cast<unsigned char>(all)));
    }
  }
  /// True if there is no NaN and no -0.0.
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"), gnu::noinline]] static bool plain(const T* data, offset n) {
    unsigned found = 0;
    offset i = 0;
    for (; i + 4 * lanes <= n; i += 4 * lanes)
      for (int u = 0; u < 4; ++u) found |= odd_numbers(load(data + i + u * lanes));
    for (; i < n; i += lanes) found |= odd_numbers(load_first(data + i, n - i, vector{}));
    return found == 0;
  }

  /// A sorted sample of Rows registers, from positions by a generator, so that no pattern in the data meets them; four
  /// neighbours each share a cache line.
  template <int Rows>
  static void take_sample(const T* data, offset n, T* sample) {
    std::uint64_t random = static_cast<std::uint64_t>(n) * 0x9e3779b97f4a7c15u;
    constexpr int group = 4;
    for (int s = 0; s < Rows * lanes; s += group) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      const offset at = static_cast<offset>((random >> 32) * static_cast<std::uint64_t>(n - group) >> 32);
      for (int j = 0; j < group; ++j) sample[s + j] = data[at + j];
    }
    network<Rows>(sample, Rows * lanes);
  }

  static void sort(T* data, offset n) {
    while (n > small) {
      alignas(64) T sample[4 * lanes];
      const bool short_range = n < 16 * small;
      if (short_range)
        take_sample<1>(data, n, sample);
      else
        take_sample<4>(data, n, sample);
      const int size = short_range ? lanes : 4 * lanes;
      const T pivot = sample[size / 2];
      const bool heavy = sample[size / 2 - size / 8] == pivot || sample[size / 2 + size / 8] == pivot;
      offset front, back;
      if (heavy) {  // equal to the pivot: [front, back), which is left alone
        if (sample[0] == pivot) {
          back = partition<true>(data, n, pivot);
          front = back > small ? partition<false>(data, back, pivot) : back;
        } else {
          front = partition<false>(data, n, pivot);
          back = n - front > small ? front + partition<true>(data + front, n - front, pivot) : front;
        }
      } else {
        front = back = partition<false>(data, n, pivot);
        if (front == 0) back = partition<true>(data, n, pivot);  // the pivot is the least
      }
      // The shorter side first, so that the stack stays shallow.
      if (front < n - back) {
        sort(data, front);
        data += back;
        n -= back;
      } else {
        sort(data + back, n - back);
        n = front;
      }
    }
    if (n > 1) sort_small(data, n);
  }
};

}  // namespace detail

namespace detail {
/// Types of the same layout share the code.
template <class T>
using representative =
    std::conditional_t<std::is_floating_point_v<T>, T,
                       std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int, unsigned>,
                                          std::conditional_t<std::is_signed_v<T>, long long, unsigned long long>>>;
}  // namespace detail

/// Sorts n numbers, no NaN or -0.0 among them, if the processor can (sorts_in_registers).
template <bool Descending, class T>
void vector_sort(T* data, offset n) {
  using same = detail::representative<T>;
  detail::register_sorter<same, Descending>::sort(reinterpret_cast<same*>(data), n);
}

/// True if n floating-point numbers hold no NaN and no -0.0.
template <class T>
bool vector_plain(const T* data, offset n) {
  return detail::register_sorter<T, false>::plain(data, n);
}

/// Numbers before the pivot (Equal: and equal ones) to the front; returns how many. n >= 256.
template <bool Descending, bool Equal, class T>
offset vector_partition(T* data, offset n, T pivot) {
  using same = detail::representative<T>;
  return detail::register_sorter<same, Descending>::template partition<Equal>(reinterpret_cast<same*>(data), n,
                                                                              static_cast<same>(pivot));
}

/// The median of a sample of n >= 256 numbers, and the first of it in the order.
template <bool Descending, class T>
T vector_median(const T* data, offset n, T* first) {
  using same = detail::representative<T>;
  constexpr int size = 16 * 64 / static_cast<int>(sizeof(T));
  same sample[size];
  detail::register_sorter<same, Descending>::template take_sample<16>(reinterpret_cast<const same*>(data), n, sample);
  *first = static_cast<T>(sample[0]);
  return static_cast<T>(sample[size / 2]);
}

#else

inline constexpr bool sorts_in_registers() noexcept { return false; }

#endif

}  // namespace weft::cpu
