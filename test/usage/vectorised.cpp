// What a user's function that vectorises becomes inside weft: vectorised.sh reads the code.
#include <weft/reduce.hpp>
#include <weft/select.hpp>
#include <weft/transform.hpp>

#include HEADER

namespace {

struct polynomial {
  float operator()(float x) const { return (x * 0.25f + 0.5f) * x + 1.f; }
};
/// A loop inside: g++ turns the outer one into vectors only where it knows that no iteration depends on another.
struct smooth {
  float operator()(float x) const {
    float y = x;
    for (int i = 0; i < 24; ++i) y = y * 0.75f + x * 0.125f;
    return y;
  }
};
struct smooth_two {
  float weight;
  float operator()(float a, float b) const {
    float y = a;
    for (int i = 0; i < 24; ++i) y = y * weight + b;
    return y;
  }
};
struct above {
  bool operator()(float x) const { return x * x > 2.f; }
};

}  // namespace

void all(const float* x, const float* z, float* y, long n, float* sum, long* kept) {
  weft::transform(POLICY, x, x + n, y, polynomial{});
  weft::transform(POLICY, x, x + n, y, smooth{});
  weft::transform(POLICY, x, x + n, z, y, smooth_two{0.5f});
  *sum = weft::reduce(POLICY, x, x + n, 0.f);
  *kept = weft::copy_if(POLICY, x, x + n, y, above{}) - y;
}
