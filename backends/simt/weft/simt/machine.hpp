// The machine: runs one launch of a kernel on the calling thread, a fibre for each GPU thread, `resident` blocks in
// flight. A thread runs until it must wait (barrier, warp word) or reaches a scheduling point (atomic, backoff); then
// it switches straight to the next thread that can run, chosen by the schedule. Every interleaving it shows is one that
// a GPU may show, and what a GPU would answer with a hang or garbage is a fault here, with the places of all who wait.
//
// Invariants: a thread is in its block's ready ring exactly when its state is `ready` and it does not run. Warp words
// are met by all lanes of a warp, so two sets of slots per warp suffice: nobody can begin the word after next before
// everybody has read the last one. The same holds for the tallies of block barriers. The machine's own data is touched
// under `quiet` only. When something is thrown, all other threads are unwound from where they wait.
#pragma once

#include <weft/error.hpp>
#include <weft/simt/copies.hpp>
#include <weft/simt/fibre.hpp>
#include <weft/simt/options.hpp>

#include <cstring>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

namespace weft::inline v100 {

/// A kernel did what a GPU would not survive: divergence, deadlock, livelock, misaligned access. what() has the places.
class simt_fault : public error {
 public:
  simt_fault(std::string_view text, const std::source_location& where) : error("kernel on simt", {}, text, where) {}
};

}  // namespace weft

namespace weft::inline v100::simt_dialect {

using site = std::source_location;

inline bool same_place(const site& a, const site& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

struct block_state;

struct warp_state {
  static constexpr unsigned slot_bytes = 64;
  unsigned index;
  unsigned lanes, alive, waiting;  // how many there were, are left, and wait in the word that is open
  unsigned phase;                  // of the words; its lowest bit chooses among the two sets below
  const char* word;                // the open one
  site where;
  std::uint64_t votes[2];
  char tag[2];  // what ThreadSanitizer knows this warp's memory order by
  alignas(64) unsigned char slots[2][64 * slot_bytes];
};

struct thread_state {
  enum state_t : unsigned char { ready, at_barrier, at_warp_word, at_signal, done };
  unsigned index, lane;
  warp_state* warp;
  block_state* block;
  state_t state = done;
  bool begun = false;
  const char* doing;  // with `where`: the last word that may have switched
  site where;
  const void* signal;  // while at_signal: which
  fibre* context = nullptr;
  pending_copies copies;
};

struct block_state {
  unsigned index, blocks, threads, live, waiting;
  unsigned phase;  // of the barrier; its lowest bit chooses the tally
  unsigned tally[2];
  const char* word;
  site where;  // of the barrier that is open
  char tag[2];
  void* shared = nullptr;
  std::unique_ptr<thread_state[]> thread;
  std::unique_ptr<warp_state[]> warp;
  // The threads that can run, as a ring of capacity mask + 1.
  std::unique_ptr<std::uint16_t[]> ring;
  unsigned mask, head, count;

  void push(unsigned index_in_block) { ring[(head + count++) & mask] = static_cast<std::uint16_t>(index_in_block); }
  unsigned pop() {
    const unsigned first = ring[head];
    head = (head + 1) & mask;
    --count;
    return first;
  }
  unsigned pop_any(unsigned which) {
    std::uint16_t& chosen = ring[(head + which) & mask];
    const std::uint16_t taken = chosen;
    chosen = ring[head];
    head = (head + 1) & mask;
    --count;
    return taken;
  }
};

class machine;
/// The machine that runs on this thread of the operating system, and the GPU thread it runs at the moment.
inline constinit thread_local machine* active = nullptr;
inline constinit thread_local thread_state* running = nullptr;

struct launch_shape {
  unsigned blocks, threads;
  std::size_t shared_bytes;
  const void* kernel;
  void (*body)(const void* kernel, thread_state&);
  site where;  // the policy was made
};

class machine {
 public:
  machine(const launch_shape& shape, const simt_config& config)
      : shape_(shape), config_(config), random_(config.seed) {}
  machine(const machine&) = delete;
  ~machine() {
    quiet _;
    for (unsigned s = 0; s < slots_; ++s) release_slot(slot_[s]);
    slot_.reset();  // while quiet: threads have last read here after they told ThreadSanitizer that they end
  }

  /// Runs all blocks; throws the first fault, or what the kernel threw.
  void run() {
    if (active) throw simt_fault("a kernel launches a kernel", shape_.where);
    release(&launch_tag_);
    {
      quiet _;
      active = this;
      loop();
      active = nullptr;
      running = nullptr;
    }
    acquire(&done_tag_);
    if (failure_) std::rethrow_exception(failure_);
  }

  // Words, called on the fibre of `self` -------------------------------------------------------------------------

  /// The block's barrier; returns how many threads passed true.
  unsigned barrier(thread_state& self, bool vote, const char* word, const site& where) {
    quiet _;
    block_state& block = *self.block;
    const unsigned half = block.phase & 1;
    self.doing = word;
    self.where = where;
    if (block.waiting == 0) {
      block.word = word;
      block.where = where;
    } else if (!same_place(block.where, where)) {
      fail("threads of a block meet at different barriers: " + place(block.word, block.where) + " and " +
               place(word, where),
           self);
    }
    block.tally[half] += vote;
    release(&block.tag[half]);
    ++block.waiting;
    if (block.waiting == block.live) {
      open_barrier(block, &self);
    } else {
      self.state = thread_state::at_barrier;
      suspend(self);
    }
    acquire(&block.tag[half]);
    return block.tally[half];
  }

  /// A word of the whole warp: deposits `bytes` bytes and a vote, waits for all lanes, and returns the set of slots
  /// (0 or 1) in which everybody's are until the warp's next word but one.
  unsigned meet(thread_state& self, const void* value, unsigned bytes, bool vote, bool ordered, const char* word,
                const site& where) {
    quiet _;
    warp_state& warp = *self.warp;
    const unsigned half = warp.phase & 1;
    self.doing = word;
    self.where = where;
    if (warp.waiting == 0) {
      if (warp.alive != warp.lanes) fail("a warp word is called when lanes of the warp have ended", self);
      warp.word = word;
      warp.where = where;
      warp.votes[half] = 0;
    } else if (!same_place(warp.where, where) || std::strcmp(warp.word, word) != 0) {
      fail("a diverged warp: lanes wait at " + place(warp.word, warp.where) + " and at " + place(word, where), self);
    }
    if (bytes) std::memcpy(warp.slots[half] + self.lane * bytes, value, bytes);
    warp.votes[half] |= std::uint64_t{vote} << self.lane;
    if (ordered) release(&warp.tag[half]);
    if (++warp.waiting == warp.lanes) {
      warp.waiting = 0;
      ++warp.phase;
      const unsigned first = self.index - self.lane;
      for (unsigned i = first; i < first + warp.lanes; ++i)
        if (i != self.index) wake(self.block->thread[i]);
    } else {
      self.state = thread_state::at_warp_word;
      suspend(self);
    }
    if (ordered) acquire(&warp.tag[half]);
    return half;
  }

  /// A place where another thread may run. `waits` says that the caller may be waiting for another thread: too many of
  /// these in a row without progress anywhere are a livelock.
  void scheduling_point(thread_state& self, bool waits, const char* word, const site& where) {
    quiet _;
    self.doing = word;
    self.where = where;
    if (!waits)
      spins_ = 0;
    else if (++spins_ > config_.max_spins)
      fail("livelock: " + std::to_string(config_.max_spins) + " scheduling points without progress" + who_waits(),
           self);
    wake(self);
    suspend(self);
  }

  /// Waits until a thread of the block gives the signal, which `self` has just seen not to be given; unlike a loop
  /// around a scheduling point this costs no turns.
  void await(thread_state& self, const void* signal) {
    quiet _;
    self.signal = signal;
    self.state = thread_state::at_signal;
    suspend(self);
  }
  void give(thread_state& self, const void* signal) {
    quiet _;
    for (unsigned i = 0; i < self.block->threads; ++i) {
      thread_state& thread = self.block->thread[i];
      if (thread.state == thread_state::at_signal && thread.signal == signal) wake(thread);
    }
  }

  [[noreturn]] void fail(const std::string& what, const thread_state& self) {
    throw simt_fault(what + "; seen by block " + std::to_string(self.block->index) + " of " +
                         std::to_string(self.block->blocks) + ", thread " + std::to_string(self.index) + " of " +
                         std::to_string(self.block->threads) + ", lane " + std::to_string(self.lane) + ", at " +
                         place(self.doing, self.where),
                     shape_.where);
  }

 private:
  struct unwound {};  // thrown in the threads that are given up after a failure

  static std::string place(const char* word, const site& where) {
    return std::string(word) + " (" + where.file_name() + ":" + std::to_string(where.line()) + ")";
  }

  /// "; 16 threads at shuffle (file:line), the first is block 0 thread 0; …", for the states that mean waiting.
  std::string who_waits() const {
    struct group {
      const thread_state* first;
      unsigned count;
    };
    std::vector<group> groups;
    for (unsigned s = 0; s < slots_; ++s) {
      const block_state& block = slot_[s];
      for (unsigned i = 0; block.live && i < block.threads; ++i) {
        const thread_state& thread = block.thread[i];
        if (thread.state == thread_state::done || !thread.begun) continue;
        bool known = false;
        for (group& g : groups)
          if (std::strcmp(g.first->doing, thread.doing) == 0 && same_place(g.first->where, thread.where))
            known = true, ++g.count;
        if (!known) groups.push_back({&thread, 1});
      }
    }
    std::string text;
    for (const group& g : groups)
      text += "; " + std::to_string(g.count) + " at " + place(g.first->doing, g.first->where) + ", first block " +
              std::to_string(g.first->block->index) + " thread " + std::to_string(g.first->index);
    return text;
  }

  // The schedule ---------------------------------------------------------------------------------------------------

  unsigned below(unsigned n) {  // xorshift64*, scaled
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return static_cast<unsigned>((random_ * 0x2545F4914F6CDD1Dull >> 32) * n >> 32);
  }

  void wake(thread_state& thread) {
    thread.state = thread_state::ready;
    thread.block->push(thread.index);
  }

  /// The block that runs next, or nullptr when no thread can run.
  block_state* next_block() {
    unsigned s = turn_;
    if (config_.schedule == simt_schedule::random || (config_.schedule == simt_schedule::starve && below(8) == 0)) {
      s = below(slots_);
    } else if (config_.schedule == simt_schedule::starve) {
      const block_state* newest = nullptr;
      for (unsigned i = 0; i < slots_; ++i)
        if (slot_[i].count && (!newest || slot_[i].index > newest->index)) newest = &slot_[s = i];
    } else if (slot_[s].count == 0 || turn_left_-- == 0) {
      s = s + 1 == slots_ ? 0 : s + 1;
      turn_left_ = 4 * shape_.threads;
    }
    for (unsigned tried = 0; tried < slots_; ++tried) {
      if (slot_[s].count) return &slot_[turn_ = s];
      s = s + 1 == slots_ ? 0 : s + 1;
    }
    return nullptr;
  }
  thread_state* next_thread() {
    block_state* block = next_block();
    if (!block) return nullptr;
    const bool any = config_.schedule == simt_schedule::random;
    return &block->thread[any ? block->pop_any(below(block->count)) : block->pop()];
  }

  /// Gives the processor away; returns when `self` is chosen again.
  void suspend(thread_state& self) {
    if (failure_) throw unwound{};
    thread_state* next = next_thread();
    if (next == &self) return;
    running = next;
    fibre::change(*self.context, next ? *next->context : main_);
    if (failure_) throw unwound{};
  }

  void open_barrier(block_state& block, const thread_state* by) {
    spins_ = 0;
    block.waiting = 0;
    block.tally[++block.phase & 1] = 0;
    for (unsigned i = 0; i < block.threads; ++i) {
      thread_state& thread = block.thread[config_.schedule == simt_schedule::reverse ? block.threads - 1 - i : i];
      if (thread.state == thread_state::at_barrier && &thread != by) wake(thread);
    }
  }

  // The life of a thread -------------------------------------------------------------------------------------------

  static void enter(void* argument) {
    auto& self = *static_cast<thread_state*>(argument);
    machine* here;
    {
      quiet _;
      here = active;
      self.begun = true;
    }
    acquire(&here->launch_tag_);
    try {
      here->shape_.body(here->shape_.kernel, self);
    } catch (const unwound&) {
    } catch (...) {
      quiet _;
      if (!here->failure_) here->failure_ = std::current_exception();
    }
    release(&here->done_tag_);
    fibre* next;
    {
      quiet _;
      next = &here->retire(self);
    }
    fibre::change(*self.context, *next);
  }

  /// Ends the thread and returns who runs next.
  fibre& retire(thread_state& self) {
    warp_state& warp = *self.warp;
    block_state& block = *self.block;
    self.state = thread_state::done;
    --warp.alive;
    --block.live;
    spins_ = 0;
    if (!failure_ && warp.waiting) {
      try {
        fail("a lane has ended while its warp waits at " + place(warp.word, warp.where), self);
      } catch (...) { failure_ = std::current_exception(); }
    }
    running = nullptr;
    if (!failure_ && block.live) {
      if (block.waiting == block.live) open_barrier(block, nullptr);
      running = next_thread();
    }
    return running ? *running->context : main_;
  }

  // The life of a block --------------------------------------------------------------------------------------------

  void prepare() {
    slots_ = shape_.blocks < unsigned(config_.resident) ? shape_.blocks : unsigned(config_.resident);
    slot_ = std::make_unique<block_state[]>(slots_);
    if (config_.shuffle_blocks) {
      order_ = std::make_unique_for_overwrite<unsigned[]>(shape_.blocks);
      for (unsigned i = 0; i < shape_.blocks; ++i) {
        const unsigned j = below(i + 1);
        order_[i] = order_[j];
        order_[j] = i;
      }
    }
    const unsigned width = static_cast<unsigned>(config_.warp);
    for (unsigned s = 0; s < slots_; ++s) {
      block_state& block = slot_[s];
      block.threads = shape_.threads;
      block.blocks = shape_.blocks;
      block.thread = std::make_unique_for_overwrite<thread_state[]>(shape_.threads);
      block.warp = std::make_unique_for_overwrite<warp_state[]>(shape_.threads / width);
      for (block.mask = 1; block.mask + 1 < shape_.threads;) block.mask = block.mask * 2 + 1;
      block.ring = std::make_unique_for_overwrite<std::uint16_t[]>(block.mask + 1);
      block.live = block.count = block.head = 0;
      for (unsigned i = 0; i < shape_.threads; ++i) {
        thread_state& thread = block.thread[i];
        thread.index = i;
        thread.lane = i % width;
        thread.warp = &block.warp[i / width];
        thread.block = &block;
      }
    }
  }

  void admit(block_state& block) {
    const unsigned width = static_cast<unsigned>(config_.warp);
    block.index = order_ ? order_[started_] : started_;
    ++started_;
    block.live = block.threads;
    block.waiting = block.phase = block.tally[0] = block.tally[1] = 0;
    block.shared = ::operator new (shape_.shared_bytes, std::align_val_t{128});
    std::memset(block.shared, 0xCD, shape_.shared_bytes);
    for (unsigned w = 0; w < block.threads / width; ++w) {
      warp_state& warp = block.warp[w];
      warp.index = w;
      warp.lanes = warp.alive = width;
      warp.waiting = warp.phase = 0;
    }
    const std::size_t bytes = stack_bytes();
    for (unsigned i = 0; i < block.threads; ++i) {
      thread_state& thread = block.thread[i];
      thread.doing = "start";
      thread.begun = false, thread.copies.forget();
      thread.context = &fibre_pool::of_this_thread().take(bytes);
      thread.context->assign(&enter, &thread);
    }
    for (unsigned i = 0; i < block.threads; ++i)
      wake(block.thread[config_.schedule == simt_schedule::reverse ? block.threads - 1 - i : i]);
  }

  void release_slot(block_state& block) {
    if (!block.shared) return;
    ::operator delete (block.shared, std::align_val_t{128});
    block.shared = nullptr;
    for (unsigned i = 0; i < block.threads; ++i)
      if (fibre* idle = std::exchange(block.thread[i].context, nullptr)) fibre_pool::of_this_thread().give(*idle);
  }

  std::size_t stack_bytes() const { return config_.stack_bytes * (address_sanitizer ? 4 : 1); }

  void loop() {
    try {
      prepare();
      for (unsigned s = 0; s < slots_; ++s) admit(slot_[s]);
      for (unsigned ended = 0; ended < shape_.blocks && !failure_;) {
        thread_state* next = next_thread();
        if (!next) throw simt_fault("deadlock: no thread can go on" + who_waits(), shape_.where);
        running = next;
        fibre::change(main_, *next->context);
        for (unsigned s = 0; s < slots_; ++s) {
          block_state& block = slot_[s];
          if (block.live || !block.shared) continue;
          ++ended;
          release_slot(block);
          if (started_ < shape_.blocks) admit(block);
        }
      }
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
    }
    if (failure_) unwind();
  }

  /// Runs the destructors of every thread that has begun and not ended: each throws from where it waits.
  void unwind() {
    for (unsigned s = 0; s < slots_; ++s)
      for (unsigned i = 0; slot_[s].shared && i < slot_[s].threads; ++i) {
        thread_state& thread = slot_[s].thread[i];
        if (thread.state == thread_state::done || !thread.begun) continue;
        running = &thread;
        fibre::change(main_, *thread.context);
      }
  }

  launch_shape shape_;
  simt_config config_;
  std::uint64_t random_;
  std::uint64_t spins_ = 0;
  fibre main_;
  std::unique_ptr<block_state[]> slot_;
  unsigned slots_ = 0, turn_ = 0, turn_left_ = 0, started_ = 0;
  std::unique_ptr<unsigned[]> order_;
  std::exception_ptr failure_;
  char launch_tag_ = 0, done_tag_ = 0;
};

}  // namespace weft::simt_dialect
