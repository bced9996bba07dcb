// What a backend must be able to do: about a dozen verbs, as static member templates of one class. Algorithms are
// compositions of verbs and iterators and know nothing else of a backend; backends/README.md says how to write one.
//
// Rules common to all verbs: ranges are (random-access iterator, offset n >= 0), n == 0 is legal and touches nothing
// but the outputs named; work is put into policy.stream() and not waited for (`_into` results are written there);
// temporary storage comes from policy.resource(); no verb assumes T{} is an identity, and a value of any trivially
// copyable type of at most 64 bytes (on CPU backends: any copyable type) is accepted. Operators are called with values
// of the accumulator type.
#pragma once

#include <weft/policy.hpp>

namespace weft::inline v100 {

/// Stands for "nothing here": no initial value, no values beside the keys, no second output.
struct none {};
template <class T>
inline constexpr bool is_none = std::is_same_v<std::remove_cvref_t<T>, none>;

struct inclusive_t {};
struct exclusive_t {};

// Which elements `select_into` keeps -------------------------------------------------------------------------------

/// Keeps in[i] where predicate(in[i]).
template <class Predicate>
struct flag_if {
  Predicate predicate;
};
/// Keeps in[i] where predicate(stencil[i]).
template <class Stencil, class Predicate>
struct flag_stencil {
  Stencil stencil;
  Predicate predicate;
};
/// Keeps in[i] where i == 0 or !equal(in[i - 1], in[i]): the first of each run.
template <class Equal>
struct flag_first {
  Equal equal;
};

// What `set_operation_into` writes: of a alone, of b alone, of pairs ------------------------------------

/// Everything, of pairs the element of a.
struct set_union_t {
  static constexpr bool of_a = true, of_b = true, of_both = true;
};
/// Of pairs the element of a.
struct set_intersection_t {
  static constexpr bool of_a = false, of_b = false, of_both = true;
};
/// What a has alone.
struct set_difference_t {
  static constexpr bool of_a = true, of_b = false, of_both = false;
};
/// What either has alone.
struct set_symmetric_difference_t {
  static constexpr bool of_a = true, of_b = true, of_both = false;
};

/// Marks an operator that is associative but not commutative: reductions then keep the operands in order (the ordered
/// variant of the fixed shape).
template <class Op>
struct ordered {
  Op op;
  template <class A, class B>
  WEFT_HOST_DEVICE constexpr auto operator()(const A& a, const B& b) const {
    return op(a, b);
  }
};
template <class Op>
inline constexpr bool is_ordered = false;
template <class Op>
inline constexpr bool is_ordered<ordered<Op>> = true;

namespace archetype {  // what the concept below asks with
struct unary {
  WEFT_HOST_DEVICE int operator()(int x) const { return x; }
};
struct binary {
  WEFT_HOST_DEVICE int operator()(int a, int b) const { return a < b ? a : b; }
};
struct predicate {
  WEFT_HOST_DEVICE bool operator()(int x) const { return x > 0; }
};
struct relation {
  WEFT_HOST_DEVICE bool operator()(int a, int b) const { return a < b; }
};
struct index_action {
  WEFT_HOST_DEVICE void operator()(offset) const {}
};
struct index_predicate {
  WEFT_HOST_DEVICE bool operator()(offset) const { return false; }
};
struct index_value {
  WEFT_HOST_DEVICE int operator()(offset) const { return 0; }
};
struct slot_action {
  template <class Slot>
  void operator()(Slot) const {}
};
}  // namespace archetype

/// Every verb, once. Each backend asserts `backend<itself>` in its own header, so nothing falls back silently.
template <class B>
concept backend = requires(const policy<B> p, const int* in, int* out, offset* count, offset n, archetype::unary unary,
                           archetype::binary op, archetype::predicate keep, archetype::relation less) {
  { B::name } -> std::convertible_to<const char*>;  // "cuda", "openmp", …
  { B::is_device } -> std::convertible_to<bool>;    // true: pointers must be device-accessible
  { B::runtime() } -> std::same_as<runtime&>;
  // f(i) for every i in [0, n), in any order.
  B::for_each_index(p, n, archetype::index_action{});
  // out[i] = f(in[i]); `out` may be `in`.
  B::transform(p, in, n, out, unary);
  // *out = op(init, R) where R folds static_cast<T>(in[i]) in the fixed shape (test/fixed_shape.hpp specifies it);
  // n == 0 or: *out = init. init may be none{} when n > 0.
  B::reduce_into(p, in, n, out, 0, op);
  // Prefix sums in order, op associative only; init a value or none{} (inclusive only). `out` may be `in`.
  B::scan(p, in, n, out, op, none{}, inclusive_t{});
  B::scan(p, in, n, out, op, 0, exclusive_t{});
  // Kept elements to out and, unless none{}, the others to rejected, both in order; *count = how many were kept.
  // `out` may be `in` (then rejected must be elsewhere).
  B::select_into(p, in, n, out, out, count, flag_if<archetype::predicate>{keep});
  B::select_into(p, in, n, out, none{}, count, flag_first<archetype::relation>{less});
  // Stable sort in place, keys alone or with values.
  B::sort(p, out, none{}, n, less);
  B::sort(p, out, out, n, less);
  // Stable merge of two sorted ranges (a before b among equals), keys alone or with values; out apart from both.
  B::merge(p, in, none{}, n, in, none{}, n, out, none{}, less);
  B::merge(p, in, in, n, in, in, n, out, out, less);
  // Multisets as in std: equal elements of two sorted ranges pair off one by one, and the operation says which of the
  // paired and the unpaired are written, in order; keys alone or with values (b's may be none{} where the operation
  // writes nothing of b alone); out apart from both, or none{}: only counts. *count = how many are written.
  B::set_operation_into(p, in, none{}, n, in, none{}, n, out, none{}, count, less, set_union_t{});
  B::set_operation_into(p, in, in, n, in, none{}, n, out, out, count, less, set_intersection_t{});
  // *count = the least i in [0, n) with predicate(i), else n. Stops early.
  B::find_first_into(p, n, count, archetype::index_predicate{});
  // Folds each run of equal keys; op associative, applied in order. *count = number of runs.
  B::reduce_by_key_into(p, in, in, n, out, out, count, less, op);
  // The first element and the length of each run of equal elements; *count = number of runs.
  B::run_lengths_into(p, in, n, out, out, count, less);
  // out[i] = f(r) for i in [0, min(n, ends[m - 1])), where r is the least with ends[r] > i; ends[0, m) ascends and is
  // not negative. m == 0: nothing. Elements are shared out evenly, however long each run of equal r is.
  B::expand(p, count, n, n, out, archetype::index_value{});
  // counts[b] = how many i have bin_of(in[i]) == b, for b in [0, bins); other bins are ignored. Zeroes counts first.
  B::histogram(p, in, n, out, 1, unary);
  // f(slot) puts work into the stream that assigns one T to *slot; waits for it and returns it.
  { B::template returned<int>(p, archetype::slot_action{}) } -> std::same_as<int>;
};

}  // namespace weft
