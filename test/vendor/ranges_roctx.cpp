// A rocTX that keeps what it is told.
#include <string>

namespace {
std::string& text() {
  static std::string it;
  return it;
}
}  // namespace

extern "C" {
__attribute__((visibility("default"))) const char* heard() { return text().c_str(); }
__attribute__((visibility("default"))) int roctxRangePushA(const char* name) {
  text() += "+" + std::string(name) + " ";
  return 0;
}
__attribute__((visibility("default"))) int roctxRangePop() {
  text() += "-";
  return 0;
}
}
