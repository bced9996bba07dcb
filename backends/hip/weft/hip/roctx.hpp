// Ranges for AMD's profilers (rocprof, rocprofv3): while a weft::roctx_ranges lives, each algorithm is a rocTX range
// with its name. The library of rocTX is looked for when the object is made; where there is none, nothing happens.
//
//   weft::roctx_ranges ranges;
#pragma once

#include <weft/profile.hpp>

#include <dlfcn.h>

#include <string>

namespace weft::inline v100 {

class roctx_ranges final : profile::tool {
 public:
  roctx_ranges() {
    // Each profiler sees the ranges of its own library.
    for (const char* name :
         {"librocprofiler-sdk-roctx.so.0", "librocprofiler-sdk-roctx.so", "libroctx64.so.4", "libroctx64.so"}) {
      void* const library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);  // never closed: the profiler may hold on to it
      if (library == nullptr) continue;
      push_ = reinterpret_cast<int (*)(const char*)>(dlsym(library, "roctxRangePushA"));
      pop_ = reinterpret_cast<int (*)()>(dlsym(library, "roctxRangePop"));
      if (push_ != nullptr && pop_ != nullptr) break;
    }
    attached_ = push_ != nullptr && pop_ != nullptr && profile::attach(*this);
  }
  roctx_ranges(const roctx_ranges&) = delete;
  roctx_ranges& operator=(const roctx_ranges&) = delete;
  ~roctx_ranges() {
    if (attached_) profile::detach(*this);
  }
  /// False where there is no rocTX, or when eight tools are attached already.
  bool attached() const noexcept { return attached_; }

 private:
  void begin(const profile::event& e) noexcept override {
    if (e.what != profile::kind::algorithm) return;
    char name[96];  // rocTX wants an end of the text, which a view need not have
    const std::size_t n = e.name.copy(name, sizeof name - 1);
    name[n] = '\0';
    push_(name);
  }
  void end(const profile::event& e) noexcept override {
    if (e.what == profile::kind::algorithm) pop_();
  }

  int (*push_)(const char*) = nullptr;
  int (*pop_)() = nullptr;
  bool attached_ = false;
};

}  // namespace weft
