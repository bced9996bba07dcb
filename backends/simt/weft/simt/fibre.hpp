// A fibre: a stack of its own and the way to switch to it, about 5 ns on x86-64, through ucontext elsewhere (about
// 0.3 us: two system calls). This file also holds all that the sanitizers must be told:
//   AddressSanitizer   which stack is in use, at every switch;
//   ThreadSanitizer    that a switch is no synchronisation; that the machine's own bookkeeping is not the kernel's
//                      (struct quiet); and which points do order memory (release / acquire).
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#define WEFT_SIMT_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_SIMT_TSAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WEFT_SIMT_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_SIMT_ASAN
#endif
#endif

#ifdef WEFT_SIMT_TSAN
#include <sanitizer/tsan_interface.h>
extern "C" {
void AnnotateIgnoreReadsBegin(const char*, int);
void AnnotateIgnoreReadsEnd(const char*, int);
void AnnotateIgnoreWritesBegin(const char*, int);
void AnnotateIgnoreWritesEnd(const char*, int);
}
#endif
#ifdef WEFT_SIMT_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if !defined(__x86_64__) || defined(WEFT_SIMT_UCONTEXT)
#ifndef WEFT_SIMT_UCONTEXT
#define WEFT_SIMT_UCONTEXT
#endif
#include <ucontext.h>
#endif

namespace weft::simt_dialect {

#ifdef WEFT_SIMT_TSAN
inline constexpr bool thread_sanitizer = true;
/// While it lives, plain accesses of this fibre are invisible to ThreadSanitizer; may span a switch.
struct quiet {
  quiet() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~quiet() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  quiet(const quiet&) = delete;
};
inline void release(void* tag) { __tsan_release(tag); }
inline void acquire(void* tag) { __tsan_acquire(tag); }
#else
inline constexpr bool thread_sanitizer = false;
struct quiet {
  quiet() {}  // user-provided, so that an unused variable of this type is no warning
};
inline void release(void*) {}
inline void acquire(void*) {}
#endif
#ifdef WEFT_SIMT_ASAN
inline constexpr bool address_sanitizer = true;
#else
inline constexpr bool address_sanitizer = false;
#endif

/// What a fibre needs and a later one can use again: a stack above a page that may not be touched, and the identities
/// by which the sanitizers know it. A fresh one costs system calls and page faults, under ThreadSanitizer 0.5 ms.
struct fibre_stack {
  char* memory = nullptr;
  std::size_t bytes = 0;
#ifdef WEFT_SIMT_TSAN
  void* tsan = nullptr;
#endif
#ifdef WEFT_SIMT_ASAN
  void* fake = nullptr;
#endif
};

/// The idle stacks of this thread, all of one size; kept between launches.
class stack_pool {
 public:
  stack_pool() = default;
  stack_pool(const stack_pool&) = delete;
  ~stack_pool() { clear(); }

  fibre_stack take(std::size_t bytes) {
    if (bytes != bytes_) {
      clear();
      bytes_ = bytes;
    }
    if (free_.empty()) return make(bytes);
    const fibre_stack stack = free_.back();
    free_.pop_back();
    return stack;
  }
  void give(const fibre_stack& stack) {
    if (stack.memory) free_.push_back(stack);
  }
  static stack_pool& of_this_thread() {
    thread_local stack_pool pool;
    return pool;
  }

 private:
  static constexpr std::size_t guard = 4096;
  static fibre_stack make(std::size_t bytes) {
    void* start =
        mmap(nullptr, bytes + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) throw std::bad_alloc();
    mprotect(start, guard, PROT_NONE);
    fibre_stack stack;
    stack.memory = static_cast<char*>(start) + guard;
    stack.bytes = bytes;
#ifdef WEFT_SIMT_TSAN
    stack.tsan = __tsan_create_fiber(0);
#endif
    return stack;
  }
  void clear() {
    for (const fibre_stack& stack : free_) {
#ifdef WEFT_SIMT_TSAN
      __tsan_destroy_fiber(stack.tsan);
#endif
      munmap(stack.memory - guard, stack.bytes + guard);
    }
    free_.clear();
  }
  std::vector<fibre_stack> free_;
  std::size_t bytes_ = 0;
};

#ifndef WEFT_SIMT_UCONTEXT
// Saves what the ABI says a call preserves, changes the stack, restores. The floating-point control words are left
// alone: kernels do not change them. `ret` is predicted well, for most fibres wait at the same few call sites.
[[gnu::naked, gnu::noinline]] __attribute__((no_sanitize("thread", "address", "undefined"))) inline void swap_stacks(
    [[maybe_unused]] void** save, [[maybe_unused]] void* load) {
  asm("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
      "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
      "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
}
// Where a fibre begins: swap_stacks "returns" here with the argument in r12 and the entry function in r13.
[[gnu::naked, gnu::noinline]] __attribute__((no_sanitize("thread", "address", "undefined"))) inline void begin_fibre() {
  asm("movq %r12, %rdi\n\tcall *%r13\n\tud2");
}
#endif

/// One context: a GPU thread's, or (never started) that of the operating-system thread which launched the kernel.
class fibre {
 public:
  using entry = void (*)(void*);

  /// Prepares `function(argument)` to run on the stack at the next switch to this fibre; it must not return.
  /// `colour` shifts the first frame, or the frames of all fibres would compete for the same few lines of the cache.
  void start(const fibre_stack& stack, unsigned colour, entry function, void* argument) {
    stack_ = stack;
    entry_ = function;
    argument_ = argument;
#ifdef WEFT_SIMT_ASAN
    __asan_unpoison_memory_region(stack.memory, stack.bytes);
#endif
#ifdef WEFT_SIMT_UCONTEXT
    (void)colour;
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack.memory;
    context_.uc_stack.ss_size = stack.bytes;
    context_.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&context_, reinterpret_cast<void (*)()>(&begin_halves), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
#else
    auto** top = reinterpret_cast<void**>(stack.memory + stack.bytes - colour % 16 * 256);
    *--top = nullptr;
    *--top = nullptr;  // keeps the stack 16-byte aligned
    *--top = reinterpret_cast<void*>(&begin_fibre);
    *--top = nullptr;                               // rbp
    *--top = nullptr;                               // rbx
    *--top = this;                                  // r12
    *--top = reinterpret_cast<void*>(&first_call);  // r13
    *--top = nullptr;                               // r14
    *--top = nullptr;                               // r15
    stack_pointer_ = top;
#endif
  }
  /// Gives the stack back, once nothing will switch to this fibre again.
  fibre_stack finish() {
    const fibre_stack stack = stack_;
    stack_ = {};
    return stack;
  }
  /// Before this context, of an operating-system thread, is first switched away from.
  void adopt_thread() {
#ifdef WEFT_SIMT_TSAN
    stack_.tsan = __tsan_get_current_fiber();
#endif
  }

  /// Leaves `from`, which is running, for `to`; returns when something switches back to `from`.
  __attribute__((no_sanitize("thread"))) static void change(fibre& from, fibre& to) {
#ifdef WEFT_SIMT_ASAN
    leaving() = &from;
    __sanitizer_start_switch_fiber(&from.stack_.fake, to.stack_.memory, to.stack_.bytes);
#endif
#ifdef WEFT_SIMT_TSAN
    __tsan_switch_to_fiber(to.stack_.tsan, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef WEFT_SIMT_UCONTEXT
    swapcontext(&from.context_, &to.context_);
#else
    swap_stacks(&from.stack_pointer_, to.stack_pointer_);
#endif
    arrived(from);
  }

 private:
  static void first_call(void* self) {
    auto& fibre_ = *static_cast<fibre*>(self);
    arrived(fibre_);
    fibre_.entry_(fibre_.argument_);
    std::abort();  // the entry function returned
  }
#ifdef WEFT_SIMT_UCONTEXT
  static void begin_halves(unsigned high, unsigned low) {
    first_call(reinterpret_cast<void*>(static_cast<std::uintptr_t>(high) << 32 | low));
  }
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
#ifdef WEFT_SIMT_ASAN
  // The bounds of the thread's own stack are told only here, to whom it switches.
  static void arrived(fibre& self) {
    const void* bottom;
    std::size_t size;
    __sanitizer_finish_switch_fiber(self.stack_.fake, &bottom, &size);
    fibre_stack& left = leaving()->stack_;
    left.memory = static_cast<char*>(const_cast<void*>(bottom));
    left.bytes = size;
  }
  static fibre*& leaving() {
    static thread_local fibre* from = nullptr;
    return from;
  }
#else
  static void arrived(fibre&) {}
#endif
  fibre_stack stack_;
  entry entry_ = nullptr;
  void* argument_ = nullptr;
};

}  // namespace weft::simt_dialect
