// The words of P2300 that weft/senders.hpp uses, and what sets of completion signatures become: those of stdexec where
// <stdexec/execution.hpp> was included before, else the standard library's where it has them, else the few below.
#pragma once

#include <weft/device.hpp>

#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

// The libraries compare tags, so they must be theirs; and no trait can ask whether a namespace is there.
#if defined(STDEXEC)
namespace weft::inline v100 {
namespace senders = STDEXEC;
namespace detail {
using tag_of_sender = senders::sender_t;
using tag_of_receiver = senders::receiver_t;
using tag_of_operation = senders::operation_state_t;
using tag_of_scheduler = senders::scheduler_t;
using stop_token_query = senders::get_stop_token_t;
}  // namespace detail
}  // namespace weft
#elif defined(__cpp_lib_senders)
#include <execution>
namespace weft::inline v100 {
namespace senders = std::execution;
namespace detail {
using tag_of_sender = senders::sender_tag;
using tag_of_receiver = senders::receiver_tag;
using tag_of_operation = senders::operation_state_tag;
using tag_of_scheduler = senders::scheduler_tag;
using stop_token_query = std::get_stop_token_t;
}  // namespace detail
}  // namespace weft
#else
namespace weft::inline v100 {
namespace senders {
struct set_value_t {};
struct set_error_t {};
struct set_stopped_t {};
template <class Completion>
struct get_completion_scheduler_t {};
template <class... Signatures>
struct completion_signatures {};
template <class S, class... Env>
constexpr auto signatures_of() {
  if constexpr (requires { typename S::completion_signatures; })
    return typename S::completion_signatures{};
  else
    return S::template get_completion_signatures<S, Env...>();
}
template <class S, class... Env>
using completion_signatures_of_t = decltype(signatures_of<std::remove_cvref_t<S>, Env...>());
template <class S, class R>
auto connect(S&& sender, R receiver) {
  return static_cast<S&&>(sender).connect(std::move(receiver));
}
}  // namespace senders
namespace detail {
struct tag_of_sender {};
struct tag_of_receiver {};
struct tag_of_operation {};
struct tag_of_scheduler {};
struct stop_token_query {};
}  // namespace detail
}  // namespace weft
#endif

namespace weft::inline v100 {
namespace detail {

// The types below are given a tag, so files of one program with different words share no symbol.

template <class Value>
struct sends {
  using type = senders::set_value_t(Value);
};
template <>
struct sends<void> {
  using type = senders::set_value_t();
};
template <class P, class F, class... V>
struct result_of_calls {
  static_assert(std::is_invocable_v<F&, const P&, V...>, "weft::enqueue: calls must take the policy and what is sent");
  using type = std::decay_t<std::invoke_result_t<F&, const P&, V...>>;
};
// What calls make of one of the signatures of what comes before.
template <class P, class F, class Signature>
struct after_calls {
  using type = Signature;
};
template <class P, class F, class... V>
struct after_calls<P, F, senders::set_value_t(V...)> : sends<typename result_of_calls<P, F, V...>::type> {};

template <class Made, class...>
struct distinct {
  using type = Made;
};
template <class... Made, class Next, class... More>
struct distinct<senders::completion_signatures<Made...>, Next, More...>
    : distinct<std::conditional_t<(std::is_same_v<Made, Next> || ...), senders::completion_signatures<Made...>,
                                  senders::completion_signatures<Made..., Next>>,
               More...> {};

// What the one set_value among signatures sends, as a tuple.
template <class Signatures>
struct sent {};
template <class... V, class... More>
struct sent<senders::completion_signatures<senders::set_value_t(V...), More...>> {
  using type = std::tuple<std::decay_t<V>...>;
  static_assert((!requires { typename sent<senders::completion_signatures<More>>::type; } && ...),
                "weft: a sender whose values may be of several types");
};
template <class Other, class... More>
struct sent<senders::completion_signatures<Other, More...>> : sent<senders::completion_signatures<More...>> {};

template <class P, class F, class Before>
struct enqueued_signatures;
template <class P, class F, class... Before>
struct enqueued_signatures<P, F, senders::completion_signatures<Before...>>
    : distinct<senders::completion_signatures<>, typename after_calls<P, F, Before>::type...,
               senders::set_error_t(std::exception_ptr), senders::set_stopped_t()> {};

/// What comes before a step that nothing comes before.
struct first_step {
  using sender_concept = tag_of_sender;
  template <class Self, class... Env>
  static consteval senders::completion_signatures<senders::set_value_t()> get_completion_signatures() {
    return {};
  }
};
/// The environment of receivers that have none.
struct nothing {};
template <class R>
constexpr decltype(auto) env_of(const R& receiver) noexcept {
  if constexpr (requires { receiver.get_env(); })
    return receiver.get_env();
  else
    return nothing{};
}
template <class R>
using env_of_t = decltype(env_of(std::declval<const R&>()));

}  // namespace detail
}  // namespace weft
