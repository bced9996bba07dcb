// reduce in the fixed shape (test/fixed_shape.hpp specifies it): chunks of 4,096 elements, in each 256 * slots columns
// whose rows are added in order and which are then folded in halves; the chunk results are an array to which the same
// rule applies. So a float sum has the same bits on any number of threads and on every backend. The columns are a
// vector loop over an L1-resident chunk; the shape costs no speed. One pass; memory: a T for every 4,096 elements
// beyond 2^20.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/cpu/sum_columns.hpp>
#include <weft/functional.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu {

/// The numbers of the shape, which depend on sizeof(T) alone.
template <class T>
struct reduce_shape {
  static constexpr int chunk = 4096;
  static constexpr int slots = sizeof(T) >= 16                   ? 1
                               : sizeof(T) > 4 && sizeof(T) <= 8 ? 2
                               : sizeof(T) > 8                   ? 1
                               : sizeof(T) > 2                   ? 4
                               : sizeof(T) > 1                   ? 8
                                                                 : 16;
  static constexpr int columns = 256 * slots;
};

namespace detail {

/// Row 0 to Rows - 1 of one column, in order.
template <int Rows, int Columns, class T, class Load, class Op>
[[gnu::always_inline]] inline T sum_column(const Load& load, int c, const Op& op) {
  if constexpr (Rows == 1) {
    return load(c);
  } else {
    return op(sum_column<Rows - 1, Columns, T>(load, c, op), load((Rows - 1) * Columns + c));
  }
}

/// Sums, whose missing elements may be filled up with the neutral one without changing a bit.
template <class T, class Op>
inline constexpr bool has_neutral = std::is_arithmetic_v<T>&& std::is_same_v<Op, weft::plus>;

/// Sums whose columns are folded in vector registers.
template <class T, class Op>
inline constexpr bool folds_in_registers = std::is_floating_point_v<T>&& sums_in_registers<T, Op>;

/// What is left of the columns when bits 128, 64 and 32 of the virtual lane are folded: the slots, then bits 16 to 1.
/// `lanes` is 32, or a lesser power of two when no more have elements.
template <class T, class Op>
[[gnu::always_inline]] inline T fold_lanes(const T* column, const Op& op, int lanes = 32) {
  constexpr int slots = reduce_shape<T>::slots;
  T lane[32];
  for (int l = 0; l < lanes; ++l) {
    const T* const s = column + l * slots;
    if constexpr (slots == 1) {
      lane[l] = s[0];
    } else if constexpr (slots == 2) {
      lane[l] = op(s[0], s[1]);
    } else if constexpr (slots == 4) {
      const T even = op(s[0], s[2]), odd = op(s[1], s[3]);
      lane[l] = op(even, odd);
    } else {
      T part[slots];
      for (int i = 0; i < slots; ++i) part[i] = s[i];
      for (int half = slots / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) part[i] = op(part[i], part[i + half]);
      lane[l] = part[0];
    }
  }
  if (lanes > 16)
    for (int l = 0; l < 16; ++l) lane[l] = op(lane[l], lane[l + 16]);
  if (lanes > 8)
    for (int l = 0; l < 8; ++l) lane[l] = op(lane[l], lane[l + 8]);
  if (lanes > 4)
    for (int l = 0; l < 4; ++l) lane[l] = op(lane[l], lane[l + 4]);
  if (lanes > 2)
    for (int l = 0; l < 2; ++l) lane[l] = op(lane[l], lane[l + 2]);
  return lanes > 1 ? op(lane[0], lane[1]) : lane[0];
}

/// A chunk of numbers in loops of constant length: a whole one (N is an integral_constant) or, of sums, any.
template <class T, class N, class Load, class Op>
[[gnu::always_inline]] inline T reduce_chunk_of_numbers(N n, const Load& load, const Op& op) {
  using shape = reduce_shape<T>;
  constexpr int columns = shape::columns, left = 32 * shape::slots, rows = shape::chunk / columns;
  alignas(64) T column[columns];
  if constexpr (!std::is_same_v<N, int>) {
    // The rows are so many streams, read side by side; each strip asks for its part of the next chunk.
    constexpr int strip = 64 / static_cast<int>(sizeof(T));
    for (int first = 0; first < columns; first += strip) {
      for (int row = 0; row < rows; ++row) load.ahead(row * columns + first);
      for (int c = first; c < first + strip; ++c) column[c] = sum_column<rows, columns, T>(load, c, op);
    }
  } else if (n <= left) {
    // So many lanes that the loops have constant lengths; neutral elements change no bit.
    const auto fold = [&](auto lanes) __attribute__((always_inline)) {
      constexpr int all = lanes * shape::slots;
      int c = 0;
      for (; c < n; ++c) column[c] = load(c);
      for (; c < all; ++c) column[c] = neutral<T>;
      if constexpr (folds_in_registers<T, Op> && lanes >= 8)
        return sum_columns<T, 1, all>(stored_columns<T>{column});
      else
        return fold_lanes<T>(column, op, lanes);
    };
    if (n <= 2 * shape::slots) return fold(std::integral_constant<int, 2>{});
    if (n <= 4 * shape::slots) return fold(std::integral_constant<int, 4>{});
    if constexpr (folds_in_registers<T, Op>)
      if (n <= 8 * shape::slots) return fold(std::integral_constant<int, 8>{});
    if (n <= 16 * shape::slots) return fold(std::integral_constant<int, 16>{});
    return fold(std::integral_constant<int, 32>{});
  } else {
    const int first_row = n < columns ? n : columns;
    const int filled = !folds_in_registers<T, Op> || n > 4 * left ? columns : n > 2 * left ? 4 * left : 2 * left;
    for (int c = 0; c < first_row; ++c) column[c] = load(c);
    for (int c = first_row; c < filled; ++c) column[c] = neutral<T>;
    for (int row = columns; row < n; row += columns) {
      const int width = n - row < columns ? n - row : columns;
      for (int c = 0; c < width; ++c) column[c] = op(column[c], load(row + c));
    }
    if constexpr (folds_in_registers<T, Op>) {
      if (filled == 2 * left) return sum_columns<T, 2, left>(stored_columns<T>{column});
      if (filled == 4 * left) return sum_columns<T, 4, left>(stored_columns<T>{column});
    }
  }
  if constexpr (folds_in_registers<T, Op>) {
    return sum_columns<T, 8, left>(stored_columns<T>{column});
  } else {
    T quarter[left];
    for (int c = 0; c < left; ++c) {  // bits 128, 64 and 32
      const T* const s = column + c;
      const T s04 = op(s[0], s[4 * left]), s15 = op(s[left], s[5 * left]);
      const T s26 = op(s[2 * left], s[6 * left]), s37 = op(s[3 * left], s[7 * left]);
      const T s0246 = op(s04, s26), s1357 = op(s15, s37);
      quarter[c] = op(s0246, s1357);
    }
    return fold_lanes<T>(quarter, op);
  }
}

/// True of a load from an array of T.
template <class T, class Load>
inline constexpr bool is_array_of = requires(const Load& load) {
  { load.array() } -> std::same_as<const T*>;
};

/// One chunk: load(i) is element i as a T, i in [0, n), 0 < n <= 4096. N is an integral_constant for whole chunks,
/// whose loops then have constant bounds and vectorise without remainders.
template <class T, class N, class Load, class Op>
[[gnu::always_inline]] inline T reduce_chunk(N n, Load load, Op op) {
  if constexpr (std::is_same_v<N, int> && folds_in_registers<T, Op> && is_array_of<T, Load>)
    if (n > 4 * reduce_shape<T>::slots && n <= reduce_shape<T>::columns) return sum_array<T>(load.array(), n);
  if constexpr (std::is_arithmetic_v<T> && (!std::is_same_v<N, int> || has_neutral<T, Op>))
    return reduce_chunk_of_numbers<T>(n, load, op);
  using shape = reduce_shape<T>;
  constexpr int slots = shape::slots, columns = shape::columns;
  stack_array<T, columns> array;
  T* const column = array.data();

  // Rows of a column are added in order.
  int count = n < columns ? static_cast<int>(n) : columns;
  if constexpr (std::is_trivially_copyable_v<T>) {
    for (int c = 0; c < count; ++c) ::new (static_cast<void*>(column + c)) T(load(c));
    array.set_size(count);
  } else {
    for (int c = 0; c < count; ++c) array.push(load(c));
  }
  for (int row = columns; row < n; row += columns) {
    const int row_count = n - row < columns ? static_cast<int>(n - row) : columns;
    for (int c = 0; c < row_count; ++c) column[c] = op(column[c], load(row + c));
  }

  // Bits 128, 64 and 32 of the virtual lane.
  for (int half = columns / 2; half >= 32 * slots; half /= 2) {
    const int pairs = count - half < half ? count - half : half;
    for (int c = 0; c < pairs; ++c) column[c] = op(column[c], column[c + half]);
    count = count < half ? count : half;
  }
  // The slots; then slot 0 of each lane holds the lane's value.
  for (int half = slots / 2; half > 0; half /= 2)
    for (int first = 0; first + half < count; first += slots)
      for (int s = first; s < first + half && s + half < count; ++s) column[s] = op(column[s], column[s + half]);
  // Bits 16 to 1 of the virtual lane.
  const int lanes = (count + slots - 1) / slots;
  for (int half = 16; half > 0; half /= 2)
    for (int lane = 0; lane < half && lane + half < lanes; ++lane)
      column[lane * slots] = op(column[lane * slots], column[(lane + half) * slots]);
  return static_cast<T&&>(column[0]);
}

/// One chunk in the ordered variant: 16 contiguous elements a lane from left to right, then neighbours.
template <class T, class N, class Load, class Op>
[[gnu::always_inline]] inline T reduce_chunk_ordered(N n, Load load, Op op) {
  stack_array<T, 256> array;
  const int lanes = (static_cast<int>(n) + 15) / 16;
  for (int lane = 0; lane < lanes; ++lane) {
    const int end = lane * 16 + 16 < n ? lane * 16 + 16 : static_cast<int>(n);
    T sum = load(lane * 16);
    for (int i = lane * 16 + 1; i < end; ++i) sum = op(sum, load(i));
    array.push(static_cast<T&&>(sum));
  }
  T* const value = array.data();
  for (int stride = 1; stride < 256; stride *= 2)
    for (int lane = 0; lane + stride < lanes; lane += 2 * stride) value[lane] = op(value[lane], value[lane + stride]);
  return static_cast<T&&>(value[0]);
}

template <class T, class N, class Load, class Op>
[[gnu::always_inline]] inline T reduce_chunk_any(N n, Load load, Op op) {
  if constexpr (is_ordered<Op>) {
    return reduce_chunk_ordered<T>(n, load, op);
  } else {
    return reduce_chunk<T>(n, load, op);
  }
}

/// The elements of `in` from `first` on, as T.
template <class T, class In>
struct load_from {
  In in;
  offset first;
  T operator()(offset i) const { return static_cast<T>(in[first + i]); }
  const T* array() const requires(std::is_same_v<In, T*> || std::is_same_v<In, const T*>) { return in + first; }
  /// Asks for the cache line of element i of the next chunk, where elements are read from memory as they are.
  [[gnu::always_inline]] void ahead(int i) const {
    if constexpr (std::is_pointer_v<In>)
      __builtin_prefetch(
          reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(in) +
                                        static_cast<std::uintptr_t>(first + reduce_shape<T>::chunk + i) * sizeof(*in)));
  }
};

template <class T, class In, class Op>
struct reduce_part_loop {
  [[gnu::always_inline]] static T run(In in, offset first, int n, Op op) {
    return reduce_chunk_any<T>(n, load_from<T, In>{in, first}, op);
  }
};
/// The one chunk, whole or not, that begins at element `first` and has n. A function, so that short inputs and the ends
/// of long ones are compiled once.
template <class T, class In, class Op>
T reduce_part(In in, offset first, int n, Op op) {
  return wide_loop<reduce_part_loop<T, In, Op>>(n, in, first, n, op);
}

/// emit(chunk, value) for the chunks [begin, end) of n elements.
template <class T, class In, class Op, class Emit>
void reduce_chunks(In in, offset n, offset begin, offset end, Op op, Emit emit) {
  constexpr int chunk = reduce_shape<T>::chunk;
  const offset whole = min(end, n / chunk);
  wide([=]() __attribute__((always_inline)) {
    for (offset c = begin; c < whole; ++c)
      emit(c, reduce_chunk_any<T>(std::integral_constant<int, chunk>{}, load_from<T, In>{in, c * chunk}, op));
  });
  if (whole < end) emit(whole, reduce_part<T>(in, whole * chunk, static_cast<int>(n - whole * chunk), op));
}

/// The elements of an array of objects, to be read by index.
template <class T>
struct objects_view {
  const objects<T>* array;
  const T& operator[](offset i) const { return (*array)[i]; }
};

/// Integers add up to the same in any order.
template <class T, class Op>
inline constexpr bool any_order = std::is_integral_v<T> && !std::is_same_v<T, bool> && std::is_same_v<Op, weft::plus>;

/// An input of zeros and ones, as count_if makes it.
template <class In>
inline constexpr bool counts = requires(const In& in) {
  typename std::remove_cvref_t<decltype(in.function())>::is_indicator;
};

/// The sum of [begin, end). Counts, which are 0 or 1 each, are summed in 32 bits, so that lanes stay narrow.
template <class T, class In>
struct sum_integers_loop {
  using U = std::make_unsigned_t<T>;
  [[gnu::always_inline]] static U run(In in, offset begin, offset end) {
    U sum = 0;
    if constexpr (counts<In>) {
      for (offset first = begin; first < end; first += 1 << 16) {
        const offset stop = min(end, first + (1 << 16));
        std::uint32_t count = 0;
        for (offset i = first; i < stop; ++i) count += static_cast<T>(in[i]) != 0 ? 1u : 0u;
        sum = static_cast<U>(sum + count);
      }
    } else {
      for (offset i = begin; i < end; ++i) sum = static_cast<U>(sum + static_cast<U>(static_cast<T>(in[i])));
    }
    return sum;
  }
};
template <class T, class In>
std::make_unsigned_t<T> sum_integers(In in, offset begin, offset end) {
  return wide_loop<sum_integers_loop<T, In>>(end - begin, in, begin, end);
}

/// The fold of n > 0 elements. `cells` is room for the results of chunks, of chunks of these, and so on.
template <class T, class Scheduler, class In, class Op>
T reduce_range(typename objects<T>::cell* cells, In in, offset n, Op op) {
  constexpr int chunk = reduce_shape<T>::chunk;
  if constexpr (any_order<T, Op>) {
    constexpr offset grain = 1 << 15;
    if (n <= grain) return static_cast<T>(sum_integers<T>(in, 0, n));
    std::atomic<std::make_unsigned_t<T>> total{0};
    for_chunks<Scheduler>(n, grain, [&](offset begin, offset end) {
      total.fetch_add(sum_integers<T>(in, begin, end), std::memory_order_relaxed);
    });
    return static_cast<T>(total.load(std::memory_order_relaxed));
  }
  if (n <= chunk) return reduce_part<T>(in, 0, static_cast<int>(n), op);
  const offset chunks = ceil_div(n, chunk);
  objects<T> partial(cells, chunks);
  for_chunks<Scheduler>(chunks, 16, [&](offset begin, offset end) {
    reduce_chunks<T>(in, n, begin, end, op,
                     [&partial](offset c, T&& value) { partial.emplace(c, static_cast<T&&>(value)); });
  });
  if constexpr (std::is_same_v<typename objects<T>::cell, T>)
    return reduce_range<T, Scheduler>(cells + chunks, cells, chunks, op);  // the same code again where `in` is a T*
  else
    return reduce_range<T, Scheduler>(cells + chunks, objects_view<T>{&partial}, chunks, op);
}

}  // namespace detail

template <class T, class Op>
struct reduce_plan {
  explicit reduce_plan(offset count) : n(count) {}
  void divide(divider& from) {
    offset all = 0;
    if constexpr (!detail::any_order<T, Op>)
      for (offset left = n; left > reduce_shape<T>::chunk;) all += left = ceil_div(left, reduce_shape<T>::chunk);
    cells = from.take<typename objects<T>::cell>(all);
  }
  offset n;
  typename objects<T>::cell* cells = nullptr;
};

template <class Scheduler, class Plan, class In, class Out, class Init, class Op>
void reduce_into(const Plan& plan, In in, offset n, Out out, Init init, Op op) {
  if constexpr (is_none<Init>) {
    using T = iter_value_t<In>;
    if (n > 0) *out = detail::reduce_range<T, Scheduler>(plan.cells, in, n, op);
  } else {
    if (n > 0) {
      *out = static_cast<Init>(op(init, detail::reduce_range<Init, Scheduler>(plan.cells, in, n, op)));
    } else {
      *out = init;
    }
  }
}

}  // namespace weft::cpu
