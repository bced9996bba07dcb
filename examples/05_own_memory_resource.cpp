// A memory resource of one's own: an arena that takes one block from the backend's pool and hands out pieces of it.
// Given to a policy it serves the temporary storage of every call, so that a loop of calls allocates nothing anywhere.
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/find.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/sort.hpp>
#include WEFT_EXAMPLE_HEADER

#include <cstdio>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;

/// For one stream: a piece may then be reused by later work without waiting for earlier work.
class arena final : public weft::memory_resource {
 public:
  arena(weft::stream_ref stream, weft::memory_resource& upstream, std::size_t bytes)
      : block_(stream, upstream, static_cast<weft::offset>(bytes)), kind_(upstream.kind()) {}

  void* allocate(std::size_t bytes, std::size_t, weft::stream_ref stream) override {
    if (bytes == 0) return nullptr;
    const std::size_t rounded = (bytes + 255) / 256 * 256;  // the largest alignment that is ever asked for
    if (stream != block_.stream()) throw weft::error("arena: used on another stream");
    if (rounded > block_.bytes() - used_) throw weft::out_of_memory("arena: full");
    void* const memory = block_.data() + used_;
    used_ += rounded;
    peak_ = used_ > peak_ ? used_ : peak_;
    ++live_;
    return memory;
  }
  void deallocate(void* memory, std::size_t, std::size_t, weft::stream_ref) noexcept override {
    if (memory != nullptr && --live_ == 0) used_ = 0;  // everything has come back: start again
  }
  weft::memory_kind kind() const noexcept override { return kind_; }
  std::string_view name() const noexcept override { return "arena"; }
  std::size_t peak() const { return peak_; }

 private:
  weft::buffer<std::byte> block_;
  weft::memory_kind kind_;
  std::size_t used_ = 0, peak_ = 0;
  int live_ = 0;
};

struct shuffled {
  WEFT_HOST_DEVICE unsigned operator()(weft::offset i) const { return static_cast<unsigned>(i) * 2654435761u; }
};

/// An order of one's own: its sort merges, with room for a second copy (numbers by weft::less may be sorted in place).
struct by_low_half {
  WEFT_HOST_DEVICE bool operator()(unsigned a, unsigned b) const { return (a & 0xffff) < (b & 0xffff); }
};

int main() {
  const weft::offset n = 20000;
  weft::stream stream(policy);
  weft::statistics_resource counted(policy.on(stream).resource());
  weft::buffer<unsigned> x(policy.on(stream), n);

  arena room(stream, counted, 1 << 20);
  const auto in_arena = policy.on(stream).with(room);
  bool sorted = true;
  for (int round = 0; round < 10; ++round) {
    weft::tabulate(in_arena, x.begin(), x.end(), shuffled{});
    weft::stable_sort(in_arena, x.begin(), x.end(), by_low_half{});
    sorted &= weft::is_sorted(in_arena, x.begin(), x.end(), by_low_half{});
  }
  const auto taken = counted.statistics().allocations;
  std::printf("10 sorts used up to %zu bytes of the arena; the pool was asked %llu time(s)\n", room.peak(),
              static_cast<unsigned long long>(taken));

  // Too small an arena: the call that needs more throws, and the next one finds everything as it was.
  arena closet(stream, counted, 256);
  bool refused = false;
  try {
    weft::stable_sort(policy.on(stream).with(closet), x.begin(), x.end(), by_low_half{});
  } catch (const weft::out_of_memory& e) {
    refused = true;
    std::printf("in 256 bytes: %s\n", e.what());
  }
  return sorted && refused && taken == 1 && room.peak() > 0 ? 0 : 1;
}
