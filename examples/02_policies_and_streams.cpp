// What a policy carries: the stream that work is queued in, and what is required of results. Without a stream a call is
// done when it returns; with one it is queued, and only a call that returns a computed value waits.
#include <weft/buffer.hpp>
#include <weft/fill.hpp>
#include <weft/find.hpp>
#include <weft/merge.hpp>
#include <weft/reduce.hpp>
#include <weft/sort.hpp>
#include WEFT_EXAMPLE_HEADER

#include <cstdio>
#include <cstring>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;

struct scrambled {  // the i-th of a sequence of pseudo-random numbers
  unsigned seed;
  WEFT_HOST_DEVICE unsigned operator()(weft::offset i) const {
    return (static_cast<unsigned>(i) + seed) * 2654435761u >> 8;
  }
};

int main() {
  const weft::offset n = 20000;
  weft::stream left(policy), right(policy);
  const auto on_left = policy.on(left), on_right = policy.on(right);

  // Two sorts that a GPU may run at the same time. A buffer belongs to the stream of the policy that made it.
  weft::buffer<unsigned> a(on_left, n), b(on_right, n);
  weft::tabulate(on_left, a.begin(), a.end(), scrambled{1});
  weft::sort(on_left, a.begin(), a.end());
  weft::tabulate(on_right, b.begin(), b.end(), scrambled{12345});
  weft::sort(on_right, b.begin(), b.end());

  // The left stream waits for the right one, the host for neither.
  weft::event right_is_sorted(policy);
  right_is_sorted.record(right);
  left.wait(right_is_sorted);
  weft::buffer<unsigned> both(on_left, 2 * n);
  weft::merge(on_left, a.begin(), a.end(), b.begin(), b.end(), both.begin());

  // A function whose name ends in _into writes its result where the stream gets to it; its other half returns it.
  weft::buffer<unsigned> largest(on_left, 1);
  weft::reduce_into(on_left, both.begin(), both.end(), largest.begin(), 0u, weft::maximum{});
  const bool sorted = weft::is_sorted(on_left, both.begin(), both.end());
  const unsigned last = weft::to_vector(on_left, both).back();
  const unsigned found = weft::to_vector(on_left, largest)[0];
  std::printf("merged %td numbers: %s, the largest is %u\n", both.size(), sorted ? "sorted" : "NOT SORTED", found);

  // A sum of floating-point numbers has the same bits on every backend, device and number of threads. Requiring it says
  // that this call relies on it: an algorithm that could not keep it would not compile.
  weft::buffer<float> x(policy, n);
  weft::tabulate(policy, x.begin(), x.end(),
                 [] WEFT_HOST_DEVICE(weft::offset i) { return 1 / static_cast<float>(i + 1); });
  const float harmonic = weft::reduce(policy.require(weft::same_bits), x.begin(), x.end());
  std::printf("1 + 1/2 + ... + 1/%td = %.7g, exactly %a\n", n, harmonic, harmonic);

  // What cannot be right is refused before anything runs, with the place where the policy was made.
  bool refused = false;
  try {
    weft::sort(on_left, a.end(), a.begin());
  } catch (const weft::invalid_argument& e) {
    refused = std::strstr(e.what(), "negative count") != nullptr;
    std::printf("refused: %s\n", e.what());
  }
  return sorted && found == last && refused && harmonic == 0x1.4f622p+3f ? 0 : 1;
}
