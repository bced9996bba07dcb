// Senders (P2300, std::execution): what calls put into a stream, as a step of an asynchronous program.
//
//   auto sorted = weft::enqueue(gpu, [&](auto on) { weft::sort(on, x.begin(), x.end()); });
//   auto summed = std::move(sorted) | weft::enqueue(gpu, [&](auto on) { weft::reduce_into(on, …); });
//   stdexec::sync_wait(stdexec::when_all(std::move(summed), …) | stdexec::then(…));
//
// Nothing waits on the host: a start makes the calls on the starting thread, and a callback of the stream completes the
// operation once the stream has done them. Nothing is allocated, since the callback is given the operation state, which
// must outlive completion (as P2300 asks). What else a user has to know:
//  - On GPUs completion comes on a thread of the vendor's, which must not call the vendor: no algorithms there, and no
//    buffers freed. Before a step that does put `continues_on` to threads of your own; enqueue refuses to be started
//    there, in words. On CPU backends the starting thread completes, and may do anything.
//  - Steps on streams of one backend that follow one another do not visit the host in between: the calls of the second
//    are made at once, after those of the first in its stream (or behind an event in another), and one callback ends
//    both. They are given what the first calls returned while the device may still work on the memory that it names.
//  - A stream that records a graph completes nothing: enqueue sends an error. After a fault of the device its driver
//    calls nobody back, and nothing completes.
//
// Include <stdexec/execution.hpp> before this header to use it with stdexec; see weft/senders/protocol.hpp.
#pragma once

#include <weft/senders/protocol.hpp>
#include <weft/stream.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>

namespace weft::inline v100 {
namespace detail {

template <class P>
concept policy_of_any_kind = execution_policy<P> || run_time_policy<P>;
template <class S>
concept in_stream = policy_of_any_kind<S> || std::is_convertible_v<const S&, stream_ref>;

/// The run time on whose callback thread this one is, if it is a vendor's.
inline constinit thread_local const runtime* called_back_by = nullptr;

/// What is common to all operations: makes the calls when run, and completes when the stream has done them.
template <class Tag, class P, class F, class Sent, class R>
class enqueue_state;
template <class Tag, class P, class F, class R, class... Result>
class enqueue_state<Tag, P, F, std::tuple<Result...>, R> {
 public:
  enqueue_state(P policy, F calls, R receiver)
      : receiver(std::move(receiver)), policy_(std::move(policy)), calls_(std::move(calls)) {}

  template <class... V>
  void run(V&&... values) noexcept {
    const stream_ref stream = policy_.stream();
    try {
      if (!follows_) {
        if (stop_requested()) return std::move(receiver).set_stopped();
        check_usable(stream);
      }
    } catch (...) { return std::move(receiver).set_error(std::current_exception()); }
    try {
      if constexpr (sizeof...(Result) == 0)
        calls_(std::as_const(policy_), static_cast<V&&>(values)...), result_.emplace();
      else
        result_.emplace(calls_(std::as_const(policy_), static_cast<V&&>(values)...));
      if constexpr (requires { receiver.follow(stream); })
        if (receiver.follow(stream)) return complete();
    } catch (...) { error_ = std::current_exception(); }  // told when what was put into the stream before is done
    try {
      stream.owner->host_callback(stream, &done, this);
    } catch (...) { std::move(receiver).set_error(error_ ? std::move(error_) : std::current_exception()); }
  }
  /// Asked by the operation before, whose calls are in `before`: true when the calls of this one may be made at once.
  bool follow(stream_ref before) {
    const stream_ref mine = policy_.stream();
    if (before.owner != mine.owner) return false;
    check_usable(mine);
    if (before != mine) {
      event passed(*before.owner, before.device);
      passed.record(before);
      mine.owner->stream_wait(mine, passed.handle());
    }
    return follows_ = true;
  }

  R receiver;

 private:
  static void check_usable(stream_ref stream) {
    check(called_back_by != stream.owner, "enqueue",
          "started on a callback thread of the same vendor, which must not call it: continue on a thread of your own");
    check(!stream.owner->capturing(stream), "enqueue",
          "a stream that records a graph completes nothing: make the calls themselves, and enqueue the graph's launch");
  }
  bool stop_requested() const {
    if constexpr (requires { env_of(receiver).query(stop_token_query{}).stop_requested(); })
      return env_of(receiver).query(stop_token_query{}).stop_requested();
    else
      return false;
  }
  static void done(void* state) {
    auto& self = *static_cast<enqueue_state*>(state);
    const stream_ref stream = self.policy_.stream();
    const runtime* const before = called_back_by;
    if (stream.owner->name() != "host") called_back_by = stream.owner;  // whose callbacks run on the caller's thread
    self.complete();
    called_back_by = before;  // by now the operation may be gone
  }
  void complete() noexcept {
    if (std::exception_ptr error = std::move(error_))
      std::move(receiver).set_error(std::move(error));
    else
      std::apply([&](Result&... sent) { std::move(receiver).set_value(std::move(sent)...); }, *result_);
  }

  P policy_;
  F calls_;
  bool follows_ = false;
  std::exception_ptr error_;
  std::optional<std::tuple<Result...>> result_;
};

/// What comes after others: they are connected to a receiver that runs the state. Without others its start does.
template <class Tag, class Before, class State>
class enqueue_operation {
 public:
  using operation_state_concept = tag_of_operation;
  template <class... Args>
  explicit enqueue_operation(Before before, Args&&... args)
      : state_(static_cast<Args&&>(args)...), before_(connect(std::move(before), &state_)) {}
  enqueue_operation(enqueue_operation&&) = delete;
  void start() noexcept {
    if constexpr (std::is_same_v<Before, first_step>)
      state_.run();
    else
      before_.start();
  }

 private:
  struct next {
    using receiver_concept = tag_of_receiver;
    State* state;
    template <class... V>
    void set_value(V&&... values) noexcept {
      state->run(static_cast<V&&>(values)...);
    }
    template <class E>
    void set_error(E&& e) noexcept {
      std::move(state->receiver).set_error(static_cast<E&&>(e));
    }
    void set_stopped() noexcept { std::move(state->receiver).set_stopped(); }
    decltype(auto) get_env() const noexcept { return env_of(state->receiver); }
    bool follow(stream_ref before) { return state->follow(before); }
  };
  static auto connect(Before before, State* state) {
    if constexpr (std::is_same_v<Before, first_step>)
      return before;
    else
      return senders::connect(std::move(before), next{state});
  }

  State state_;
  decltype(connect(std::declval<Before>(), nullptr)) before_;
};

/// For schedule(): only a stream, and no calls.
struct only_stream {
  stream_ref at;
  stream_ref stream() const noexcept { return at; }
};
struct no_calls {
  void operator()(const only_stream&) const noexcept {}
};

}  // namespace detail

template <class Tag>
class basic_stream_scheduler;

/// What weft::enqueue makes: a sender, and what may stand on the right of a pipe.
template <class Tag, class Before, class P, class F>
class enqueued {
 public:
  using sender_concept = Tag;
  template <class Self, class... Env>
  static consteval auto get_completion_signatures() ->
      typename detail::enqueued_signatures<P, F, senders::completion_signatures_of_t<Before, Env...>>::type {
    return {};
  }

  enqueued(Before before, P policy, F calls)
      : before_(std::move(before)), policy_(std::move(policy)), calls_(std::move(calls)) {}

  template <class R>
  auto connect(R receiver) && {
    return operation<R>(std::move(before_), std::move(policy_), std::move(calls_), std::move(receiver));
  }
  template <class R>
    requires std::is_copy_constructible_v<Before> && std::is_copy_constructible_v<F>
  auto connect(R receiver) const& { return operation<R>(before_, policy_, calls_, std::move(receiver)); }
  auto get_env() const noexcept { return basic_stream_scheduler<Tag>(policy_.stream()).attributes(); }

  /// The calls are made when `before` has completed, and given what it sent after the policy.
  template <class S>
    requires std::is_same_v<Before, detail::first_step> && requires { typename std::remove_cvref_t<S>::sender_concept; }
  friend auto operator|(S&& before, enqueued next) {
    return enqueued<Tag, std::remove_cvref_t<S>, P, F>(static_cast<S&&>(before), std::move(next.policy_),
                                                       std::move(next.calls_));
  }

 private:
  template <class, class, class, class>
  friend class enqueued;
  template <class R>
  using operation = detail::enqueue_operation<
      Tag, Before,
      detail::enqueue_state<Tag, P, F,
                            typename detail::sent<typename detail::enqueued_signatures<
                                P, F, senders::completion_signatures_of_t<Before, detail::env_of_t<R>>>::type>::type,
                            R>>;

  Before before_;
  P policy_;
  F calls_;
};

/// A sender that, when started, makes `calls(policy)` on the starting thread and completes with what that returns once
/// the policy's stream has done all of it. What `calls` throws is sent as an error, when what it put in before is done.
/// After `sender |` the calls are given the sender's values too: `calls(policy, values...)`.
template <detail::policy_of_any_kind P, class F>
enqueued<detail::tag_of_sender, detail::first_step, P, F> enqueue(const P& policy, F calls) {
  check(policy.has_stream(), "enqueue", "a policy without a stream: name one with .on(stream)", policy.where());
  return {{}, policy, std::move(calls)};
}

/// Its schedule() completes when all that was put into the stream before it was started is done, on the stream's
/// callback thread: for functions of the host in the order of the stream.
template <class Tag>
class basic_stream_scheduler {
 public:
  using scheduler_concept = detail::tag_of_scheduler;
  explicit basic_stream_scheduler(stream_ref stream) noexcept : stream_(stream) {}

  auto schedule() const noexcept {
    return enqueued<Tag, detail::first_step, detail::only_stream, detail::no_calls>({}, {stream_}, {});
  }
  stream_ref stream() const noexcept { return stream_; }
  friend bool operator==(const basic_stream_scheduler&, const basic_stream_scheduler&) = default;

  /// Of senders that complete here.
  struct environment {
    stream_ref stream;
    basic_stream_scheduler query(senders::get_completion_scheduler_t<senders::set_value_t>) const noexcept {
      return basic_stream_scheduler(stream);
    }
  };
  environment attributes() const noexcept { return {stream_}; }

 private:
  stream_ref stream_;
};
using stream_scheduler = basic_stream_scheduler<detail::tag_of_sender>;

/// Of a stream, or of a policy's.
template <detail::in_stream S>
stream_scheduler scheduler_of(const S& of) {
  if constexpr (detail::policy_of_any_kind<S>)
    return stream_scheduler(of.stream());
  else
    return stream_scheduler(of);
}

namespace detail {

template <class Tag, class Sent>
struct sync_wait_state {
  std::mutex guard;
  std::condition_variable changed;
  bool over = false;
  std::optional<Sent> sent;
  std::exception_ptr error;

  void end() noexcept {
    const std::lock_guard lock(guard);
    over = true;
    changed.notify_one();  // under the lock: afterwards the state may be gone
  }
  struct receiver {
    using receiver_concept = tag_of_receiver;
    sync_wait_state* state;
    template <class... V>
    void set_value(V&&... values) noexcept {
      try {
        state->sent.emplace(static_cast<V&&>(values)...);
      } catch (...) { state->error = std::current_exception(); }
      state->end();
    }
    template <class E>
    void set_error(E&& e) noexcept {
      if constexpr (std::is_same_v<std::remove_cvref_t<E>, std::exception_ptr>)
        state->error = static_cast<E&&>(e);
      else
        state->error = std::make_exception_ptr(static_cast<E&&>(e));
      state->end();
    }
    void set_stopped() noexcept { state->end(); }
  };
};

}  // namespace detail

/// Starts the sender and waits for it on the host: its values, or nothing when it was stopped; throws the error it
/// sends. For programs without a library of senders, and tests.
template <class S, class Tag = detail::tag_of_sender>
auto sync_wait(S&& sender) {
  using sent = typename detail::sent<senders::completion_signatures_of_t<S, detail::nothing>>::type;
  detail::sync_wait_state<Tag, sent> state;
  auto operation =
      senders::connect(static_cast<S&&>(sender), typename detail::sync_wait_state<Tag, sent>::receiver{&state});
  operation.start();
  std::unique_lock lock(state.guard);
  state.changed.wait(lock, [&] { return state.over; });
  if (state.error) std::rethrow_exception(state.error);
  return std::move(state.sent);
}

}  // namespace weft
