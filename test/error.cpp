// What errors say, and that bad input is refused before anything runs and touches nothing.
#include <weft/buffer.hpp>
#include <weft/error.hpp>
#include <weft/iterator.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/resources.hpp>
#include <weft/stream.hpp>

#include <string>

#include "harness.hpp"

using weft_test::policy;

namespace {

template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& e) { return e.what(); }
  return "nothing was thrown";
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("error: the text names call, vendor's name, text and where the policy was made") {
  const auto where = std::source_location::current();
  const weft::error e("scan", "vendorErrorBusy", "busy", where);
  REQUIRE(std::string(e.what()) == "scan: vendorErrorBusy: busy [policy made at " + std::string(where.file_name()) +
                                       ":" + std::to_string(where.line()) + "]");
  REQUIRE(e.vendor_name() == "vendorErrorBusy");
  REQUIRE(e.where().line() == where.line());
  REQUIRE(std::string(weft::error("scan", {}, "no").what()) == "scan: no");
  REQUIRE(std::string(weft::invalid_argument("gemm: shapes").what()) == "gemm: shapes");
}

TEST_CASE("error: all errors are weft::error and std::runtime_error") {
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, weft::error>);
  STATIC_REQUIRE(std::is_base_of_v<weft::error, weft::out_of_memory>);
  STATIC_REQUIRE(std::is_base_of_v<weft::error, weft::invalid_argument>);
  REQUIRE_THROWS_AS(weft::check(false, "call", "text"), weft::invalid_argument);
  REQUIRE_NOTHROW(weft::check(true, "call", "text"));
  const std::string text = message_of<weft::invalid_argument>([] { weft::require(false, policy, "call", "text"); });
  REQUIRE(text == "call: text");  // the policy object itself was made nowhere in particular
}

TEST_CASE("error: a policy remembers where its stream was given") {
  weft::stream s{policy};
  const auto line = std::source_location::current().line() + 1;
  const auto on_stream = policy.on(s);
  const std::string text = message_of<weft::error>([&] { weft::buffer<int> b(on_stream, -1); });
  REQUIRE(mentions(text, "negative count [policy made at "));
  REQUIRE(mentions(text, "error.cpp:" + std::to_string(line)));
}

TEST_CASE("error: ranges that cannot be are refused") {
  weft::buffer<int> some(policy, 4);
  const int* nowhere = nullptr;
  using weft::detail::check_range;
  REQUIRE_NOTHROW(check_range(policy, "reduce", some.data(), 4));
  REQUIRE_NOTHROW(check_range(policy, "reduce", nowhere, 0));
  REQUIRE(mentions(message_of<weft::invalid_argument>([&] { check_range(policy, "reduce", some.data(), -1); }),
                   "reduce: negative count"));
  REQUIRE(mentions(message_of<weft::invalid_argument>([&] { check_range(policy, "reduce", nowhere, 1); }),
                   "reduce: null pointer"));
}

namespace {

struct twice {
  WEFT_HOST_DEVICE int operator()(int x) const { return 2 * x; }
};

}  // namespace

TEST_CASE("error: ranges behind adaptors are looked at too") {
  weft::buffer<int> some(policy, 4);
  int* const nowhere = nullptr;
  using weft::detail::check_range;
  auto refused = [&](auto it) {
    return mentions(message_of<weft::error>([&] { check_range(policy, "x", it, 4); }), "null");
  };
  REQUIRE(refused(weft::transformed(nowhere, twice{})));
  REQUIRE(refused(weft::zip(some.data(), nowhere)));
  REQUIRE(refused(weft::permuted(some.data(), nowhere)));
  REQUIRE(refused(weft::permuted(nowhere, some.data())));
  REQUIRE(refused(weft::reversed(nowhere)));
  REQUIRE(refused(weft::strided(weft::transformed(nowhere, twice{}), 2)));
  REQUIRE_FALSE(refused(weft::zip(weft::reversed(some.data() + 4), weft::counting(0))));
  REQUIRE_FALSE(refused(weft::reversed(weft::transformed(some.data() + 4, twice{}))));
  REQUIRE_FALSE(refused(weft::discard()));
  REQUIRE_FALSE(refused(weft::constant(3)));
}

TEST_CASE("error: a host pointer given to a device policy is refused, where the device could not read it") {
  if constexpr (weft_test::backend::is_device) {
    weft::runtime& runtime = weft_test::backend::runtime();
    auto* on_heap = new int[4]{};
    using weft::detail::check_range;
    if (!runtime.accessible(on_heap, runtime.current_device()))
      REQUIRE(mentions(message_of<weft::invalid_argument>([&] { check_range(policy, "scan", on_heap, 4); }),
                       "scan: host memory given to a device policy"));
    delete[] on_heap;
    for (auto kind : {weft::memory_kind::device, weft::memory_kind::pinned, weft::memory_kind::managed}) {
      void* memory = runtime.allocate(kind, 64, 0);
      REQUIRE(runtime.accessible(memory, 0));
      REQUIRE_NOTHROW(check_range(policy, "scan", static_cast<int*>(memory), 4));
      if (runtime.name() != "host") REQUIRE(runtime.kind_of(memory) == kind);
      runtime.deallocate(kind, memory, 64, 0);
    }
    REQUIRE_FALSE(runtime.accessible(nullptr, 0));
  }
}

TEST_CASE("error: a device that is not there, and memory that is not") {
  weft::runtime& runtime = weft_test::backend::runtime();
  REQUIRE_THROWS_AS(runtime.set_device(1000), weft::invalid_argument);
  REQUIRE_THROWS_AS(weft::stream(policy, 1000), weft::invalid_argument);
  weft::no_memory_resource none;
  const std::string text = message_of<weft::out_of_memory>([&] { weft::buffer<int> b(policy.with(none), 1000); });
  REQUIRE(mentions(text, "no memory: out of memory: 4000 bytes"));
  weft::pool_resource small(policy, {.limit_bytes = 1 << 20});
  REQUIRE_THROWS_AS(weft::buffer<char>(policy.with(small), 1 << 21), weft::out_of_memory);
  REQUIRE_NOTHROW(weft::buffer<char>(policy.with(small), 1 << 18));
  // More than any machine has, refused by the vendor; a sanitizer's malloc would end the program instead.
  if (runtime.name() != "host")
    REQUIRE_THROWS_AS(weft::buffer<char>(policy, weft::offset{1} << 45), weft::out_of_memory);
  REQUIRE_THROWS_AS(weft::buffer<double>(policy, weft::offset{1} << 62), weft::invalid_argument);
  REQUIRE_NOTHROW(weft::buffer<char>(policy, 1000));
}
