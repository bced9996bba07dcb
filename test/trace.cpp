// The file of weft::trace_file is read back by a small parser of JSON: it must be whole, name what was called, and its
// bars must lie within one another.
#include <weft/stream.hpp>
#include <weft/trace.hpp>
#include <weft/weft.hpp>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "harness.hpp"

namespace {

/// Values of JSON as far as they occur here; throws std::runtime_error for anything that is not JSON.
struct json {
  std::string text;                    // of strings and numbers
  std::vector<json> items;             // of arrays
  std::map<std::string, json> fields;  // of objects
  double number() const { return std::stod(text); }
  const json& operator[](const std::string& key) const { return fields.at(key); }
};

class parser {
 public:
  explicit parser(std::string text) : text_(std::move(text)) {}
  json whole() {
    json v = value();
    space();
    if (at_ != text_.size()) throw std::runtime_error("text behind the end");
    return v;
  }

 private:
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!take(c)) throw std::runtime_error(std::string("no ") + c + " at " + std::to_string(at_));
  }
  std::string string() {
    need('"');
    std::string s;
    while (text_.at(at_) != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) throw std::runtime_error("a control character");
      if (text_[at_] == '\\') ++at_;
      s += text_.at(at_++);
    }
    ++at_;
    return s;
  }
  json value() {
    json v;
    space();
    if (take('{')) {
      if (take('}')) return v;
      do {
        const std::string key = string();
        need(':');
        if (!v.fields.emplace(key, value()).second) throw std::runtime_error("twice " + key);
      } while (take(','));
      need('}');
    } else if (take('[')) {
      if (take(']')) return v;
      do v.items.push_back(value());
      while (take(','));
      need(']');
    } else if (text_.at(at_) == '"') {
      v.text = string();
    } else {
      while (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.'))
        v.text += text_[at_++];
      if (v.text.empty()) throw std::runtime_error("no value at " + std::to_string(at_));
    }
    return v;
  }
  std::string text_;
  std::size_t at_ = 0;
};

json read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return parser(text.str()).whole();
}

std::string path_of(const char* name) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/weft-trace-" + std::string(backend_name) + "-" + name + "-" +
         std::to_string(weft::detail::monotonic_ns()) + ".json";
}

}  // namespace

TEST_CASE("trace: the file holds every algorithm, in order and in threads of its own") {
  const std::string path = path_of("calls");
  room<u32> x(values<u32>(5000, 1)), y(5000);
  {
    weft::trace_file trace(path);
    weft::inclusive_scan(policy, x.begin(), x.end(), y.begin());
    weft::sort(policy, y.begin(), y.end());
    std::thread([&] { weft::reduce(policy, x.begin(), x.end(), 0u); }).join();
  }
  const json all = read(path);
  std::remove(path.c_str());
  REQUIRE(all["otherData"]["lost"].text == "0");
  std::vector<std::string> names;
  std::vector<std::string> threads;
  for (const json& e : all["traceEvents"].items) {
    REQUIRE(e["ph"].text == "X");
    REQUIRE(e["dur"].number() >= 0);
    if (e["cat"].text != "algorithm") continue;
    REQUIRE(e["args"]["backend"].text == backend_name);
    if (names.empty() || names.back() != e["name"].text) {
      names.push_back(e["name"].text);
      threads.push_back(e["tid"].text);
    }
  }
  REQUIRE(names == std::vector<std::string>{"inclusive_scan", "sort", "reduce"});
  REQUIRE(threads[0] == threads[1]);
  REQUIRE(threads[1] != threads[2]);
  // Two bars of a thread are apart or one within the other.
  const auto& events = all["traceEvents"].items;
  for (const json& a : events)
    for (const json& b : events) {
      if (&a == &b || a["tid"].text != b["tid"].text) continue;
      const double a0 = a["ts"].number(), a1 = a0 + a["dur"].number(), b0 = b["ts"].number(),
                   b1 = b0 + b["dur"].number(), slack = 0.01;
      const bool apart = a1 <= b0 + slack || b1 <= a0 + slack;
      const bool within = (a0 >= b0 - slack && a1 <= b1 + slack) || (b0 >= a0 - slack && b1 <= a1 + slack);
      REQUIRE((apart || within));
    }
}

TEST_CASE("trace: texts are escaped, sizes kept, and what does not fit is counted") {
  const std::string path = path_of("sizes");
  weft::runtime& runtime = weft_test::backend::runtime();
  {
    weft::trace_file trace(path, 3);
    void* memory = runtime.allocate(weft::memory_kind::device, 12345, 0);
    for (int i = 0; i < 10; ++i) runtime.fill_bytes(memory, 1, 100, policy.stream());
    policy.stream().synchronize();
    runtime.deallocate(weft::memory_kind::device, memory, 12345, 0);
    trace.write();
    weft::profile::event odd;
    odd.name = "a \"name\" with a \\ and a \n";
    weft::detail::tell_tools([&](weft::profile::tool& tool) { tool.end(odd); });
  }
  const json all = read(path);
  std::remove(path.c_str());
  const auto& events = all["traceEvents"].items;
  REQUIRE(events.size() == 3);
  REQUIRE(events[0]["cat"].text == "allocation");
  REQUIRE(events[0]["args"]["bytes"].text == "12345");
  REQUIRE(std::stoi(all["otherData"]["lost"].text) >= 9);
  const std::string second = path_of("names");
  {
    weft::trace_file trace(second);
    weft::profile::event odd;
    odd.name = "a \"name\" with a \\ and a \n";
    weft::detail::tell_tools([&](weft::profile::tool& tool) { tool.end(odd); });
  }
  REQUIRE(read(second)["traceEvents"].items.at(0)["name"].text == "a \"name\" with a \\ and a  ");
  std::remove(second.c_str());
  weft::trace_file nowhere("/no/such/folder/trace.json");
  REQUIRE_THROWS_AS(nowhere.write(), weft::error);
}
