// reduce_by_key: folds each run of equal keys, in order. One pass over memory: a block finds where runs begin (a mask,
// as in select) and folds what it has of each run into buffers in the cache; in turn it then learns how many runs came
// before and the sum so far of the run it begins in, and writes its results. Sums of arithmetic types are folded
// without branches on where runs end: of four bytes in registers, of eight in several places of the block at once.
//
// Blocks depend on the length alone, so floating-point sums have the same bits at every number of threads.
#pragma once

#include <weft/backend.hpp>
#include <weft/cpu/scan_vector.hpp>
#include <weft/cpu/select.hpp>
#include <weft/fixed_order.hpp>

namespace weft::inline v100::cpu {

namespace detail {

/// Adding a value of another run's by mistake would be harmless: sums can be folded blindly and cut afterwards.
template <class V, class Values, class Op>
inline constexpr bool folds_blindly = sums_in_registers<V, Op>&& std::is_same_v<iter_value_t<Values>, V>;

/// sums[i] = the sum of in[j, i], where j is the last place up to i whose bit of `head` is set, or else 0. As
/// scan_in_registers, but a lane takes nothing over from before the beginning of its run. The same bits on every
/// processor. For elements of four bytes; with four lanes of eight the places below are faster.
template <class V, class Values>
void scan_runs_in_registers(Values in, const std::uint64_t* head, offset n, V* sums) {
  wide([=]() __attribute__((always_inline)) {
    using lane = lane_of<V>;
    using vector = typename vector_of<lane>::type;
    typedef std::int32_t mask __attribute__((vector_size(32)));
    constexpr int lanes = 8;
    constexpr auto sequence = std::make_integer_sequence<int, lanes>{};
    // In each byte of 64 bits: all but the first bit, the first two, the first four.
    constexpr std::uint64_t not_1 = 0xfefefefefefefefeu, not_2 = 0xfcfcfcfcfcfcfcfcu, not_4 = 0xf0f0f0f0f0f0f0f0u;
    const vector zero = neutral<lane> - vector{};  // the other way round, -0.0 would become 0.0
    mask own;
    for (int j = 0; j < lanes; ++j) own[j] = 1 << j;
    // v[j] += more[j], except where bit j of `begun` is set.
    const auto add_unless = [&](vector & v, const vector& more, std::uint64_t begun) __attribute__((always_inline)) {
      const mask m = (((mask{} + static_cast<std::int32_t>(begun & 255)) & own) == own);
      v += (vector)(((mask)more & ~m) | ((mask)zero & m));
    };
    vector carry = zero;
    offset i = 0;
    while (i + lanes <= n) {
      std::uint64_t h = head[i / 64];
      std::uint64_t h2 = h | (h << 1 & not_1), h4 = h2 | (h2 << 2 & not_2), all = h4 | (h4 << 4 & not_4);
      for (const offset stop = min(i + 64, n - lanes + 1); i < stop; i += lanes) {
        vector v;
        if constexpr (std::is_same_v<Values, V*> || std::is_same_v<Values, const V*>) {
          __builtin_memcpy(&v, in + i, 32);
        } else {
          lane group[lanes];
          for (int j = 0; j < lanes; ++j) group[j] = static_cast<lane>(static_cast<V>(in[i + j]));
          __builtin_memcpy(&v, group, 32);
        }
        vector below = v;
        shift_up<1>(below, zero, sequence);
        add_unless(v, below, h);
        below = v;
        shift_up<2>(below, zero, sequence);
        add_unless(v, below, h2);
        below = v;
        shift_up<4>(below, zero, sequence);
        add_unless(v, below, h4);
        add_unless(v, carry, all);
        __builtin_memcpy(sums + i, &v, 32);
        carry = v;
        broadcast_last(carry, sequence);
        h >>= lanes, h2 >>= lanes, h4 >>= lanes, all >>= lanes;
      }
    }
    lane sum = carry[0];
    for (; i < n; ++i) {
      const lane x = static_cast<lane>(static_cast<V>(in[i]));
      sum = head[i / 64] >> i % 64 & 1 ? x : sum + x;
      sums[i] = static_cast<V>(sum);
    }
  });
}

/// Folds in[0, n) by the runs that begin where a byte of `head` is 1, in four places at once, because each place is one
/// chain of dependent additions: place p begins at p * (n / 4); sums[p][0] is what comes there before the first head
/// (meaningless if it begins with a head), sums[p][r] its r-th run, runs[p] how many it has.
template <class V, class Values, std::size_t N>
void fold_runs_blindly(Values in, const unsigned char* head, offset n, V (&sums)[4][N], offset (&runs)[4]) {
  // Lane 0 of a register each: choosing between two registers by a mask cannot become a branch.
  using lane = lane_of<V>;
  using bits = std::conditional_t<sizeof(V) == 4, std::int32_t, std::int64_t>;
  typedef lane one __attribute__((vector_size(16)));
  typedef bits mask __attribute__((vector_size(16)));
  const offset quarter = n / 4;
  const auto add = [&](offset i, one & sum, offset & run, V * out) __attribute__((always_inline)) {
    one x{};
    x[0] = static_cast<lane>(static_cast<V>(in[i]));
    mask begins{};
    begins[0] = -static_cast<bits>(head[i]);
    const one more = sum + x;
    sum = (one)(((mask)x & begins) | ((mask)more & ~begins));
    run += head[i];
    out[run] = static_cast<V>(sum[0]);
  };
  one a{};
  a[0] = neutral<lane>;
  one b = a, c = a, d = a;
  offset a_run = 0, b_run = 0, c_run = 0, d_run = 0;
  for (offset i = 0; i < quarter; ++i) {
    add(i, a, a_run, sums[0]);
    add(i + quarter, b, b_run, sums[1]);
    add(i + 2 * quarter, c, c_run, sums[2]);
    add(i + 3 * quarter, d, d_run, sums[3]);
  }
  for (offset i = 4 * quarter; i < n; ++i) add(i, d, d_run, sums[3]);
  runs[0] = a_run, runs[1] = b_run, runs[2] = c_run, runs[3] = d_run;
}

/// What a block has of its runs.
template <class K, class V>
struct run_buffers {
  appended<K> keys;  // of the runs that begin here
  appended<V> sums;  // of those runs, as far as they lie here
  maybe<V> leading;  // of the run that began earlier
};

template <class K, class V, class Keys, class Values, class Equal, class Op>
void fold_block_runs(Keys keys, Values values, offset begin, offset end, Equal equal, Op op, run_buffers<K, V>& to) {
  for (offset first = begin; first < end; first += mask_block) {
    alignas(64) unsigned char head[mask_block];
    const offset n = min(mask_block, end - first);
    make_bytes(first, n, n, head, first_of_run<Keys, Equal>{keys, equal});
    if constexpr (folds_blindly<V, Values, Op>) {
      std::uint64_t mask[mask_block / 64];
      for (offset i = n; i % 64 != 0; ++i) head[i] = 0;
      const offset heads = bits_of_bytes(head, ceil_div(n, 64), mask);
      append_packed(keys + first, mask, n, to.keys, heads);
      const auto continue_run = [&](V more) {
        V& open = to.sums.size() > 0 ? to.sums.data()[to.sums.size() - 1]
                  : to.leading       ? *to.leading
                                     : to.leading.emplace(neutral<V>);
        open = static_cast<V>(op(open, more));
      };
      const auto append = [&](const V* sums, offset count) {
        std::memcpy(to.sums.data() + to.sums.size(), sums, static_cast<std::size_t>(count) * sizeof(V));
        to.sums.grow(count);
      };
      if (heads * 64 <= n) {
        // Long runs: each is a vector sum of its own.
        offset at = 0;
        visit_bits(counting(offset{0}), mask, ceil_div(n, 64), [&](offset next) {
          if (next > at) continue_run(sum_in_registers<V>(values, first + at, first + next));
          to.sums.push(neutral<V>);
          at = next;
        });
        continue_run(sum_in_registers<V>(values, first + at, first + n));
      } else if (heads == n) {
        V* const sums = to.sums.data() + to.sums.size();
        for (offset i = 0; i < n; ++i) sums[i] = values[first + i];
        to.sums.grow(n);
      } else if constexpr (sizeof(V) == 4) {
        // A run ends before the next begins.
        V sums[mask_block], ends[mask_block];
        scan_runs_in_registers(values + first, static_cast<const std::uint64_t*>(mask), n, static_cast<V*>(sums));
        const offset words = ceil_div(n, 64);
        for (offset w = 0; w < words; ++w) mask[w] = mask[w] >> 1 | (w + 1 < words ? mask[w + 1] << 63 : 0);
        mask[words - 1] |= std::uint64_t{1} << (n - 1) % 64;
        const offset open = head[0] ? 0 : 1;
        compress(static_cast<const V*>(sums), mask, n, static_cast<V*>(ends), heads + open);
        if (open) continue_run(ends[0]);
        append(ends + open, heads);
      } else {
        V sums[4][mask_block / 4 + 4];
        offset runs[4];
        fold_runs_blindly(values + first, head, n, sums, runs);
        for (int place = 0; place < 4; ++place) {
          if (place == 3 ? n == 3 * (n / 4) : n / 4 == 0) continue;  // empty
          if (!head[place * (n / 4)]) continue_run(sums[place][0]);
          append(sums[place] + 1, runs[place]);
        }
      }
    } else {
      for (offset i = 0; i < n; ++i) {
        const offset at = first + i;
        if (head[i]) {
          to.keys.push(keys[at]);
          to.sums.push(values[at]);
        } else if (to.sums.size() > 0) {
          V& open = to.sums.data()[to.sums.size() - 1];
          open = static_cast<V>(op(open, values[at]));
        } else if (to.leading) {
          *to.leading = static_cast<V>(op(*to.leading, values[at]));
        } else {
          to.leading.emplace(values[at]);
        }
      }
    }
  }
}

}  // namespace detail

/// Each thread collects the runs of a block in buffers of its own; a few elements need none.
template <class K, class V>
struct by_key_plan {
  static constexpr offset block = 2 * detail::mask_block;

  template <class Scheduler>
  static by_key_plan of(offset n) {
    const int threads = n <= (1 << 15) ? 1 : static_cast<int>(min(Scheduler::threads(), ceil_div(n, block)));
    return {threads, threads <= 1 && n <= 64 ? 0 : threads * min(n, block), nullptr, nullptr};
  }
  void divide(divider& from) {
    keys = from.take<K>(values);
    sums = from.take<V>(values);
  }
  int threads;
  offset values;
  K* keys;
  V* sums;
};

template <class Scheduler, class Policy, class Plan, class Keys, class Values, class OutKeys, class OutValues,
          class Count, class Equal, class Op>
void reduce_by_key_into(const Policy&, const Plan& plan, Keys keys, Values values, offset n, OutKeys out_keys,
                        OutValues out_values, Count count, Equal equal, Op op) {
  using K = iter_value_t<Keys>;
  using V = iter_value_t<Values>;
  static_assert(!Policy::wants_same_bits || same_in_any_order<V>, "algorithms that want the same bits scan run states");
  constexpr offset block = Plan::block;
  if (n <= 0) {
    *count = 0;
    return;
  }
  const offset blocks = ceil_div(n, block);
  offset runs = 0;  // begun so far
  maybe<V> open;    // the sum so far of the last of them
  const auto take_over = [&](detail::run_buffers<K, V>& mine) {
    // Gives the sum of the run that ends in this block, if one does, and leaves `open` for the next.
    maybe<V> closed;
    if (mine.leading) open.emplace(open ? static_cast<V>(op(*open, *mine.leading)) : *mine.leading);
    if (const offset found = mine.keys.size(); found > 0) {
      if (open) closed.emplace(static_cast<V&&>(*open));
      open.emplace(mine.sums.data()[found - 1]);
      runs += found;
    }
    return closed;
  };
  const auto write = [&](detail::run_buffers<K, V>& mine, offset before, const maybe<V>& closed) {
    const offset found = mine.keys.size();
    if (closed) out_values[before - 1] = *closed;
    detail::deliver(mine.keys, out_keys + before, false);
    for (offset r = 0; r + 1 < found; ++r) out_values[before + r] = static_cast<V&&>(mine.sums.data()[r]);
  };

  if (plan.values == 0) {
    // Too little for buffers.
    offset run = 0;
    for (offset i = 0; i < n; ++run) {
      const offset first = i;
      V sum = values[i];
      for (++i; i < n && equal(keys[i - 1], keys[i]); ++i) sum = static_cast<V>(op(sum, values[i]));
      out_keys[run] = keys[first];
      out_values[run] = static_cast<V&&>(sum);
    }
    *count = run;
    return;
  }
  const auto fold = [&](offset b, int task, auto&& then) {
    detail::run_buffers<K, V> mine{appended<K>(plan.keys + task * block), appended<V>(plan.sums + task * block), {}};
    detail::fold_block_runs<K, V>(keys, values, b * block, min(n, b * block + block), equal, op, mine);
    then(mine);
  };
  if (plan.threads <= 1) {
    for (offset b = 0; b < blocks; ++b)
      fold(b, 0, [&](auto& mine) {
        const offset before = runs;
        const maybe<V> closed = take_over(mine);
        write(mine, before, closed);
      });
  } else {
    chain order;
    order.run<Scheduler>(blocks, plan.threads, [&](offset b, int task) {
      fold(b, task, [&](auto& mine) {
        if (!order.wait(b)) return;
        const offset before = runs;
        const maybe<V> closed = take_over(mine);
        order.hand_on(b);
        write(mine, before, closed);
      });
    });
  }
  out_values[runs - 1] = *open;
  *count = runs;
}

}  // namespace weft::cpu
