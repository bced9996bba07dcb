// Loads plug-ins (plugin.cpp) in the order given, each "local:FILE" or "global:FILE", and lets them work in turn:
//
//   host apart local:a.so global:b.so …    no two of them share anything
//   host shared global:a.so global:b.so    they share the library's singletons: one version, default visibility
//   host unload local:a.so local:b.so …    each leaves the process after use, and comes back
//
// Exits with the number of failed checks.
#include "plugin.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

int failures = 0;
void expect(bool ok, const std::string& what) {
  if (ok) return;
  ++failures;
  std::printf("FAILED: %s\n", what.c_str());
}

struct loaded {
  std::string path;
  void* library = nullptr;
  const plugin_functions* functions = nullptr;

  explicit loaded(const std::string& argument) : path(argument.substr(argument.find(':') + 1)) {
    const int mode = argument.rfind("global:", 0) == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
    library = dlopen(path.c_str(), RTLD_NOW | mode);
    if (library == nullptr) {
      expect(false, dlerror());
      return;
    }
    functions = reinterpret_cast<const plugin_functions* (*)()>(dlsym(library, "plugin"))();
  }
};

std::vector<float> some_values() {
  std::vector<float> x(300'000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.f / static_cast<float>(i * 7919 % x.size() + 1);
  return x;
}

void work(const loaded& p, const std::vector<float>& x, float* first_sum) {
  float sum = 0;
  expect(p.functions->run(static_cast<long>(x.size()), x.data(), &sum), p.path + " works");
  if (*first_sum == 0) *first_sum = sum;
  expect(std::memcmp(&sum, first_sum, sizeof sum) == 0, p.path + " gets the same bits");
}

bool share_any(const loaded& a, const loaded& b) {
  bool any = false;
  for (int i = 0; const void* mine = a.functions->singleton(i); ++i) any = any || mine == b.functions->singleton(i);
  return any;
}
bool share_all(const loaded& a, const loaded& b) {
  bool all = true;
  for (int i = 0; const void* mine = a.functions->singleton(i); ++i) all = all && mine == b.functions->singleton(i);
  return all;
}

}  // namespace

int main(int arguments, char** argument) {
  const std::string way = argument[1];
  const std::vector<float> x = some_values();
  float sum = 0;

  if (way == "unload") {
    for (int round = 0; round < 3; ++round)
      for (int i = 2; i < arguments; ++i) {
        const loaded p(argument[i]);
        if (p.functions == nullptr) return failures;
        std::thread([&] { work(p, x, &sum); }).join();  // a thread that has used it has ended
        work(p, x, &sum);                               // and one that has used it goes on
        expect(dlclose(p.library) == 0, "dlclose");
      }
    return failures;
  }

  std::vector<loaded> all;
  for (int i = 2; i < arguments; ++i) {
    all.emplace_back(argument[i]);
    if (all.back().functions == nullptr) return failures;
    std::printf("version %ld: %s\n", all.back().functions->version(), argument[i]);
  }
  for (int round = 0; round < 2; ++round)
    for (const loaded& p : all) work(p, x, &sum);
  for (const loaded& a : all)
    for (const loaded& b : all) {
      if (&a == &b) continue;
      if (way == "shared")
        expect(share_all(a, b), a.path + " and " + b.path + " share everything");
      else
        expect(!share_any(a, b), a.path + " and " + b.path + " share nothing");
    }
  // A tool of one plug-in is told of the calls of those it shares with.
  all[0].functions->listen(true);
  const long before = all[0].functions->heard();
  for (std::size_t i = 1; i < all.size(); ++i) work(all[i], x, &sum);
  expect((all[0].functions->heard() > before) == (way == "shared"), "who is told of others' calls");
  all[0].functions->listen(false);
  // One leaves; the others go on.
  expect(dlclose(all[0].library) == 0, "dlclose");
  for (std::size_t i = 1; i < all.size(); ++i) work(all[i], x, &sum);
  return failures;
}
