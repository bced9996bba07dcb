// The backend chosen when the program runs: a list of names in order of preference, of which the first one that works
// on this machine is taken. Why the others were not is in the report.
//
//   const auto where = weft::policy("cuda,tbb,seq");       // or "cuda:1", or "auto"
//   std::puts(where.report().c_str());
//   weft::visit(where, [&](const auto& on) { weft::sort(on, x.begin(), x.end()); });
//
// Known are the backends whose headers the file that visits includes. The environment variable WEFT_POLICY, when set,
// replaces the list; "strict:" before a list takes its first name or nothing:
//
//   WEFT_POLICY=seq ./program          WEFT_POLICY=strict:cuda:1 ./program
//
// A backend of your own takes part after `inline const weft::register_backend<my_backend> my_backend_registered;`, and
// where it is visited its policy is named: weft::visit(where, f, my_policy).
#pragma once

#include <weft/error.hpp>
#include <weft/memory/pool.hpp>
#include <weft/policy.hpp>
#include <weft/stream.hpp>

#include <atomic>
#include <cstdlib>
#include <string>
#include <utility>

namespace weft::inline v100 {

/// Stands for a backend that is known only at run time.
struct any_backend {};

namespace detail {

/// What is known of a backend at run time.
struct backend_entry {
  std::string_view name;
  runtime& (*run_time)() = nullptr;
  bool is_device = false;
  void (*probe)(int device) = nullptr;  // throws where the backend cannot run, saying why
  backend_entry* next = nullptr;
};
inline constinit std::atomic<backend_entry*> backend_entries{nullptr};

// Each header of a backend declares `included(slot<I>, F*)` for its own I: so a visit knows, at the place where it is
// written, which backends its file includes.
template <int I>
struct slot {};
template <class Backend>
struct backend_type {
  using type = Backend;
};
inline constexpr int backend_slots = 6;  // seq, openmp, tbb, simt, cuda, hip

template <class Backend>
backend_entry& entry_of() {
  static constinit backend_entry entry;
  return entry;
}

template <class Backend>
bool put_on_list() {
  backend_entry& mine = entry_of<Backend>();
  if (!mine.name.empty()) return false;  // by another file
  mine.name = Backend::name;
  mine.run_time = []() -> runtime& { return Backend::runtime(); };
  mine.is_device = Backend::is_device;
  if constexpr (requires { Backend::probe(0); }) mine.probe = [](int device) { Backend::probe(device); };
  mine.next = backend_entries.load(std::memory_order_relaxed);
  while (!backend_entries.compare_exchange_weak(mine.next, &mine, std::memory_order_release)) {}
  return true;
}

// For the library's headers: on the list where the compiler at hand can make the backend's verbs.
template <class Backend, int I>
struct registered_in {
  registered_in() {
    if constexpr (requires { included(slot<I>{}, static_cast<Backend*>(nullptr)); }) put_on_list<Backend>();
  }
};

inline const backend_entry* find_backend(std::string_view name) noexcept {
  for (const backend_entry* e = backend_entries.load(std::memory_order_acquire); e != nullptr; e = e->next)
    if (e->name == name) return e;
  return nullptr;
}

}  // namespace detail

/// Makes a backend known by its name. A `static void probe(int device)` of the backend is asked whether it can run; it
/// throws what the report shall say. Without one, the run time's device count decides.
template <class Backend>
struct register_backend {
  register_backend() { detail::put_on_list<Backend>(); }
};

struct choice_options {
  bool strict = false;      ///< the first name or nothing
  bool environment = true;  ///< WEFT_POLICY, when set, replaces the list
};

namespace detail {
/// A text that copies share: a policy is copied in every .on() and .with(), which must not allocate. (std::shared_ptr
/// would have every file with a backend read <memory>.)
class shared_text {
 public:
  shared_text() = default;
  explicit shared_text(std::string&& text) : held_(new held{std::move(text)}) {}
  shared_text(const shared_text& other) noexcept : held_(other.held_) {
    if (held_ != nullptr) held_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  shared_text& operator=(shared_text other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~shared_text() {
    if (held_ != nullptr && held_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete held_;
  }
  const std::string& text() const noexcept { return held_->text; }

 private:
  struct held {
    const std::string text;
    std::atomic<int> owners{1};
  };
  held* held_ = nullptr;
};
}  // namespace detail

/// A policy whose backend is known at run time: see the head of this file. An immutable value like every policy.
template <>
class policy<any_backend, default_tuning, no_requirement> {
 public:
  /// The first of the names that works here. A name is a backend's, with ":N" for its device N; "auto" stands for
  /// "cuda,hip,tbb,openmp,seq". Throws weft::error with the report where none works, weft::invalid_argument where the
  /// list cannot be read.
  explicit policy(std::string_view list, choice_options options = {},
                  std::source_location where = std::source_location::current())
      : where_(where) {
    choose(list, options);
  }

  std::string_view name() const noexcept { return entry_->name; }
  int device() const noexcept { return stream_.owner ? stream_.device : device_; }
  runtime& run_time() const { return entry_->run_time(); }
  /// One line for each name of the list: what was chosen, and why what stands before it was not.
  const std::string& report() const noexcept { return report_.text(); }
  /// True when the first name of the list was not the one.
  bool fell_back() const noexcept { return fell_back_; }

  policy on(stream_ref stream, std::source_location where = std::source_location::current()) const {
    check(stream.owner == &run_time(), "policy", "a stream of another backend", where);
    policy changed = *this;
    changed.stream_ = stream;
    changed.where_ = where;
    return changed;
  }
  policy with(memory_resource& resource, std::source_location where = std::source_location::current()) const {
    policy changed = *this;
    changed.resource_ = &resource;
    changed.where_ = where;
    return changed;
  }
  bool has_stream() const noexcept { return stream_.owner != nullptr; }
  stream_ref stream() const { return has_stream() ? stream_ : run_time().default_stream_of(device_); }
  memory_resource& resource() const { return resource_ ? *resource_ : default_resource(run_time(), stream().device); }
  const std::source_location& where() const noexcept { return where_; }

  /// The same as a policy of that backend, which must be the chosen one.
  template <class Backend>
  policy<Backend> as() const {
    check(name() == Backend::name, "policy", "not the chosen backend", where_);
    policy<Backend> typed(where_);
    if (has_stream()) typed = typed.on(stream_, where_);
    if (!has_stream() && Backend::is_device) typed = typed.on_device(device_, where_);
    return resource_ ? typed.with(*resource_, where_) : typed;
  }

 private:
  void choose(std::string_view list, choice_options options) {
    constexpr std::string_view all = "cuda,hip,tbb,openmp,seq", strict = "strict:";
    std::string text;
    const char* const asked = options.environment ? std::getenv("WEFT_POLICY") : nullptr;
    if (asked != nullptr && *asked != '\0') {
      text = "WEFT_POLICY=" + std::string(asked) + " instead of " + std::string(list);
      list = asked;
    } else {
      text = list;
    }
    if (list.substr(0, strict.size()) == strict) {
      options.strict = true;
      list.remove_prefix(strict.size());
    }
    if (list == "auto") list = all;
    for (bool first = true; !list.empty(); first = false) {
      const std::string_view word = list.substr(0, list.find(','));
      list.remove_prefix(word.size() + (word.size() < list.size() ? 1 : 0));
      text.append("\n  ").append(word).append(": ");
      if (entry_ != nullptr) {
        text.append("not needed");
        continue;
      }
      const std::string reason = try_word(word);
      if (entry_ == nullptr && options.strict) {
        text.append(reason);
        throw error("policy", {}, text + "\n  strict: nothing else is tried", where_);
      }
      text.append(entry_ ? "chosen" + reason : reason);
      fell_back_ = !first;
    }
    if (entry_ == nullptr) throw error("policy", {}, text + "\n  none of them works here", where_);
    report_ = detail::shared_text(std::move(text));
  }

  // Takes the backend, and says what it runs on; or says why not.
  std::string try_word(std::string_view word) {
    const std::string_view name = word.substr(0, word.find(':'));
    const detail::backend_entry* const found = detail::find_backend(name);
    check(!name.empty(), "policy", "an empty name in a list of backends", where_);
    int device = -1;
    if (name.size() < word.size()) {
      const std::string_view digits = word.substr(name.size() + 1);
      check(!digits.empty() && digits.size() < 4 && digits.find_first_not_of("0123456789") == std::string_view::npos,
            "policy", "cannot read \"" + std::string(word) + "\": a name, or a name and a device as cuda:1", where_);
      device = std::atoi(std::string(digits).c_str());
    }
    if (found == nullptr) return "not part of this program (its header is not included where algorithms are called)";
    try {
      runtime& owner = found->run_time();
      const int devices = owner.device_count();
      if (devices == 0) return "no device, or no driver, on this machine";
      if (device >= devices)
        return "device " + std::to_string(device) + " is not there; " + std::to_string(devices) + " found";
      if (device < 0) device = owner.current_device();
      if (found->probe != nullptr) {
        const device_guard guard(owner, device);
        found->probe(device);
      }
      entry_ = found;
      device_ = device;
      return found->is_device ? ", device " + std::to_string(device) + ": " + owner.device_name(device) : "";
    } catch (const std::exception& e) { return e.what(); }
  }

  const detail::backend_entry* entry_ = nullptr;
  int device_ = 0;
  bool fell_back_ = false;
  stream_ref stream_{};
  memory_resource* resource_ = nullptr;
  std::source_location where_;
  detail::shared_text report_;
};

using any_policy = policy<any_backend, default_tuning, no_requirement>;

policy(std::string_view)->policy<any_backend, default_tuning, no_requirement>;
policy(std::string_view, choice_options)->policy<any_backend, default_tuning, no_requirement>;
policy(const char*)->policy<any_backend, default_tuning, no_requirement>;
policy(const char*, choice_options)->policy<any_backend, default_tuning, no_requirement>;

/// Algorithms want to know their backend when they are compiled: weft::visit tells them.
template <>
inline constexpr bool is_policy<any_policy> = false;

namespace detail {

void included();  // where no header of a backend is included, the name stands for nothing

template <int I, class F>
constexpr int first_included() {
  if constexpr (I == backend_slots)
    return I;
  else if constexpr (requires { included(slot<I>{}, static_cast<F*>(nullptr)); })
    return I;
  else
    return first_included<I + 1, F>();
}
template <int I, class F>
using included_at = typename decltype(included(slot<I>{}, static_cast<F*>(nullptr)))::type;

template <class R, int After, class F>
R visit_included(const any_policy& chosen, F& f) {
  constexpr int i = first_included<After, F>();
  if constexpr (i < backend_slots) {
    using backend = included_at<i, F>;
    if (chosen.name() == backend::name) return f(chosen.as<backend>());
    return visit_included<R, i + 1>(chosen, f);
  } else {
    throw error("visit", {}, "the file that visits does not include the header of " + std::string(chosen.name()),
                chosen.where());
  }
}
template <class R, class F>
R visit_own(const any_policy& chosen, F& f) {
  return visit_included<R, 0>(chosen, f);
}
template <class R, class F, class Own, class... More>
R visit_own(const any_policy& chosen, F& f, const Own&, const More&... more) {
  if (chosen.name() == Own::backend::name) return f(chosen.as<typename Own::backend>());
  return visit_own<R>(chosen, f, more...);
}
template <class F, class... Own>
struct visit_result {
  static_assert(first_included<0, F>() < backend_slots,
                "weft::visit: include the header of a backend, or pass the policies of your own ones");
  using type = decltype(std::declval<F&>()(std::declval<policy<included_at<first_included<0, F>(), F>>>()));
};
template <class F, class Own, class... More>
struct visit_result<F, Own, More...> {
  using type = decltype(std::declval<F&>()(std::declval<Own>()));
};

}  // namespace detail

/// Calls f with the chosen policy in its own type, and returns what f returns. f must be callable, with the same type
/// of result, with the policy of each backend whose header is included and with each of `own`, the policies of
/// registered backends that are not the library's.
template <class F, class... Own>
typename detail::visit_result<std::remove_reference_t<F>, Own...>::type visit(const any_policy& chosen, F&& f,
                                                                              const Own&... own) {
  using R = typename detail::visit_result<std::remove_reference_t<F>, Own...>::type;
  return detail::visit_own<R>(chosen, f, own...);
}

}  // namespace weft
