// reduce in the fixed shape (test/fixed_shape.hpp specifies it): chunks of 4,096 elements, in each 256 * slots columns
// whose rows are added in order and which are then folded in halves; the chunk results are an array to which the same
// rule applies. So a float sum has the same bits on any number of threads and on every backend. The columns are a
// vector loop over an L1-resident chunk; the shape costs no speed. One pass; memory: a T for every 4,096 elements
// beyond 2^20.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/iterator.hpp>

namespace weft::cpu {

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

/// Of a whole chunk, the columns that remain when bits 128, 64 and 32 of the virtual lane are folded: all in registers.
template <class T, class Load, class Op>
[[gnu::always_inline]] inline void fold_to_a_quarter(T* column, const Load& load, const Op& op) {
  using shape = reduce_shape<T>;
  constexpr int left = 32 * shape::slots, rows = shape::chunk / shape::columns;
  // The order in which a chunk is read is not one that hardware foresees: each strip asks for a piece of the next
  // chunk.
  constexpr int strip = 16;
  for (int first = 0; first < left; first += strip) {
    load.ahead(first * (shape::chunk / left), strip * (shape::chunk / left));
    for (int c = first; c < first + strip; ++c) {
      const T s0 = sum_column<rows, shape::columns, T>(load, c, op);
      const T s1 = sum_column<rows, shape::columns, T>(load, c + left, op);
      const T s2 = sum_column<rows, shape::columns, T>(load, c + 2 * left, op);
      const T s3 = sum_column<rows, shape::columns, T>(load, c + 3 * left, op);
      const T s4 = sum_column<rows, shape::columns, T>(load, c + 4 * left, op);
      const T s5 = sum_column<rows, shape::columns, T>(load, c + 5 * left, op);
      const T s6 = sum_column<rows, shape::columns, T>(load, c + 6 * left, op);
      const T s7 = sum_column<rows, shape::columns, T>(load, c + 7 * left, op);
      const T s04 = op(s0, s4), s15 = op(s1, s5), s26 = op(s2, s6), s37 = op(s3, s7);
      const T s0246 = op(s04, s26), s1357 = op(s15, s37);
      column[c] = op(s0246, s1357);
    }
  }
}

/// One chunk: load(i) is element i as a T, i in [0, n), 0 < n <= 4096. N is an integral_constant for whole chunks,
/// whose loops then have constant bounds and vectorise without remainders.
template <class T, class N, class Load, class Op>
[[gnu::always_inline]] inline T reduce_chunk(N n, Load load, Op op) {
  using shape = reduce_shape<T>;
  constexpr int slots = shape::slots, columns = shape::columns;
  stack_array<T, columns> array;
  T* const column = array.data();

  int count = n < columns ? static_cast<int>(n) : columns;
  if constexpr (!std::is_same_v<N, int> && std::is_arithmetic_v<T> && Load::one_small_stream) {
    fold_to_a_quarter<T>(column, load, op);
    count = 32 * slots;
    array.set_size(count);
  } else {
    // Rows of a column are added in order.
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
  /// Then a chunk and the next fit the L1 cache, and reading it by columns, in registers, is fastest; otherwise by
  /// rows.
  static constexpr bool one_small_stream =
      std::is_pointer_v<In> && sizeof(T) <= 4 && sizeof(std::declval<const In&>()[0]) <= 4;
  T operator()(offset i) const { return static_cast<T>(in[first + i]); }
  /// Asks for elements [from, from + n) of the next chunk.
  [[gnu::always_inline]] void ahead(int from, int n) const {
    if constexpr (one_small_stream) {
      const auto at = reinterpret_cast<std::uintptr_t>(in + first) +
                      static_cast<std::uintptr_t>(reduce_shape<T>::chunk + from) * sizeof(*in);
      for (std::size_t byte = 0; byte < static_cast<std::size_t>(n) * sizeof(*in); byte += 64)
        __builtin_prefetch(reinterpret_cast<const void*>(at + byte));
    }
  }
};

/// emit(chunk, value) for the chunks [begin, end) of n elements.
template <class T, class In, class Op, class Emit>
void reduce_chunks(In in, offset n, offset begin, offset end, Op op, Emit emit) {
  constexpr int chunk = reduce_shape<T>::chunk;
  wide([=]() __attribute__((always_inline)) {
    for (offset c = begin; c < end; ++c) {
      const load_from<T, In> load{in, c * chunk};
      if (n - c * chunk >= chunk) {
        emit(c, reduce_chunk_any<T>(std::integral_constant<int, chunk>{}, load, op));
      } else {
        emit(c, reduce_chunk_any<T>(static_cast<int>(n - c * chunk), load, op));
      }
    }
  });
}

/// The elements of an array of objects, to be read by index.
template <class T>
struct objects_view {
  const objects<T>* array;
  const T& operator[](offset i) const { return (*array)[i]; }
};

/// The fold of n > 0 elements.
template <class T, class Scheduler, class Policy, class In, class Op>
T reduce_range(const Policy& policy, In in, offset n, Op op) {
  constexpr int chunk = reduce_shape<T>::chunk;
  if (n <= chunk)
    return wide([=]() __attribute__((always_inline)) {
      return reduce_chunk_any<T>(static_cast<int>(n), load_from<T, In>{in, 0}, op);
    });
  const offset chunks = ceil_div(n, chunk);
  objects<T> partial(policy, chunks);
  for_chunks<Scheduler>(chunks, 16, [&](offset begin, offset end) {
    reduce_chunks<T>(in, n, begin, end, op,
                     [&partial](offset c, T&& value) { partial.emplace(c, static_cast<T&&>(value)); });
  });
  return reduce_range<T, Scheduler>(policy, objects_view<T>{&partial}, chunks, op);
}

}  // namespace detail

template <class Scheduler, class Policy, class In, class Out, class Init, class Op>
void reduce_into(const Policy& policy, In in, offset n, Out out, Init init, Op op) {
  if constexpr (is_none<Init>) {
    using T = iter_value_t<In>;
    if (n > 0) *out = detail::reduce_range<T, Scheduler>(policy, in, n, op);
  } else {
    if (n > 0) {
      *out = static_cast<Init>(op(init, detail::reduce_range<Init, Scheduler>(policy, in, n, op)));
    } else {
      *out = init;
    }
  }
}

}  // namespace weft::cpu
