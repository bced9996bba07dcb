// A tool that writes what the library did, and when, as a file for Perfetto (ui.perfetto.dev) or chrome://tracing:
//
//   weft::trace_file trace("run.json");   // to the end of the scope
//   …
//
// Times are the host's: with a stream an algorithm's bar is what the caller paid to queue it, and the kernels
// themselves are for the vendor's profiler (<weft/cuda/nvtx.hpp>, <weft/hip/roctx.hpp>).
#pragma once

#include <weft/error.hpp>
#include <weft/profile.hpp>

#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace weft::inline v100 {

/// Listens from its construction to its end, and writes the file then. Events are kept in memory until that time: some
/// 150 bytes each. At most `most_events` are kept; the file says how many were lost.
class trace_file final : profile::tool {
 public:
  explicit trace_file(std::string path, std::size_t most_events = 1 << 20)
      : path_(std::move(path)), most_(most_events) {
    check(profile::attach(*this), "trace", "eight tools are attached already");
  }
  trace_file(const trace_file&) = delete;
  trace_file& operator=(const trace_file&) = delete;
  /// Writes what has not been written. An error of the file is ignored here; call write() to hear of it.
  ~trace_file() {
    profile::detach(*this);
    try {
      if (!written_) write();
    } catch (...) {  // a destructor never throws
    }
  }

  /// Writes all events so far to the file, from its start. Throws weft::error where the file cannot be written.
  void write() {
    std::lock_guard lock(guard_);
    std::FILE* const file = std::fopen(path_.c_str(), "w");
    if (file == nullptr) throw error("trace", {}, "cannot write " + path_);
    std::fputs("{\"displayTimeUnit\": \"ns\", \"otherData\": {\"lost\": ", file);
    std::fprintf(file, "%zu}, \"traceEvents\": [", lost_);
    const char* separator = "\n";
    for (const std::string& line : lines_) {
      std::fputs(separator, file);
      std::fputs(line.c_str(), file);
      separator = ",\n";
    }
    std::fputs("\n]}\n", file);
    const bool bad = std::ferror(file) != 0;
    if ((std::fclose(file) != 0) | bad) throw error("trace", {}, "cannot write " + path_);
    written_ = true;
  }

 private:
  void end(const profile::event& e) noexcept override {
    try {
      std::string line = "{\"ph\": \"X\", \"pid\": 1, \"tid\": " + std::to_string(thread_number());
      text(line, "name", e.name);
      text(line, "cat", profile::name_of(e.what));
      line += ", \"ts\": " + microseconds(e.begun) + ", \"dur\": " + microseconds(e.ended - e.begun) + ", \"args\": {";
      line += "\"device\": " + std::to_string(e.stream.device);
      text(line, "backend", e.backend);
      if (!e.verb.empty()) text(line, "verb", e.verb);
      if (e.stream.handle != nullptr) text(line, "stream", address(e.stream.handle));
      if (e.memory != nullptr) text(line, "memory", address(e.memory));
      if (e.bytes != 0) line += ", \"bytes\": " + std::to_string(e.bytes);
      if (e.where.line() != 0)
        text(line, "policy", std::string(e.where.file_name()) + ":" + std::to_string(e.where.line()));
      line += "}}";
      std::lock_guard lock(guard_);
      written_ = false;
      if (lines_.size() < most_)
        lines_.push_back(std::move(line));
      else
        ++lost_;
    } catch (...) {
      std::lock_guard lock(guard_);
      ++lost_;
    }
  }

  static void text(std::string& line, std::string_view key, std::string_view value) {
    line.append(", \"").append(key).append("\": \"");
    for (const char c : value) {
      if (c == '"' || c == '\\') line += '\\';
      line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    line += '"';
  }
  // Without going through a double, which has not enough digits for a machine that has been up for a year.
  static std::string microseconds(std::uint64_t ns) {
    const std::string below = std::to_string(1000 + ns % 1000);
    return std::to_string(ns / 1000) + "." + below.substr(1);
  }
  static std::string address(const void* p) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%p", p);
    return digits;
  }
  static unsigned thread_number() {
    static std::atomic<unsigned> next{1};
    thread_local const unsigned mine = next.fetch_add(1, std::memory_order_relaxed);
    return mine;
  }

  const std::string path_;
  const std::size_t most_;
  std::mutex guard_;
  std::vector<std::string> lines_;
  std::size_t lost_ = 0;
  bool written_ = false;
};

}  // namespace weft
