// Scan in the fixed order (weft/fixed_order.hpp), for policies with .require(weft::same_bits): the same bits on any
// number of threads and on GPUs. One pass over memory; several threads fold a block of tiles, wait for what came before
// and scan the block from the cache. Whole parts of numbers go through loops of constant length over all of their rows,
// which vectorise for operators that do; all else goes run by run.
#pragma once

#include <weft/cpu/scan_fixed_by_key.hpp>
#include <weft/cpu/scheduler.hpp>
#include <weft/cpu/storage.hpp>
#include <weft/fixed_order.hpp>
#include <weft/iterator.hpp>

namespace weft::inline v100::cpu::detail {

/// N places for values, on the stack, to be set before they are read, as often as you like.
template <class T, int N>
class places {
  static constexpr bool trivial = std::is_trivially_copyable_v<T>;

 public:
  template <class U>
  [[gnu::always_inline]] void set(offset i, U&& value) {
    if constexpr (trivial)
      ::new (static_cast<void*>(bytes_ + i * static_cast<offset>(sizeof(T)))) T(static_cast<U&&>(value));
    else
      values_[i].emplace(static_cast<U&&>(value));
  }
  [[gnu::always_inline]] const T& operator[](offset i) const {
    if constexpr (trivial)
      return *std::launder(reinterpret_cast<const T*>(bytes_ + i * static_cast<offset>(sizeof(T))));
    else
      return *values_[i];
  }

 private:
  alignas(64) alignas(T) unsigned char bytes_[trivial ? sizeof(T) * N : 1];
  maybe<T> values_[trivial ? 1 : N];
};

/// op(a, b) of what is there.
template <class T, class Op>
[[gnu::always_inline]] inline maybe<T> fold_both(const maybe<T>& a, const maybe<T>& b, const Op& op) {
  if (!a || !b) return a ? a : b;
  return maybe<T>(static_cast<T>(op(*a, *b)));
}

/// The parts of a tile, one after the other: what they fold to up to and including the last.
template <class T>
class tile_so_far {
 public:
  template <class Op>
  [[gnu::always_inline]] void take(const T& total, const Op& op) {
    one_.set(parts_, total);
    two_.set(parts_, parts_ >= 1 ? static_cast<T>(op(one_[parts_ - 1], total)) : total);
    four_.set(parts_, parts_ >= 2 ? static_cast<T>(op(two_[parts_ - 2], two_[parts_])) : two_[parts_]);
    upto_.emplace(parts_ >= 4 ? static_cast<T>(op(four_[parts_ - 4], four_[parts_])) : four_[parts_]);
    ++parts_;
  }
  const maybe<T>& upto() const { return upto_; }

 private:
  static_assert(scan_shape<T>::parts == 8);
  places<T, 8> one_, two_, four_;  // of as many parts, as far as there are
  maybe<T> upto_;
  int parts_ = 0;
};

/// The tiles of a scan, one after the other: what they fold to.
template <class T>
class tiles_so_far {
 public:
  explicit tiles_so_far(const maybe<T>& init) : units_(init) {}
  template <class Op>
  maybe<T> fold(const Op& op) const {
    maybe<T> tail;
    for (int level = 0; level < 6; ++level)
      if (tiles_ >> level & 1) tail = fold_both(node_[level], tail, op);
    return fold_both(units_, tail, op);
  }
  template <class Op>
  void take(const T& total, const Op& op) {
    maybe<T> node = total;
    int level = 0;
    for (; tiles_ >> level & 1; ++level) node = fold_both(node_[level], node, op);
    if (++tiles_ == scan_shape<T>::unit) {
      units_ = fold_both(units_, node, op);
      tiles_ = 0;
    } else {
      node_[level] = std::move(node);
    }
  }

 private:
  static_assert(scan_shape<T>::unit == 64);
  maybe<T> units_;    // init and whole units
  maybe<T> node_[6];  // of 2^level neighbours, where that bit of tiles_ is set
  int tiles_ = 0;     // in the open unit
};

// Parts of any type ---------------------------------------------------------------------------------------------------

/// Scans `count` elements from `begin` on, one part at most; their fold, if they are a whole part.
template <bool Inclusive, class T, class In, class Out, class Op>
[[gnu::always_inline]] inline maybe<T> scan_part(In in, offset begin, offset count, Out out, const Op& op,
                                                 const maybe<T>& prefix) {
  using shape = scan_shape<T>;
  places<T, 2 * shape::lanes> lane;
  maybe<T> carry;
  for (offset row = 0; row < count; row += shape::row_items) {
    const offset first = begin + row, here = min(count - row, shape::row_items);
    const offset whole = here / shape::run;
    for (offset l = 0; l < whole; ++l) {
      T total = static_cast<T>(in[first + l * shape::run]);
      for (offset k = 1; k < shape::run; ++k) total = op(total, static_cast<T>(in[first + l * shape::run + k]));
      lane.set(l, static_cast<T&&>(total));
    }
    offset from = 0, to = shape::lanes;
    for (offset d = 1; d < shape::lanes; d *= 2) {
      for (offset l = 0; l < whole; ++l) {
        if (l < d)
          lane.set(to + l, lane[from + l]);
        else
          lane.set(to + l, static_cast<T>(op(lane[from + l - d], lane[from + l])));
      }
      const offset swapped = from;
      from = to, to = swapped;
    }
    for (offset l = 0; l * shape::run < here; ++l) {
      maybe<T> sum = l == 0 ? carry : carry ? maybe<T>(op(*carry, lane[from + l - 1])) : maybe<T>(lane[from + l - 1]);
      sum = fold_both(prefix, sum, op);
      for (offset i = first + l * shape::run; i < first + min(here, (l + 1) * shape::run); ++i) {
        T next = sum ? static_cast<T>(op(*sum, static_cast<T>(in[i]))) : static_cast<T>(in[i]);
        if constexpr (Inclusive)
          out[i] = next;
        else
          out[i] = *sum;
        sum = static_cast<T&&>(next);
      }
    }
    if (whole == shape::lanes) carry = fold_both(carry, maybe<T>(lane[from + shape::lanes - 1]), op);
  }
  if (count < shape::part_items) return {};
  return carry;
}

/// The fold of a whole part.
template <class T, class In, class Op>
[[gnu::always_inline]] inline T fold_part(In in, offset begin, const Op& op) {
  using shape = scan_shape<T>;
  places<T, shape::lanes> lane;
  maybe<T> carry;
  for (offset first = begin; first < begin + shape::part_items; first += shape::row_items) {
    for (offset l = 0; l < shape::lanes; ++l) {
      T total = static_cast<T>(in[first + l * shape::run]);
      for (offset k = 1; k < shape::run; ++k) total = op(total, static_cast<T>(in[first + l * shape::run + k]));
      lane.set(l, static_cast<T&&>(total));
    }
    for (offset half = shape::lanes / 2; half > 0; half /= 2)
      for (offset l = 0; l < half; ++l) lane.set(l, static_cast<T>(op(lane[2 * l], lane[2 * l + 1])));
    carry = fold_both(carry, maybe<T>(lane[0]), op);
  }
  return static_cast<T&&>(*carry);
}

// Whole parts of numbers ----------------------------------------------------------------------------------------------

/// total[l] = the fold of run l of the part.
template <class T, class Op>
[[gnu::always_inline]] inline void fold_runs(const T* x, T* total, const Op& op) {
  using shape = scan_shape<T>;
  for (int l = 0; l < shape::rows * shape::lanes; ++l) {
    T sum = x[l * shape::run];
    for (int k = 1; k < shape::run; ++k) sum = static_cast<T>(op(sum, x[l * shape::run + k]));
    total[l] = sum;
  }
}
/// One step of the scan of all rows: to[l] = op(from[l - D], from[l]).
template <int D, class T, class Op>
[[gnu::always_inline]] inline void scan_step(const T* from, T* to, const Op& op) {
  using shape = scan_shape<T>;
  for (int row = 0; row < shape::rows * shape::lanes; row += shape::lanes) {
    for (int l = 0; l < D; ++l) to[row + l] = from[row + l];
    for (int l = D; l < shape::lanes; ++l) to[row + l] = static_cast<T>(op(from[row + l - D], from[row + l]));
  }
}

template <bool Inclusive, class T, class In, class Out, class Op>
[[gnu::always_inline]] inline T scan_part_of_numbers(In in, offset begin, Out out, const Op& op, bool has_prefix,
                                                     T prefix) {
  using shape = scan_shape<T>;
  constexpr int run = shape::run, lanes = shape::lanes, rows = shape::rows;
  alignas(64) T x[shape::part_items];
  alignas(64) T a[rows * lanes], b[rows * lanes];
  for (int i = 0; i < shape::part_items; ++i) x[i] = static_cast<T>(in[begin + i]);
  fold_runs(x, a, op);
  scan_step<1>(a, b, op);
  scan_step<2>(b, a, op);
  scan_step<4>(a, b, op);
  scan_step<8>(b, a, op);
  scan_step<16>(a, b, op);

  // a[l] = what stands before run l.
  T carry = b[lanes - 1];
  for (int l = 1; l < lanes; ++l) a[l] = b[l - 1];
  for (int row = lanes; row < rows * lanes; row += lanes) {
    a[row] = carry;
    for (int l = 1; l < lanes; ++l) a[row + l] = static_cast<T>(op(carry, b[row + l - 1]));
    carry = static_cast<T>(op(carry, b[row + lanes - 1]));
  }
  a[0] = a[1];  // a value only to have one
  T start[run];
  for (int k = 0; k < run; ++k) start[k] = x[k];
  if (has_prefix) {
    for (int l = 0; l < rows * lanes; ++l) a[l] = static_cast<T>(op(prefix, a[l]));
    a[0] = prefix;
  }
  for (int l = 0; l < rows * lanes; ++l) {
    T sum = a[l];
    for (int k = 0; k < run; ++k) {
      const T item = x[l * run + k];
      if constexpr (!Inclusive) x[l * run + k] = sum;
      sum = static_cast<T>(op(sum, item));
      if constexpr (Inclusive) x[l * run + k] = sum;
    }
  }
  if (Inclusive && !has_prefix) {
    x[0] = start[0];
    for (int k = 1; k < run; ++k) x[k] = static_cast<T>(op(x[k - 1], start[k]));
  }
  for (int i = 0; i < shape::part_items; ++i) out[begin + i] = x[i];
  return carry;
}

template <class T, class In, class Op>
[[gnu::always_inline]] inline T fold_part_of_numbers(In in, offset begin, const Op& op) {
  using shape = scan_shape<T>;
  constexpr int rows = shape::rows, lanes = shape::lanes;
  alignas(64) T x[shape::part_items];
  alignas(64) T a[rows * lanes];
  for (int i = 0; i < shape::part_items; ++i) x[i] = static_cast<T>(in[begin + i]);
  fold_runs(x, a, op);
  for (int left = rows * lanes; left > rows; left /= 2)
    for (int l = 0; l < left / 2; ++l) a[l] = static_cast<T>(op(a[2 * l], a[2 * l + 1]));
  T carry = a[0];
  for (int row = 1; row < rows; ++row) carry = static_cast<T>(op(carry, a[row]));
  return carry;
}

// Tiles and ranges ----------------------------------------------------------------------------------------------------

/// Scans [begin, end), one tile at most; `before` is what stands before it. The tile's fold, if it is a whole one.
template <bool Inclusive, class T, class In, class Out, class Op>
maybe<T> scan_tile(In in, offset begin, offset end, Out out, Op op_given, const maybe<T>& before) {
  return wide([=]() __attribute__((always_inline)) {
    using shape = scan_shape<T>;
    const Op op = op_given;
    tile_so_far<T> parts;
    for (offset at = begin; at < end; at += shape::part_items) {
      const maybe<T> prefix = fold_both(before, parts.upto(), op);
      if (end - at >= shape::part_items) {
        if constexpr (std::is_arithmetic_v<T>) {
          const T first = prefix ? *prefix : T{};
          parts.take(scan_part_of_numbers<Inclusive, T>(in, at, out, op, prefix.has_value(), first), op);
          continue;
        } else if constexpr (sum_by_key<T, Op>::value) {
          parts.take(scan_part_by_key<Inclusive, T, Op>(in, at, out, prefix), op);
          continue;
        }
      }
      const maybe<T> total = scan_part<Inclusive, T>(in, at, min(end - at, offset{shape::part_items}), out, op, prefix);
      if (total) parts.take(*total, op);
    }
    return end - begin == shape::tile_items ? parts.upto() : maybe<T>();
  });
}

/// The fold of a whole tile.
template <class T, class In, class Op>
maybe<T> fold_tile(In in, offset begin, Op op_given) {
  return wide([=]() __attribute__((always_inline)) {
    using shape = scan_shape<T>;
    const Op op = op_given;
    tile_so_far<T> parts;
    for (offset at = begin; at < begin + shape::tile_items; at += shape::part_items) {
      if constexpr (std::is_arithmetic_v<T>)
        parts.take(fold_part_of_numbers<T>(in, at, op), op);
      else if constexpr (sum_by_key<T, Op>::value)
        parts.take(fold_part_by_key<T, Op>(in, at), op);
      else
        parts.take(fold_part<T>(in, at, op), op);
    }
    return parts.upto();
  });
}

template <bool Inclusive, class T, class Scheduler, class In, class Out, class Op>
void scan_in_fixed_order(In in, offset n, Out out, Op op, const maybe<T>& init) {
  constexpr offset tile = scan_shape<T>::tile_items;
  constexpr offset block = tile * max(1, (1 << 18) / (tile * static_cast<offset>(sizeof(T))));
  const auto scan_tiles = [&](offset begin, offset end, tiles_so_far<T>& before) {
    for (offset at = begin; at < end; at += tile) {
      const maybe<T> total = scan_tile<Inclusive, T>(in, at, min(end, at + tile), out, op, before.fold(op));
      if (total) before.take(*total, op);
    }
  };
  tiles_so_far<T> upto(init);
  const int threads = n <= 2 * block ? 1 : Scheduler::threads();
  if (threads <= 1) return scan_tiles(0, n, upto);
  const offset blocks = ceil_div(n, block);
  chain order;
  order.run<Scheduler>(blocks, static_cast<int>(min(threads, blocks)), [&](offset b, int) {
    const offset begin = b * block, end = min(n, begin + block);
    places<T, static_cast<int>(block / tile)> totals;
    for (offset t = 0; begin + (t + 1) * tile <= end; ++t) totals.set(t, *fold_tile<T>(in, begin + t * tile, op));
    if (!order.wait(b)) return;
    tiles_so_far<T> before = upto;
    for (offset t = 0; begin + (t + 1) * tile <= end; ++t) upto.take(totals[t], op);
    order.hand_on(b);
    scan_tiles(begin, end, before);
  });
}

}  // namespace weft::cpu::detail
