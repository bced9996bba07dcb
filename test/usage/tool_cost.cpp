// What a call pays for tools (weft/profile.hpp) while none is attached: tool_cost.sh reads the code of `told`.
#include <weft/profile.hpp>
#include <weft/seq.hpp>

void work(int*);

extern "C" void told(int* x) {
  const weft::detail::told tell(weft::seq, "verb");
  work(x);
}
