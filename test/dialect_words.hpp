// The words of the dialect, each beside its definition. Every word is a kernel of its own: `ask` is what a thread asks,
// `answer` what it must be told, computed on the host from the thread's number and the warp's width alone. The same
// text runs on every backend of the GPU family, so the emulation, CUDA and HIP are held to one definition.
#pragma once

#include <weft/buffer.hpp>
#include <weft/gpu/launch.hpp>

#include <algorithm>
#include <cstring>
#include <vector>

namespace weft_words {

using weft::gpu::arch;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

constexpr unsigned threads = 192, blocks = 3;  // six warps of 32, three of 64

/// A different number for each n.
WEFT_HOST_DEVICE constexpr u64 mix(u64 n) {
  n = (n + 1) * 0x9e3779b97f4a7c15u;
  n = (n ^ (n >> 31)) * 0xbf58476d1ce4e5b9u;
  return n ^ (n >> 29);
}

/// Who is asked for an answer: thread t of block b, warps of w lanes.
struct place {
  unsigned b, t, w;
  unsigned lane() const { return t % w; }
  unsigned first() const { return t - t % w; }  // thread of lane 0
  template <class Predicate>
  u64 lanes(Predicate is) const {  // mask of the lanes whose thread number fulfils it
    u64 mask = 0;
    for (unsigned l = 0; l < w; ++l) mask |= u64{is(first() + l)} << l;
    return mask;
  }
};

// Where am I ---------------------------------------------------------------------------------------------------------

struct thread_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.thread() + 1000u * block.index();
  }
  static u64 answer(place p) { return p.t + 1000 * p.b; }
};
struct extent_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.threads() + 1000u * block.blocks();
  }
  static u64 answer(place) { return threads + 1000 * blocks; }
};
struct lane_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().lane() + 100u * block.warp().index() + 10000u * Block::width;
  }
  static u64 answer(place p) { return p.lane() + 100 * (p.t / p.w) + 10000 * p.w; }
};
struct lanes_below_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().lanes_below();
  }
  static u64 answer(place p) {
    return p.lanes([&](unsigned t) { return t < p.t; });
  }
};

// Shuffles -----------------------------------------------------------------------------------------------------------

/// A value of `Bytes` bytes made from n, and back to a number that depends on every byte.
template <int Bytes>
struct parcel {
  unsigned char byte[Bytes];
  static WEFT_HOST_DEVICE parcel of(u64 n) {
    parcel p;
    for (int i = 0; i < Bytes; ++i) p.byte[i] = static_cast<unsigned char>(mix(n * 64 + static_cast<u64>(i)));
    return p;
  }
  WEFT_HOST_DEVICE u64 sum() const {
    u64 s = 0;
    for (int i = 0; i < Bytes; ++i) s = s * 31 + byte[i];
    return s;
  }
};

template <int Bytes>
struct shuffle_word {  // each lane reads a lane of its own choice, beyond the width too
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    const auto warp = block.warp();
    return warp.shuffle(parcel<Bytes>::of(block.thread()), warp.lane() * 7 + 3).sum();
  }
  static u64 answer(place p) { return parcel<Bytes>::of(p.first() + (p.lane() * 7 + 3) % p.w).sum(); }
};
struct broadcast_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().shuffle(mix(block.thread()), Block::width - 1);
  }
  static u64 answer(place p) { return mix(p.first() + p.w - 1); }
};
template <unsigned Distance>
struct shuffle_up_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().shuffle_up(mix(block.thread()), Distance);
  }
  static u64 answer(place p) { return mix(p.lane() < Distance ? p.t : p.t - Distance); }
};
template <unsigned Distance>
struct shuffle_down_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().shuffle_down(mix(block.thread()), Distance);
  }
  static u64 answer(place p) { return mix(p.lane() + Distance < p.w ? p.t + Distance : p.t); }
};
struct inclusive_sum_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().inclusive_sum(static_cast<std::uint32_t>(mix(block.thread())));
  }
  static u64 answer(place p) {
    std::uint32_t sum = 0;
    for (unsigned t = p.t - p.lane(); t <= p.t; ++t) sum += static_cast<std::uint32_t>(mix(t));
    return sum;
  }
};
struct greatest_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().greatest(static_cast<std::uint32_t>(mix(block.thread())));
  }
  static u64 answer(place p) {
    std::uint32_t most = 0;
    for (unsigned lane = 0; lane < p.w; ++lane) {
      const auto v = static_cast<std::uint32_t>(mix(p.t - p.lane() + lane));
      most = v > most ? v : most;
    }
    return most;
  }
};
template <unsigned Mask>
struct shuffle_xor_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().shuffle_xor(mix(block.thread()), Mask);
  }
  static u64 answer(place p) { return mix(p.first() + (p.lane() ^ Mask)); }
};

// Votes --------------------------------------------------------------------------------------------------------------

WEFT_HOST_DEVICE constexpr bool votes(unsigned t) { return mix(t) % 3 == 0; }

struct ballot_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().ballot(votes(block.thread()));
  }
  static u64 answer(place p) { return p.lanes(votes); }
};
struct any_word {  // true in the warp of thread 70 alone
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().any(block.thread() == 70);
  }
  static u64 answer(place p) { return p.first() <= 70 && 70 < p.first() + p.w; }
};
struct all_word {  // false in the warp of thread 70 alone
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().all(block.thread() != 70);
  }
  static u64 answer(place p) { return !(p.first() <= 70 && 70 < p.first() + p.w); }
};
template <int Bits>
struct match_word {
  static WEFT_HOST_DEVICE constexpr u32 digit(unsigned t) { return static_cast<u32>(mix(t) % 11 * 37); }
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.warp().match(digit(block.thread()), Bits);
  }
  static u64 answer(place p) {
    const u32 low = (u32{1} << Bits) - 1;
    return p.lanes([&](unsigned t) { return ((digit(t) ^ digit(p.t)) & low) == 0; });
  }
};
struct sync_count_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    const unsigned first = block.sync_count(votes(block.thread()));
    return first * 1000u + block.sync_count(block.thread() < 5);  // a tally must not leak into the next one
  }
  static u64 answer(place) {
    u64 n = 0;
    for (unsigned t = 0; t < threads; ++t) n += votes(t);
    return n * 1000 + 5;
  }
};
struct sync_or_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    const bool some = block.sync_or(block.thread() == threads - 1);
    const bool none = block.sync_or(false);
    return some + 2u * none;
  }
  static u64 answer(place) { return 1; }
};

// Bits ---------------------------------------------------------------------------------------------------------------

struct bits_word {
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    const u64 m = u64{1} << block.thread() % 64 | u64{1} << block.thread() % 13;
    return static_cast<u64>(block.popcount(m) + 100 * block.lowest_bit(m) + 10000 * block.highest_bit(m));
  }
  static u64 answer(place p) {
    const u64 a = p.t % 64, b = p.t % 13;
    return (a == b ? 1 : 2) + 100 * std::min(a, b) + 10000 * std::max(a, b);
  }
};

/// Bits above the four numbers are set to show that they are ignored.
struct permute_bytes_word {
  static WEFT_HOST_DEVICE constexpr u32 from(unsigned t) { return static_cast<u32>(mix(t + 1000)) & 0xffff3333u; }
  template <class Block>
  static WEFT_DEVICE u64 ask(Block block) {
    return block.permute_bytes(static_cast<u32>(mix(block.thread())), from(block.thread()));
  }
  static u64 answer(place p) {
    const auto v = static_cast<u32>(mix(p.t));
    u64 r = 0;
    for (unsigned k = 0; k < 4; ++k) r |= u64{v >> from(p.t) / (1u << 4 * k) % 16 * 8 & 0xff} << 8 * k;
    return r;
  }
};

template <class Word>
struct word_kernel {
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {};
  u64* out;
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    out[block.index() * threads + block.thread()] = Word::ask(block);
  }
};

/// How many threads were told something else than the definition says.
template <class Word, class Policy>
int wrong_answers(const Policy& policy) {
  return weft::gpu::on_arch(policy, [&]<arch A>() {
    weft::buffer<u64> out(policy, blocks * threads);
    weft::gpu::launch<A>(policy, blocks, word_kernel<Word>{out.data()});
    const std::vector<u64> got = weft::to_vector(policy, out);
    const auto width = static_cast<unsigned>(weft::gpu::device_of(policy).warp_width);
    int wrong = 0;
    for (unsigned i = 0; i < blocks * threads; ++i) wrong += got[i] != Word::answer({i / threads, i % threads, width});
    return wrong;
  });
}

template <class...>
struct word_list {};
using warp_words =
    word_list<thread_word, extent_word, lane_word, lanes_below_word, shuffle_word<1>, shuffle_word<2>, shuffle_word<4>,
              shuffle_word<8>, shuffle_word<12>, shuffle_word<64>, broadcast_word, shuffle_up_word<1>,
              shuffle_up_word<7>, shuffle_up_word<31>, shuffle_down_word<1>, shuffle_down_word<7>,
              shuffle_down_word<31>, shuffle_xor_word<1>, shuffle_xor_word<13>, shuffle_xor_word<31>,
              inclusive_sum_word, greatest_word, ballot_word, any_word, all_word, match_word<1>, match_word<4>,
              match_word<9>, sync_count_word, sync_or_word, bits_word, permute_bytes_word>;

// Memory -------------------------------------------------------------------------------------------------------------

/// Copies 16-, 8- and 4-byte pieces, cached and streamed: out[i] must become in[i].
struct vector_kernel {
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {};
  const u32* in;  // [blocks * threads * 14]
  u32* out;
  template <int N, class Block>
  WEFT_DEVICE void copy(Block block, unsigned first) const {
    const unsigned i = first + (block.index() * threads + block.thread()) * (N / 4);
    const unsigned j = i + blocks * threads * (N / 4);
    block.template store_vector<N>(out + i, block.template load_vector<N>(in + i));
    block.template store_stream<N>(out + j, block.template load_stream<N>(in + j));
  }
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>&) const {
    constexpr unsigned all = blocks * threads;
    copy<16>(block, 0);
    copy<8>(block, all * 8);
    copy<4>(block, all * 12);
  }
};

template <class Policy>
bool vectors_move(const Policy& policy) {
  std::vector<u32> in(blocks * threads * 14);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<u32>(mix(i));
  const auto from = weft::to_buffer(policy, in);
  weft::buffer<u32> to(policy, from.size());
  weft::gpu::on_arch(policy, [&]<arch A>() {
    weft::gpu::launch<A>(policy, blocks, vector_kernel{from.data(), to.data()});
  });
  return weft::to_vector(policy, to) == in;
}

/// Copies in bulk where there are such: rounds of one stage, copied by the first thread and moved on by all the others,
/// which write over it and release it; the fence keeps these writes before the next copy. Without, all threads copy.
struct bulk_kernel {
  static constexpr int stage = 4 * threads, rounds = 5;
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {
    alignas(16) u32 words[stage];
    u64 loaded, released;
  };
  const u32* from;  // [blocks][rounds][stage]
  u32* to;          // the same, plus one everywhere
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    const unsigned t = block.thread(), start = block.index() * rounds * stage;
    if constexpr (Block::has_bulk_copies) {
      if (t == 0) {
        block.barrier_init(&s.loaded, 1);
        block.barrier_init(&s.released, threads - Block::width);
      }
      block.sync();
      for (unsigned r = 0; r < rounds; ++r) {
        if (block.warp().index() == 0) {
          block.barrier_wait(&s.released, (r & 1) ^ 1);
          block.warp().sync();  // a lane that looked only after the next release would wait for the one after it
          if (t == 0) {
            block.bulk_fence();
            block.barrier_expect(&s.loaded, sizeof(s.words));
            block.bulk_load(s.words, from + start + r * stage, sizeof(s.words) / 2, &s.loaded);
            block.bulk_load(s.words + stage / 2, from + start + r * stage + stage / 2, sizeof(s.words) / 2, &s.loaded);
          }
        } else {
          block.barrier_wait(&s.loaded, r & 1);
          for (unsigned i = t - Block::width; i < stage; i += threads - Block::width) {
            to[start + r * stage + i] = s.words[i] + 1;
            s.words[i] = i;
          }
          block.barrier_arrive(&s.released);
        }
      }
    } else {
      for (unsigned i = t; i < rounds * stage; i += threads) to[start + i] = from[start + i] + 1;
    }
  }
};

template <class Policy>
bool bulk_copies_move(const Policy& policy) {
  std::vector<u32> in(blocks * bulk_kernel::rounds * bulk_kernel::stage);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<u32>(mix(i));
  const auto from = weft::to_buffer(policy, in);
  weft::buffer<u32> to(policy, from.size());
  weft::gpu::on_arch(policy, [&]<arch A>() {
    weft::gpu::launch<A>(policy, blocks, bulk_kernel{from.data(), to.data()});
  });
  for (u32& x : in) ++x;
  return weft::to_vector(policy, to) == in;
}

/// Every atomic word on cells of type T, by all threads of all blocks at once.
template <class T>
struct atomic_kernel {
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {
    T add, fetched, bits;
  };
  T* cell;  // [12], see below
  T* old;   // [3][blocks * threads]
  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    const unsigned t = block.thread(), i = block.index() * threads + t;
    if (t == 0) s.add = s.fetched = s.bits = 0;
    block.sync();

    old[i] = block.fetch_add(cell + 0, T{1});
    old[blocks * threads + i] = block.fetch_add_acq_rel(cell + 1, T{1});
    block.fetch_add(cell + 2, static_cast<T>(T{0} - T{2}));
    block.fetch_min(cell + 3, static_cast<T>(mix(i)));
    block.fetch_max(cell + 4, static_cast<T>(mix(i)));
    block.fetch_or(cell + 5, static_cast<T>(T{1} << t % 31));
    old[2 * blocks * threads + i] = block.exchange(cell + 6, static_cast<T>(i + 1));
    for (T seen = 0;;) {  // a counter by compare and exchange
      const T was = block.compare_exchange(cell + 7, seen, static_cast<T>(seen + 1));
      if (was == seen) break;
      seen = was;
    }
    if (i == 0) {
      block.store_relaxed(cell + 8, static_cast<T>(block.load_relaxed(cell + 9) + 1));
      block.store_release(cell + 10, static_cast<T>(block.load_acquire(cell + 9) + 2));
      block.fence();
    }

    block.shared_add(&s.add, T{1});
    block.shared_fetch_or(&s.bits, static_cast<T>(T{1} << t % 31));
    const bool first = block.shared_fetch_add(&s.fetched, T{1}) == 0;
    const unsigned firsts = block.sync_count(first);
    if (t == 0 && firsts == 1 && s.add == T{threads} && s.fetched == T{threads} && s.bits == T{0x7fffffff})
      block.fetch_add(cell + 11, T{1});
  }
};

/// True when `old` holds the numbers from 0, each once.
template <class T>
bool counted(std::vector<T> old) {
  std::sort(old.begin(), old.end());
  for (std::size_t i = 0; i < old.size(); ++i)
    if (old[i] != static_cast<T>(i)) return false;
  return true;
}

/// The number of the first cell that is wrong, or -1.
template <class T, class Policy>
int wrong_atomic(const Policy& policy) {
  constexpr unsigned all = blocks * threads;
  T least = static_cast<T>(mix(0)), most = least;
  for (unsigned i = 1; i < all; ++i) {
    least = std::min(least, static_cast<T>(mix(i)));
    most = std::max(most, static_cast<T>(mix(i)));
  }
  auto cells = weft::to_buffer(
      policy, std::vector<T>{0, 0, 0, static_cast<T>(mix(1)), static_cast<T>(mix(1)), 0, 0, 0, 0, 41, 0, 0});
  weft::buffer<T> old(policy, 3 * all);
  weft::gpu::on_arch(policy, [&]<arch A>() {
    weft::gpu::launch<A>(policy, blocks, atomic_kernel<T>{cells.data(), old.data()});
  });
  const std::vector<T> got = weft::to_vector(policy, cells), seen = weft::to_vector(policy, old);
  std::vector<T> exchanged(seen.begin() + 2 * all, seen.end());
  exchanged.push_back(got[6]);
  const T wanted[] = {
      T{all}, T{all},   static_cast<T>(T{0} - T{2 * all}), least, most, T{0x7fffffff}, got[6], T{all}, T{42}, T{41},
      T{43},  T{blocks}};
  for (int c = 0; c < 12; ++c)
    if (got[static_cast<std::size_t>(c)] != wanted[c]) return c;
  if (!counted(std::vector<T>(seen.begin(), seen.begin() + all))) return 0;
  if (!counted(std::vector<T>(seen.begin() + all, seen.begin() + 2 * all))) return 1;
  return counted(exchanged) ? -1 : 6;
}

}  // namespace weft_words
