// Keeps some elements and drops or separates the others: copy_if, remove, unique, partition. One verb and one pass, all
// stable: kept elements stay in order, and so do the others. The forms that return an iterator wait for the count; the
// `_into` forms leave it where they are told and never wait with `.on(stream)`.
//
// In-place forms leave what lies behind the kept elements in a valid but unspecified state.
#pragma once

#include <weft/adaptors.hpp>
#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <memory>
#include <utility>

namespace weft::inline v100 {

namespace detail {

// Calls put(count) with a place for the count and returns the count: the waiting half of every pair below.
template <class P, class Put>
offset counted(const P& policy, const Put& put) {
  return P::backend::template returned<offset>(policy, [&](offset* count) { put(count); });
}

template <class T, class From>
struct construct_from {
  T* to;
  From from;
  WEFT_HOST_DEVICE void operator()(offset i) const { ::new (static_cast<void*>(to + i)) T(from[i]); }
};

template <class T>
struct destroy_each {
  T* first;
  void operator()(offset i) const { std::destroy_at(first + i); }
};

// Temporary storage that can be assigned to. Types with a constructor (CPU backends only) start as copies of `from`;
// both ends of their lives are verbs, so that a recorded call has them at each replay.
template <class P, class From>
class assignable_temporary {
  using value = iter_value_t<From>;
  static constexpr bool trivial = std::is_trivially_copyable_v<value>;

 public:
  assignable_temporary(const P& policy, From from, offset n) : policy_(policy), storage_(policy, n) {
    if constexpr (!trivial) P::backend::for_each_index(policy, n, construct_from<value, From>{data(), from});
  }
  ~assignable_temporary() {
    if constexpr (!trivial) try {
        P::backend::for_each_index(policy_, storage_.size(), destroy_each<value>{data()});
      } catch (...) {  // threads cannot be started: the objects stay as they are
      }
  }
  value* data() const noexcept { return storage_.data(); }

 private:
  P policy_;
  temporary<value> storage_;
};

template <class It>
struct append_rejected {
  It first;
  const iter_value_t<It>* rejected;
  const offset* kept;
  offset* count;
  WEFT_HOST_DEVICE void operator()(offset i) const {
    if (i >= *kept) first[i] = rejected[i - *kept];
    if (i == 0) *count = *kept;
  }
};

// Kept elements to the front, the others behind them; the others take the way through temporary memory. The count does
// too: every index reads it, and `count` may be far away (host memory mapped into the device).
template <class P, class It, class Predicate>
void partition_range(const P& policy, It in, offset n, offset* count, Predicate predicate) {
  if constexpr (requires { P::backend::partition_into(policy, in, n, count, predicate); }) {
    P::backend::partition_into(policy, in, n, count, predicate);
  } else {
    const assignable_temporary<P, It> rejected(policy, in, n);
    const temporary<offset> kept(policy, 1);
    P::backend::select_into(policy, in, n, in, rejected.data(), n == 0 ? count : kept.data(),
                            flag_if<Predicate>{predicate});
    P::backend::for_each_index(policy, n, append_rejected<It>{in, rejected.data(), kept.data(), count});
  }
}

}  // namespace detail

// copy_if ------------------------------------------------------------------------------------------------------------

/// Copies the elements with predicate(x) to `out`, in order; *count = how many. The output needs room for the kept ones
/// only; `out` may be `first`. Never waits with `.on(stream)`.
template <execution_policy P, random_access In, writable_from<In> Out, count_pointer Count,
          predicate_on<iter_value_t<In>> Predicate>
void copy_if_into(const P& policy, In first, In last, Out out, Count count, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  P::backend::select_into(policy, detail::checked(policy, "copy_if", first, n), n,
                          detail::checked(policy, "copy_if", out, n), none{},
                          detail::checked(policy, "copy_if", count, 1), flag_if<Predicate>{predicate});
  weft::finish(policy);
}

/// The same with the predicate asked of the i-th element of `stencil` in place of the i-th of the range.
template <execution_policy P, random_access In, random_access Stencil, writable_from<In> Out, count_pointer Count,
          predicate_on<iter_value_t<Stencil>> Predicate>
void copy_if_into(const P& policy, In first, In last, Stencil stencil, Out out, Count count, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "copy_if", first, n);
  const auto flags = detail::checked(policy, "copy_if", stencil, n);
  using flag = flag_stencil<std::remove_const_t<decltype(flags)>, Predicate>;
  P::backend::select_into(policy, in, n, detail::checked(policy, "copy_if", out, n), none{},
                          detail::checked(policy, "copy_if", count, 1), flag{flags, predicate});
  weft::finish(policy);
}

/// Copies the elements with predicate(x) to `out`, in order; returns the end of what was written. Waits.
template <execution_policy P, random_access In, writable_from<In> Out, predicate_on<iter_value_t<In>> Predicate>
Out copy_if(const P& policy, In first, In last, Out out, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "copy_if", first, n);
  const auto to = detail::checked(policy, "copy_if", out, n);
  return out + detail::counted(policy, [&](offset* count) {
           P::backend::select_into(policy, in, n, to, none{}, count, flag_if<Predicate>{predicate});
         });
}

/// The same with the predicate asked of the i-th element of `stencil`. Waits.
template <execution_policy P, random_access In, random_access Stencil, writable_from<In> Out,
          predicate_on<iter_value_t<Stencil>> Predicate>
Out copy_if(const P& policy, In first, In last, Stencil stencil, Out out, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "copy_if", first, n);
  const auto flags = detail::checked(policy, "copy_if", stencil, n);
  const auto to = detail::checked(policy, "copy_if", out, n);
  using flag = flag_stencil<std::remove_const_t<decltype(flags)>, Predicate>;
  return out + detail::counted(policy, [&](offset* count) {
           P::backend::select_into(policy, in, n, to, none{}, count, flag{flags, predicate});
         });
}

// remove -------------------------------------------------------------------------------------------------------------

/// Copies the elements without predicate(x) to `out`, in order; *count = how many. Never waits with `.on(stream)`.
template <execution_policy P, random_access In, writable_from<In> Out, count_pointer Count,
          predicate_on<iter_value_t<In>> Predicate>
void remove_copy_if_into(const P& policy, In first, In last, Out out, Count count, Predicate predicate) {
  weft::copy_if_into(policy, first, last, out, count, not_fn_t<Predicate>{predicate});
}

/// Copies the elements without predicate(x) to `out`, in order; returns the end of what was written. Waits.
template <execution_policy P, random_access In, writable_from<In> Out, predicate_on<iter_value_t<In>> Predicate>
Out remove_copy_if(const P& policy, In first, In last, Out out, Predicate predicate) {
  return weft::copy_if(policy, first, last, out, not_fn_t<Predicate>{predicate});
}

/// Removes the elements with predicate(x), in place and stable; *count = how many remain. Never waits with
/// `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Count, predicate_on<iter_value_t<It>> Predicate>
  requires writable_from<It, It>
void remove_if_into(const P& policy, It first, It last, Count count, Predicate predicate) {
  weft::copy_if_into(policy, first, last, first, count, not_fn_t<Predicate>{predicate});
}

/// Removes the elements with predicate(x), in place and stable; returns the end of those that remain. Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
  requires writable_from<It, It> It remove_if(const P& policy, It first, It last, Predicate predicate) {
    return weft::copy_if(policy, first, last, first, not_fn_t<Predicate>{predicate});
  }

/// Removes the elements equal to `value`, in place and stable; returns the end of those that remain. Waits.
template <execution_policy P, random_access It, class T = iter_value_t<It>>
  requires writable_from<It, It> && relation_on<equal_to, iter_value_t<It>, T> It remove(const P& policy, It first,
                                                                                         It last, const T& value) {
    return weft::remove_if(policy, first, last, weft::bind_second(equal_to{}, value));
  }

// unique -------------------------------------------------------------------------------------------------------------

/// Copies the first element of each run of equal ones to `out`; *count = how many. `equal` must be an equivalence; out
/// may be `first`. Never waits with `.on(stream)`.
template <execution_policy P, random_access In, writable_from<In> Out, count_pointer Count,
          relation_on<iter_value_t<In>> Equal = equal_to>
void unique_copy_into(const P& policy, In first, In last, Out out, Count count, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first);
  P::backend::select_into(policy, detail::checked(policy, "unique", first, n), n,
                          detail::checked(policy, "unique", out, n), none{},
                          detail::checked(policy, "unique", count, 1), flag_first<Equal>{equal});
  weft::finish(policy);
}

/// Copies the first element of each run of equal ones to `out`; returns the end of what was written. Waits.
template <execution_policy P, random_access In, writable_from<In> Out, relation_on<iter_value_t<In>> Equal = equal_to>
Out unique_copy(const P& policy, In first, In last, Out out, Equal equal = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "unique", first, n);
  const auto to = detail::checked(policy, "unique", out, n);
  return out + detail::counted(policy, [&](offset* count) {
           P::backend::select_into(policy, in, n, to, none{}, count, flag_first<Equal>{equal});
         });
}

/// Keeps the first element of each run of equal ones, in place; *count = how many. Never waits with `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Count, relation_on<iter_value_t<It>> Equal = equal_to>
  requires writable_from<It, It>
void unique_into(const P& policy, It first, It last, Count count, Equal equal = {}) {
  weft::unique_copy_into(policy, first, last, first, count, equal);
}

/// Keeps the first element of each run of equal ones, in place; returns the end of those kept. Waits.
template <execution_policy P, random_access It, relation_on<iter_value_t<It>> Equal = equal_to>
  requires writable_from<It, It> It unique(const P& policy, It first, It last, Equal equal = {}) {
    return weft::unique_copy(policy, first, last, first, equal);
  }

// partition ----------------------------------------------------------------------------------------------------------

/// Copies the elements with predicate(x) to `accepted` and the others to `rejected`, both in order; *count = how many
/// were accepted. Never waits with `.on(stream)`.
template <execution_policy P, random_access In, writable_from<In> Accepted, writable_from<In> Rejected,
          count_pointer Count, predicate_on<iter_value_t<In>> Predicate>
void partition_copy_into(const P& policy, In first, In last, Accepted accepted, Rejected rejected, Count count,
                         Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  P::backend::select_into(policy, detail::checked(policy, "partition_copy", first, n), n,
                          detail::checked(policy, "partition_copy", accepted, n),
                          detail::checked(policy, "partition_copy", rejected, n),
                          detail::checked(policy, "partition_copy", count, 1), flag_if<Predicate>{predicate});
  weft::finish(policy);
}

/// Copies the elements with predicate(x) to `accepted` and the others to `rejected`, both in order; returns the ends of
/// both. Waits.
template <execution_policy P, random_access In, writable_from<In> Accepted, writable_from<In> Rejected,
          predicate_on<iter_value_t<In>> Predicate>
std::pair<Accepted, Rejected> partition_copy(const P& policy, In first, In last, Accepted accepted, Rejected rejected,
                                             Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "partition_copy", first, n);
  const auto to = detail::checked(policy, "partition_copy", accepted, n);
  const auto others = detail::checked(policy, "partition_copy", rejected, n);
  const offset kept = detail::counted(policy, [&](offset* count) {
    P::backend::select_into(policy, in, n, to, others, count, flag_if<Predicate>{predicate});
  });
  return {accepted + kept, rejected + (n - kept)};
}

/// Moves the elements with predicate(x) before the others, stable on both sides; *count = how many. Temporary memory
/// for n elements. Never waits with `.on(stream)`.
template <execution_policy P, random_access It, count_pointer Count, predicate_on<iter_value_t<It>> Predicate>
  requires writable_from<It, It>
void partition_into(const P& policy, It first, It last, Count count, Predicate predicate) {
  const auto n = static_cast<offset>(last - first);
  detail::partition_range(policy, detail::checked(policy, "partition", first, n), n,
                          detail::checked(policy, "partition", count, 1), predicate);
  weft::finish(policy);
}

/// Moves the elements with predicate(x) before the others; returns the end of the first group. Stable on both sides, so
/// stable_partition is the same function. Temporary memory for n elements. Waits.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
  requires writable_from<It, It> It partition(const P& policy, It first, It last, Predicate predicate) {
    const auto n = static_cast<offset>(last - first);
    const auto in = detail::checked(policy, "partition", first, n);
    return first +
           detail::counted(policy, [&](offset* count) { detail::partition_range(policy, in, n, count, predicate); });
  }

/// The same as partition, which is stable.
template <execution_policy P, random_access It, predicate_on<iter_value_t<It>> Predicate>
  requires writable_from<It, It> It stable_partition(const P& policy, It first, It last, Predicate predicate) {
    return weft::partition(policy, first, last, predicate);
  }

}  // namespace weft
