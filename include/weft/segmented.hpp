// Scans, reductions and sorts of segments that follow each other, told by their offsets as rows of a sparse matrix are:
// segment s holds the elements [offsets[s], offsets[s + 1]); the first offset is 0, the last the number of elements,
// none is less than the one before; empty segments are fine. Work is shared out by elements, however long segments are.
// The offsets lie where the policy works and are not checked; no call waits with `.on(stream)`.
//
// A scan or a reduction is one pass over the elements, beside a byte of temporary memory for each of them, which marks
// where segments begin and end. Operators need to be associative only.
#pragma once

#include <weft/by_key.hpp>
#include <weft/fill.hpp>
#include <weft/search.hpp>
#include <weft/sort.hpp>

namespace weft::inline v100 {

namespace detail {

inline constexpr unsigned char segment_begins = 1, segment_ends = 2;

template <class Offsets>
struct mark_segment_begin {
  Offsets offsets;
  unsigned char* marks;
  WEFT_HOST_DEVICE void operator()(offset s) const {
    const auto begin = static_cast<offset>(offsets[s]);
    if (begin < static_cast<offset>(offsets[s + 1])) marks[begin] = segment_begins;
  }
};
template <class Offsets>
struct mark_segment_end {
  Offsets offsets;
  unsigned char* marks;
  WEFT_HOST_DEVICE void operator()(offset s) const {
    const auto begin = static_cast<offset>(offsets[s]), end = static_cast<offset>(offsets[s + 1]);
    if (begin < end) marks[end - 1] = static_cast<unsigned char>(marks[end - 1] | segment_ends);
  }
};

/// marks[i] says whether element i begins or ends a segment: two steps, for the one of a segment may be the other's
/// byte.
template <class P, class Offsets>
void mark_segments(const P& policy, Offsets offsets, offset segments, unsigned char* marks, offset n) {
  P::backend::transform(policy, weft::constant(static_cast<unsigned char>(0)), n, marks, identity{});
  P::backend::for_each_index(policy, segments, mark_segment_begin<Offsets>{offsets, marks});
  P::backend::for_each_index(policy, segments, mark_segment_end<Offsets>{offsets, marks});
}

template <class T>
struct marked_element {
  template <class Pair>
  WEFT_HOST_DEVICE segmented<T> operator()(const Pair& pair) const {
    return {(weft::get<0>(pair) & segment_begins) != 0, static_cast<T>(weft::get<1>(pair))};
  }
};
/// For exclusive scans: what ends a segment stands for the start of the next one, where `init` shows.
template <class T>
struct marked_element_before {
  T init;
  template <class Pair>
  WEFT_HOST_DEVICE segmented<T> operator()(const Pair& pair) const {
    if (weft::get<0>(pair) & segment_ends) return {true, init};
    return {false, static_cast<T>(weft::get<1>(pair))};
  }
};

struct earlier {
  WEFT_HOST_DEVICE bool operator()(offset a, offset b) const { return a < b; }
};
/// Takes the running fold of each element, and keeps the last of each segment.
template <class Offsets, class Out, class T, class Op>
struct segment_end_writer {
  const unsigned char* marks;
  Offsets offsets;
  offset segments;
  Out out;
  T init;
  Op op;

  WEFT_HOST_DEVICE void write(offset i, const segmented<T>& fold) const {
    if (!(marks[i] & segment_ends)) return;
    // One more than the last segment that begins at or before i.
    const offset s = upper_bound_of<Offsets, earlier>{offsets, segments, {}}(i);
    out[s - 1] = static_cast<T>(op(init, fold.value));
  }
};
template <class Writer>
struct segment_end_reference {
  const Writer* writer;
  offset i;
  template <class T>
  WEFT_HOST_DEVICE const segment_end_reference& operator=(const segmented<T>& fold) const {
    writer->write(i, fold);
    return *this;
  }
};
template <class Writer>
class segment_ends_iterator : public iterator_facade<segment_ends_iterator<Writer>, segment_end_reference<Writer>,
                                                     segment_end_reference<Writer>> {
 public:
  WEFT_HOST_DEVICE explicit segment_ends_iterator(const Writer& writer) : writer_(writer) {}
  WEFT_HOST_DEVICE segment_end_reference<Writer> operator[](offset n) const { return {&writer_, at_ + n}; }
  WEFT_HOST_DEVICE segment_ends_iterator& operator+=(offset n) {
    at_ += n;
    return *this;
  }
  friend WEFT_HOST_DEVICE offset operator-(const segment_ends_iterator& a, const segment_ends_iterator& b) {
    return a.at_ - b.at_;
  }

 private:
  Writer writer_;
  offset at_ = 0;
};

template <class It>
concept offsets_of_segments = random_access<It> && std::convertible_to<iter_value_t<It>, offset>;

template <class P, class Offsets>
offset segments_of(const P& policy, const char* call, const Offsets& first, const Offsets& last) {
  const auto n = static_cast<offset>(last - first);
  weft::require(n > 0, policy, call, "needs one offset more than there are segments");
  return n - 1;
}

}  // namespace detail

/// The inclusive scan of each segment; returns the end of the output, which may be `first`.
template <execution_policy P, random_access In, detail::offsets_of_segments Offsets, writable_from<In> Out,
          folds<iter_value_t<In>> Op = plus>
Out segmented_inclusive_scan(const P& policy, In first, In last, Offsets offsets_first, Offsets offsets_last, Out out,
                             Op op = {}) {
  using T = iter_value_t<In>;
  const auto n = static_cast<offset>(last - first);
  const offset segments = detail::segments_of(policy, "segmented_inclusive_scan", offsets_first, offsets_last);
  const auto in = detail::checked(policy, "segmented_inclusive_scan", first, n);
  const auto offsets = detail::checked(policy, "segmented_inclusive_scan", offsets_first, segments + 1);
  const auto to = detail::checked(policy, "segmented_inclusive_scan", out, n);
  const temporary<unsigned char> marks(policy, n);
  detail::mark_segments(policy, offsets, segments, marks.data(), n);
  const auto marked = weft::zip(static_cast<const unsigned char*>(marks.data()), in);
  P::backend::scan(policy, weft::transformed(marked, detail::marked_element<T>{}), n,
                   weft::transformed_output(to, detail::value_of_segment{}), detail::fold_within_segment<Op>{op},
                   none{}, inclusive_t{});
  weft::finish(policy);
  return out + n;
}

/// The exclusive scan of each segment, from `init`; returns the end of the output, which may be `first`.
template <execution_policy P, random_access In, detail::offsets_of_segments Offsets, class Out,
          class T = iter_value_t<In>, folds<T> Op = plus>
  requires std::convertible_to<iter_value_t<In>, T> && writable<Out, T> Out
  segmented_exclusive_scan(const P& policy, In first, In last, Offsets offsets_first, Offsets offsets_last, Out out,
                           T init = T(), Op op = {}) {
    const auto n = static_cast<offset>(last - first);
    const offset segments = detail::segments_of(policy, "segmented_exclusive_scan", offsets_first, offsets_last);
    const auto in = detail::checked(policy, "segmented_exclusive_scan", first, n);
    const auto offsets = detail::checked(policy, "segmented_exclusive_scan", offsets_first, segments + 1);
    const auto to = detail::checked(policy, "segmented_exclusive_scan", out, n);
    const temporary<unsigned char> marks(policy, n);
    detail::mark_segments(policy, offsets, segments, marks.data(), n);
    const auto marked = weft::zip(static_cast<const unsigned char*>(marks.data()), in);
    P::backend::scan(policy, weft::transformed(marked, detail::marked_element_before<T>{init}), n,
                     weft::transformed_output(to, detail::value_of_segment{}), detail::fold_within_segment<Op>{op},
                     detail::segmented<T>{false, init}, exclusive_t{});
    weft::finish(policy);
    return out + n;
  }

/// out[s] = op(init, the fold of segment s in order), and init for an empty one; returns the end of the output. Folds
/// as a scan does, not in the fixed shape of reduce.
template <execution_policy P, random_access In, detail::offsets_of_segments Offsets, class Out,
          class T = iter_value_t<In>, folds<T> Op = plus>
  requires std::convertible_to<iter_value_t<In>, T> && writable<Out, T> Out
  segmented_reduce(const P& policy, In first, In last, Offsets offsets_first, Offsets offsets_last, Out out,
                   T init = T(), Op op = {}) {
    const auto n = static_cast<offset>(last - first);
    const offset segments = detail::segments_of(policy, "segmented_reduce", offsets_first, offsets_last);
    const auto in = detail::checked(policy, "segmented_reduce", first, n);
    auto offsets = detail::checked(policy, "segmented_reduce", offsets_first, segments + 1);
    auto to = detail::checked(policy, "segmented_reduce", out, segments);
    const temporary<unsigned char> marks(policy, n);
    detail::mark_segments(policy, offsets, segments, marks.data(), n);
    P::backend::transform(policy, weft::constant(init), segments, to, identity{});
    using writer = detail::segment_end_writer<decltype(offsets), decltype(to), T, Op>;
    const auto marked = weft::zip(static_cast<const unsigned char*>(marks.data()), in);
    P::backend::scan(policy, weft::transformed(marked, detail::marked_element<T>{}), n,
                     detail::segment_ends_iterator<writer>(writer{marks.data(), offsets, segments, to, init, op}),
                     detail::fold_within_segment<Op>{op}, none{}, inclusive_t{});
    weft::finish(policy);
    return out + segments;
  }

/// Sorts each segment by `less`, stably. Two sorts of all elements: by `less`, then by segment; temporary memory for
/// four bytes an element besides theirs. Fewer than 2^32 segments.
template <execution_policy P, random_access It, detail::offsets_of_segments Offsets,
          orders<iter_value_t<It>> Less = less>
  requires writable_from<It, It>
void segmented_sort(const P& policy, It first, It last, Offsets offsets_first, Offsets offsets_last, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  const offset segments = detail::segments_of(policy, "segmented_sort", offsets_first, offsets_last);
  weft::require(segments >> 32 == 0, policy, "segmented_sort", "takes fewer than 2^32 segments");
  const auto in = detail::checked(policy, "segmented_sort", first, n);
  const auto offsets = detail::checked(policy, "segmented_sort", offsets_first, segments + 1);
  const temporary<std::uint32_t> segment(policy, n);
  P::backend::expand(policy, offsets + 1, segments, n, segment.data(), identity{});
  P::backend::sort(policy, in, segment.data(), n, less);
  P::backend::sort(policy, segment.data(), in, n, weft::less{});
  weft::finish(policy);
}

/// Sorts the keys of each segment by `less`, stably, and moves the values from `values` with them. As segmented_sort.
template <execution_policy P, random_access Keys, random_access Values, detail::offsets_of_segments Offsets,
          orders<iter_value_t<Keys>> Less = less>
  requires writable_from<Keys, Keys> && writable_from<Values, Values>
void segmented_sort_by_key(const P& policy, Keys first, Keys last, Values values, Offsets offsets_first,
                           Offsets offsets_last, Less less = {}) {
  const auto n = static_cast<offset>(last - first);
  const offset segments = detail::segments_of(policy, "segmented_sort_by_key", offsets_first, offsets_last);
  weft::require(segments >> 32 == 0, policy, "segmented_sort_by_key", "takes fewer than 2^32 segments");
  const auto keys = detail::checked(policy, "segmented_sort_by_key", first, n);
  const auto in = detail::checked(policy, "segmented_sort_by_key", values, n);
  const auto offsets = detail::checked(policy, "segmented_sort_by_key", offsets_first, segments + 1);
  const temporary<std::uint32_t> segment(policy, n);
  P::backend::expand(policy, offsets + 1, segments, n, segment.data(), identity{});
  P::backend::sort(policy, keys, weft::zip(segment.data(), in), n, less);
  P::backend::sort(policy, segment.data(), weft::zip(keys, in), n, weft::less{});
  weft::finish(policy);
}

}  // namespace weft
