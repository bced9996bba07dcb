// The backend chosen at run time: order, reasons, strictness, the environment, own backends, and that the chosen policy
// carries its stream, device and resource into a visit. Peer defect 15.
#include <weft/any_policy.hpp>
#include <weft/buffer.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/weft.hpp>

#include <cstdlib>

#include "harness.hpp"

namespace {

const std::string here(backend_name);

/// A backend of someone else's: the tested one by another name, and with one verb of its own.
struct own_backend : weft_test::backend {
  static constexpr const char* name = "own";
  static inline int transforms = 0;
  template <class... Arguments>
  static void transform(const Arguments&... arguments) {
    ++transforms;
    weft_test::backend::transform(arguments...);
  }
};
constexpr weft::policy<own_backend> own{};
/// One that is there but cannot run.
struct broken_backend : weft_test::backend {
  static constexpr const char* name = "broken";
  static void probe(int) { throw weft::error("the licence has run out"); }
};

const weft::register_backend<weft_test::backend> tested_registered;  // no more than a repetition for the library's own
const weft::register_backend<own_backend> own_registered;
const weft::register_backend<broken_backend> broken_registered;

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const weft::error& e) { return e.what(); }
  return "nothing was thrown";
}

/// Sets WEFT_POLICY for a scope.
struct environment {
  explicit environment(const char* value) { setenv("WEFT_POLICY", value, 1); }
  ~environment() { unsetenv("WEFT_POLICY"); }
};

/// Calls f with the chosen policy. A backend from outside the library is named to a visit.
template <class F>
decltype(auto) visit_here(const weft::any_policy& chosen, F&& f) {
  if constexpr (weft::detail::first_included<0, F>() < weft::detail::backend_slots)
    return weft::visit(chosen, f);
  else
    return weft::visit(chosen, f, policy);
}

struct name_and_sum {
  weft::buffer<u32>& x;
  template <class P>
  std::pair<std::string, u32> operator()(const P& on) const {
    weft::sequence(on, x.begin(), x.end(), 0u);
    return {P::backend::name, weft::reduce(on, x.begin(), x.end(), 0u)};
  }
};

}  // namespace

TEST_CASE("any_policy: the first name that works is taken, and the report says why") {
  const auto one = weft::policy(here);
  STATIC_REQUIRE(std::is_same_v<std::remove_const_t<decltype(one)>, weft::any_policy>);
  STATIC_REQUIRE_FALSE(weft::execution_policy<weft::any_policy>);
  REQUIRE(one.name() == here);
  REQUIRE_FALSE(one.fell_back());
  REQUIRE(contains(one.report(), "  " + here + ": chosen"));
  REQUIRE(&one.run_time() == &weft_test::backend::runtime());

  const auto third = weft::policy("abacus,broken," + here + ",own");
  REQUIRE(third.name() == here);
  REQUIRE(third.fell_back());
  REQUIRE(contains(third.report(), "  abacus: not part of this program"));
  REQUIRE(contains(third.report(), "  broken: the licence has run out"));
  REQUIRE(contains(third.report(), "  " + here + ": chosen"));
  REQUIRE(contains(third.report(), "  own: not needed"));

  const auto device = weft::policy(here + ":0");
  REQUIRE(device.device() == 0);
  const auto fallen = weft::policy(here + ":63,own");
  REQUIRE(fallen.name() == "own");
  REQUIRE(contains(fallen.report(), here + ":63: device 63 is not there; "));
}

TEST_CASE("any_policy: nothing falls back silently in strict mode, and nothing at all is an error with the report") {
  const std::string strict = error_of([] { weft::policy("broken," + here, {.strict = true}); });
  REQUIRE(contains(strict, "broken: the licence has run out"));
  REQUIRE(contains(strict, "strict: nothing else is tried"));
  REQUIRE(contains(error_of([] { weft::policy("strict:abacus," + here); }), "strict: nothing else is tried"));
  REQUIRE(weft::policy("strict:" + here).name() == here);
  const std::string none = error_of([] { weft::policy("abacus,broken"); });
  REQUIRE(contains(none, "abacus: not part"));
  REQUIRE(contains(none, "none of them works here [policy made at "));
  REQUIRE(contains(none, "any_policy.cpp"));
  REQUIRE_THROWS_AS(weft::policy(here + ":"), weft::invalid_argument);
  REQUIRE_THROWS_AS(weft::policy(here + ":x"), weft::invalid_argument);
  REQUIRE_THROWS_AS(weft::policy(here + ":-1"), weft::invalid_argument);
  REQUIRE_THROWS_AS(weft::policy(":1"), weft::invalid_argument);
  REQUIRE_THROWS_AS(weft::policy("abacus,," + here), weft::invalid_argument);
  REQUIRE_THROWS_AS(weft::policy(""), weft::error);
}

TEST_CASE("any_policy: the environment replaces the list, unless the program does not want that") {
  const environment set("own");
  const auto where = weft::policy(here);
  REQUIRE(where.name() == "own");
  REQUIRE(contains(where.report(), "WEFT_POLICY=own instead of " + here));
  REQUIRE(weft::policy(here, {.environment = false}).name() == here);
  {
    const environment other("strict:broken");
    REQUIRE(contains(error_of([] { static_cast<void>(weft::policy{here}); }), "the licence has run out"));
  }
  const environment empty("");
  REQUIRE(weft::policy(here).name() == here);
}

TEST_CASE("any_policy: visit calls with the backend's own policy and returns what it returns") {
  weft::buffer<u32> x(policy, 1000);
  for (const std::string& name : {here, std::string("own")}) {
    const auto where = weft::policy(name);
    const auto [visited, sum] = weft::visit(where, name_and_sum{x}, policy, own);
    REQUIRE(visited == name);
    REQUIRE(sum == 999u * 1000 / 2);
  }
  const std::string unknown = error_of([&] { visit_here(weft::policy("own"), name_and_sum{x}); });
  REQUIRE(contains(unknown, "does not include the header of own"));
  int calls = 0;
  visit_here(weft::policy(here), [&](const auto&) { ++calls; });
  REQUIRE(calls == 1);
}

TEST_CASE("policy: a backend derived from another answers the verbs that it declares itself") {
  weft::buffer<u32> x(policy, 1000), y(policy, 1000);
  weft::sequence(own, x.begin(), x.end(), 0u);
  const int before = own_backend::transforms;
  weft::transform(policy, x.begin(), x.end(), y.begin(), weft::square{});
  REQUIRE(own_backend::transforms == before);
  weft::transform(own, x.begin(), x.end(), y.begin(), weft::square{});
  REQUIRE(own_backend::transforms == before + 1);
  REQUIRE(weft::reduce(own, y.begin(), y.end(), 0u) == 999u * 1000 * 1999 / 6);  // the other verbs are inherited
}

TEST_CASE("any_policy: stream, resource, device and place go with it") {
  const auto line = std::source_location::current().line() + 1;
  const auto where = weft::policy(here);
  weft::stream s{where};
  weft::statistics_resource counted(where.resource());
  const auto full = where.on(s).with(counted);
  REQUIRE(&full.report() == &where.report());  // shared: a policy is copied without an allocation
  REQUIRE(full.has_stream());
  REQUIRE(full.stream() == s.ref());
  visit_here(where, [&](const auto& on) {
    REQUIRE_FALSE(on.has_stream());
    REQUIRE(on.where().line() == line);
    REQUIRE(on.stream().device == where.device());
    if constexpr (!emulated) REQUIRE(&on.resource() == &where.resource());
  });
  visit_here(full, [&](const auto& on) {
    REQUIRE(on.has_stream());
    REQUIRE(on.stream() == s.ref());
    REQUIRE(&on.resource() == &counted);
  });
  REQUIRE_THROWS_AS(where.on(weft::stream_ref{}), weft::invalid_argument);
}

TEST_CASE("any_policy: streams, events, buffers and guards are made from it") {
  const auto where = weft::policy(here + ":0");
  const weft::device_guard guard(where);
  REQUIRE(where.run_time().current_device() == 0);
  weft::stream s{where};
  weft::event passed{where};
  weft::buffer<u32> x(where.on(s), 1000), y(where, 10);
  REQUIRE(x.stream() == s.ref());
  REQUIRE(y.stream() == where.stream());
  visit_here(where.on(s), [&](const auto& on) { weft::fill(on, x.begin(), x.end(), 3u); });
  passed.record(s);
  passed.synchronize();
  REQUIRE(weft::reduce(policy.on(s), x.begin(), x.end(), 0u) == 3000);
  REQUIRE_THROWS_AS(weft::buffer<u32>(where, -1), weft::invalid_argument);
}

TEST_CASE("policy: on_device is a policy of that device, which waits") {
  const auto first = policy.on_device(0);
  REQUIRE_FALSE(first.has_stream());
  REQUIRE(first.stream().device == 0);
  weft::buffer<u32> x(first, 100);
  weft::fill(first, x.begin(), x.end(), 5u);
  REQUIRE(weft::reduce(first, x.begin(), x.end(), 0u) == 500);
  REQUIRE_THROWS_AS(weft::buffer<u32>(policy.on_device(63), 10), weft::invalid_argument);
  {
    const weft::device_guard guard(policy, 0);
    REQUIRE(weft_test::backend::runtime().current_device() == 0);
  }
  REQUIRE_THROWS_AS(weft::device_guard(policy, 63), weft::invalid_argument);
  REQUIRE(weft::device_count(policy) >= 1);
  REQUIRE_FALSE(weft_test::backend::runtime().device_name(0).empty());
  REQUIRE(weft_test::backend::runtime().device_name(63).empty());
}
