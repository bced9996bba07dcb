// Loads plug-ins ("local" or "global", then their files) and asks each, twice around, for the same sum: kernels of one
// must not be taken for the other's. Peer defect 6.
#include <dlfcn.h>

#include <cstdio>
#include <string>
#include <vector>

int main(int arguments, char** argument) {
  std::vector<long (*)(int)> sums;
  const int scope = std::string(argument[1]) == "global" ? RTLD_GLOBAL : RTLD_LOCAL;
  for (int i = 2; i < arguments; ++i) {
    void* library = dlopen(argument[i], RTLD_NOW | scope);
    if (!library) return std::printf("%s\n", dlerror()), 1;
    sums.push_back(reinterpret_cast<long (*)(int)>(dlsym(library, "plugin_sum")));
    if (!sums.back()) return std::printf("%s\n", dlerror()), 1;
  }
  int answered = 0;
  for (int round = 0; round < 2; ++round)
    for (const auto sum : sums) {
      const long got = sum(10000);
      std::printf("%ld\n", got);
      if (got < -2 || (got >= 0 && got != 10000L * 9999 / 2)) return 1;
      answered += got >= 0;
    }
  // With a device at least one of the two architectures runs there; -1 everywhere means there is none.
  return answered > 0 || sums[0](1) == -1 ? 0 : 1;
}
