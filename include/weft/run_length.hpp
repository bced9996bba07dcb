// Run-length coding: a range as its runs of equal neighbouring elements, and back. Encoding is one pass that writes
// only the runs; decoding adds up the lengths and then writes each element once, shared out evenly however long the
// runs are.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <optional>
#include <utility>

namespace weft::inline v100 {

namespace detail {

struct as_count {
  template <class T>
  WEFT_HOST_DEVICE offset operator()(const T& x) const {
    return static_cast<offset>(x);
  }
};
template <class Values>
struct value_of_run {
  Values values;
  WEFT_HOST_DEVICE iter_value_t<Values> operator()(offset run) const { return values[run]; }
};
template <class Count>
struct store_last {
  const offset* ends;
  offset n;
  Count count;
  WEFT_HOST_DEVICE void operator()(offset) const { *count = n == 0 ? 0 : ends[n - 1]; }
};

/// Where the runs of a call end, for a call that has ended when it returns: few are kept on the stack of a host, whose
/// pool would take longer than the runs.
class ends_of_runs {
 public:
  template <class P>
  ends_of_runs(const P& policy, offset runs) {
    if constexpr (is_immediate<typename P::backend>)
      if (runs <= most) return;
    many_.emplace(policy, runs);
  }
  offset* data() noexcept { return many_ ? many_->data() : few_; }

 private:
  static constexpr int most = 64;
  offset few_[most];
  std::optional<temporary<offset>> many_;
};

// ends[r] = how many elements the runs up to r have together.
template <class P, class Lengths>
void sum_lengths(const P& policy, Lengths lengths, offset runs, offset* ends) {
  P::backend::scan(policy, weft::transformed(lengths, as_count{}), runs, ends, plus{}, none{}, inclusive_t{});
}

}  // namespace detail

/// Writes the first element and the length of each run of equal neighbouring elements, in order; *count = number of
/// runs. `equal` must be an equivalence; the outputs need room for the runs only and must be apart from the input.
/// Never waits with `.on(stream)`.
template <execution_policy P, random_access In, writable_from<In> Out, writable<offset> Lengths, count_pointer Count,
          relation_on<iter_value_t<In>> Equal = equal_to>
void run_length_encode_into(const P& policy, In first, In last, Out out, Lengths lengths, Count count,
                            Equal equal = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "run_length_encode", first, n);
  const auto to = detail::checked(policy, "run_length_encode", out, n);
  const auto to_lengths = detail::checked(policy, "run_length_encode", lengths, n);
  P::backend::run_lengths_into(policy, in, n, to, to_lengths, detail::checked(policy, "run_length_encode", count, 1),
                               equal);
  weft::finish(policy);
}

/// Writes the first element and the length of each run of equal neighbouring elements, in order; returns the ends of
/// both outputs, which must be apart from the input. Waits.
template <execution_policy P, random_access In, writable_from<In> Out, writable<offset> Lengths,
          relation_on<iter_value_t<In>> Equal = equal_to>
std::pair<Out, Lengths> run_length_encode(const P& policy, In first, In last, Out out, Lengths lengths,
                                          Equal equal = {}) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "run_length_encode", first, n);
  const auto to = detail::checked(policy, "run_length_encode", out, n);
  const auto to_lengths = detail::checked(policy, "run_length_encode", lengths, n);
  const offset runs = P::backend::template returned<offset>(
      policy, [&](offset* count) { P::backend::run_lengths_into(policy, in, n, to, to_lengths, count, equal); });
  return {out + runs, lengths + runs};
}

/// Writes each element of [first, last) as often as `lengths` says (0 or more), in order, as far as [out, out_last) has
/// room; *count = how many there are in all. Temporary memory for an offset a run. Never waits with `.on(stream)`.
template <execution_policy P, random_access Values, random_access Lengths, writable_from<Values> Out,
          count_pointer Count>
  requires std::convertible_to<iter_value_t<Lengths>, offset>
void run_length_decode_into(const P& policy, Values first, Values last, Lengths lengths, Out out, Out out_last,
                            Count count) {
  const auto runs = static_cast<offset>(last - first), room = static_cast<offset>(out_last - out);
  auto values = detail::checked(policy, "run_length_decode", first, runs);
  const auto in_lengths = detail::checked(policy, "run_length_decode", lengths, runs);
  const auto to = detail::checked(policy, "run_length_decode", out, room);
  auto total = detail::checked(policy, "run_length_decode", count, 1);
  const temporary<offset> ends(policy, runs);
  detail::sum_lengths(policy, in_lengths, runs, ends.data());
  P::backend::expand(policy, static_cast<const offset*>(ends.data()), runs, room, to,
                     detail::value_of_run<decltype(values)>{values});
  P::backend::for_each_index(policy, 1, detail::store_last<decltype(total)>{ends.data(), runs, total});
  weft::finish(policy);
}

/// Writes each element of [first, last) as often as `lengths` says (0 or more), in order; returns the end of the
/// output, which must be apart from the inputs. Temporary memory for an offset a run. Waits for the sum of the lengths.
template <execution_policy P, random_access Values, random_access Lengths, writable_from<Values> Out>
  requires std::convertible_to<iter_value_t<Lengths>, offset> Out run_length_decode(const P& policy, Values first,
                                                                                    Values last, Lengths lengths,
                                                                                    Out out) {
    const auto runs = static_cast<offset>(last - first);
    auto values = detail::checked(policy, "run_length_decode", first, runs);
    const auto in_lengths = detail::checked(policy, "run_length_decode", lengths, runs);
    detail::ends_of_runs ends(policy, runs);
    const offset n = P::backend::template returned<offset>(policy, [&](offset* count) {
      detail::sum_lengths(policy, in_lengths, runs, ends.data());
      P::backend::for_each_index(policy, 1, detail::store_last<offset*>{ends.data(), runs, count});
    });
    const auto to = detail::checked(policy, "run_length_decode", out, n);
    P::backend::expand(policy, static_cast<const offset*>(ends.data()), runs, n, to,
                       detail::value_of_run<decltype(values)>{values});
    weft::finish(policy);
    return out + n;
  }

}  // namespace weft
