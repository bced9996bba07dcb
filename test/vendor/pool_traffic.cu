// The pool on a real device under random traffic of eight threads: on streams of weft's own that come and go, on
// foreign ones that vanish with their work outstanding, and on the threads' default streams. A kernel writes every
// block when it is handed out, another looks at it before it is freed, often in another stream after an event; some
// kernels dawdle.
//
//   pool_traffic [OPERATIONS]           allocations and deallocations, 2 * 10^5 by default; then again, memory short
//   pool_traffic planted [OPERATIONS]   by a pool whose freed blocks are anybody's at once: this must be seen
//
// Exits with the number of failed checks.
#include <weft/cuda.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/verified.hpp>
#include <weft/stream.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "expect.hpp"

namespace {

using weft::cuda_check;
using weft::stream_ref;

std::atomic<long> refused{0};

/// f(i) for every word of a small block, and for one in each kilobyte of a large one, with its last.
template <class F>
__device__ void for_words(std::size_t words, F f) {
  const std::size_t step = words <= 1024 ? 1 : 256;
  for (std::size_t i = threadIdx.x * step; i < words; i += blockDim.x * step) f(i);
  if (threadIdx.x == 0) f(words - 1);
}
__device__ void dawdle(long long cycles) {
  const long long start = clock64();
  while (clock64() - start < cycles) {}
}
__global__ void write(unsigned* memory, std::size_t words, unsigned tag, long long cycles) {
  dawdle(cycles);
  for_words(words, [=](std::size_t i) { memory[i] = tag; });
}
__global__ void look(const unsigned* memory, std::size_t words, unsigned tag, long long cycles, int* changed) {
  dawdle(cycles);
  for_words(words, [=](std::size_t i) {
    if (memory[i] != tag) atomicAdd(changed, 1);
  });
}

struct held {
  unsigned* memory = nullptr;
  std::size_t bytes = 0;
  unsigned tag = 0;
  stream_ref stream;     // in which it was written
  cudaEvent_t passed{};  // if it waits for another thread: after the writing
};

struct exchange {
  std::mutex guard;
  std::vector<held> blocks;
};

template <class Pool>
class worker {
 public:
  worker(Pool& pool, exchange& left, int* changed, unsigned seed)
      : pool_(pool), left_(left), changed_(changed), random_(seed) {
    cuda_check(cudaEventCreateWithFlags(&between_, cudaEventDisableTiming), "event");
  }
  ~worker() { cudaEventDestroy(between_); }

  void run(long operations) {
    while (done_ < operations) {
      if (one_in(300)) change_streams();
      if (mine_.size() < 24 && one_in(2))
        take();
      else if (!mine_.empty())
        pass_on(mine_[draw(mine_.size())]);
      if (one_in(20000)) pool_.trim();
    }
    while (!mine_.empty()) give_back(mine_.back(), mine_.back().stream), mine_.pop_back();
    for (void* s : foreign_) cuda_check(cudaStreamDestroy(static_cast<cudaStream_t>(s)), "destroy");
  }
  /// What is left for nobody.
  void give_back_later(const held& h) { give_back(h, weft::thread_stream(weft::cuda)); }

 private:
  std::size_t draw(std::size_t n) { return random_() % n; }
  bool one_in(unsigned n) { return random_() % n == 0; }
  long long pause() { return one_in(64) ? 40'000 : 0; }
  static cudaStream_t native(stream_ref s) { return static_cast<cudaStream_t>(s.handle); }

  stream_ref any_stream() {
    const std::size_t kind = draw(4);
    if (kind == 0 && !foreign_.empty()) return weft::borrow(weft::cuda, foreign_[draw(foreign_.size())]);
    if (kind == 1 || owned_.empty()) return weft::thread_stream(weft::cuda);
    return owned_[draw(owned_.size())];
  }
  // A stream ends with its work outstanding, and with no block of ours that was written in it.
  void change_streams() {
    if (owned_.size() < 4) owned_.emplace_back(weft::cuda);
    if (foreign_.size() < 3) {
      cudaStream_t made{};
      cuda_check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "stream");
      foreign_.push_back(made);
    }
    if (one_in(2)) {
      leave(owned_.front());
      owned_.erase(owned_.begin());
    }
    if (one_in(2)) {
      leave(weft::borrow(weft::cuda, foreign_.back()));
      cuda_check(cudaStreamDestroy(static_cast<cudaStream_t>(foreign_.back())), "destroy");
      foreign_.pop_back();
    }
  }
  void leave(stream_ref stream) {
    for (std::size_t i = mine_.size(); i-- > 0;)
      if (mine_[i].stream == stream) give_back(mine_[i], stream), forget(mine_[i]);
  }
  void forget(held& h) {
    std::swap(h, mine_.back());
    mine_.pop_back();
  }

  void take() {
    const std::size_t kind = draw(100);
    held h;
    h.bytes = 4 * (1 + draw(kind < 90 ? 500 : kind < 99 ? 20000 : 800'000));
    h.tag = random_();
    h.stream = any_stream();
    try {
      h.memory = static_cast<unsigned*>(pool_.allocate(h.bytes, 16, h.stream));
    } catch (const weft::out_of_memory&) {  // nothing has changed; we make room
      ++refused;
      while (!mine_.empty()) give_back(mine_.back(), mine_.back().stream), mine_.pop_back();
      return;
    }
    write<<<1, 128, 0, native(h.stream)>>>(h.memory, h.bytes / 4, h.tag, pause());
    mine_.push_back(h);
    ++done_;
  }
  void pass_on(held& at) {
    held h = at;
    forget(at);
    if (one_in(16)) {  // another thread frees it, or one that another has left
      cuda_check(cudaEventCreateWithFlags(&h.passed, cudaEventDisableTiming), "event");
      cuda_check(cudaEventRecord(h.passed, native(h.stream)), "record");
      std::lock_guard lock(left_.guard);
      left_.blocks.push_back(h);
      if (left_.blocks.size() < 100) return;
      std::swap(left_.blocks[draw(left_.blocks.size())], left_.blocks.back());
      h = left_.blocks.back();
      left_.blocks.pop_back();
    }
    give_back(h, h.passed != nullptr || one_in(4) ? any_stream() : h.stream);
  }
  void give_back(const held& h, stream_ref stream) {
    if (h.passed != nullptr) {
      cuda_check(cudaStreamWaitEvent(native(stream), h.passed, 0), "wait");
      cuda_check(cudaEventDestroy(h.passed), "destroy");
    } else if (!(stream == h.stream)) {
      cuda_check(cudaEventRecord(between_, native(h.stream)), "record");
      cuda_check(cudaStreamWaitEvent(native(stream), between_, 0), "wait");
    }
    look<<<1, 128, 0, native(stream)>>>(h.memory, h.bytes / 4, h.tag, pause(), changed_);
    cuda_check(cudaGetLastError(), "launch");
    pool_.deallocate(h.memory, h.bytes, 16, stream);
    ++done_;
  }

  Pool& pool_;
  exchange& left_;
  int* changed_;
  std::mt19937 random_;
  cudaEvent_t between_{};
  std::vector<weft::stream> owned_;
  std::vector<void*> foreign_;
  std::vector<held> mine_;
  long done_ = 0;
};

/// How many words were found changed.
template <class Pool>
int traffic(Pool& pool, long operations) {
  constexpr int threads = 8;
  int* changed = nullptr;
  cuda_check(cudaMallocManaged(&changed, sizeof *changed), "cudaMallocManaged");
  *changed = 0;
  exchange left;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t)
    all.emplace_back([&, t] { worker<Pool>(pool, left, changed, t).run(operations / threads); });
  for (std::thread& t : all) t.join();
  {
    worker<Pool> last(pool, left, changed, threads);
    for (const held& h : left.blocks) last.give_back_later(h);
  }
  cuda_check(cudaDeviceSynchronize(), "synchronize");
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  const int found = *changed;
  cuda_check(cudaFree(changed), "free");
  const weft::pool_statistics s = pool.statistics();
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf(
      "%ld operations in %.1f s: %d words changed; %llu warm, %llu from the vendor, %llu larger, %llu taken over, "
      "%llu with a wait; %ld refused; held at most %.1f MiB, used %.1f MiB\n",
      operations, spent.count(), found, number(s.warm_allocations), number(s.vendor_allocations),
      number(s.larger_reuses), number(s.cross_stream_reuses), number(s.cross_stream_waits), refused.load(),
      static_cast<double>(s.held_peak) / (1 << 20), static_cast<double>(s.used_peak) / (1 << 20));
  return found;
}

template <class Checking>
void run(long operations, weft::pool_options options) {
  weft::basic_pool<weft::vendor_source, weft::size_classes, weft::stream_ordered, Checking> pool(
      weft::vendor_source(weft::cuda_runtime()), options);
  expect(traffic(pool, operations) == 0, "no block is written by another's owner");
  expect(pool.statistics().used_bytes == 0, "all blocks came back");
  pool.trim();
  expect(pool.statistics().held_bytes == 0, "trim finds every block");
}

}  // namespace

int main(int arguments, char** argument) {
  const bool planted = arguments > 1 && std::string(argument[1]) == "planted";
  const long operations = arguments > 1 + planted ? std::atol(argument[1 + planted]) : 200'000;
  if (weft::cuda_runtime().device_count() == 0) return 0;
  if (planted) {
    weft::basic_pool<weft::vendor_source, weft::size_classes, weft::immediate> pool(weft::cuda);
    expect(traffic(pool, operations) > 0, "blocks that change streams too early are seen");
  } else {
    run<weft::poisoned>(operations, {});
    run<weft::verified>(operations / 10, {.limit_bytes = std::size_t{48} << 20});
  }
  std::printf("%d failed\n", failures.load());
  return failures;
}
