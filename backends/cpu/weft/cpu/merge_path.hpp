// Merging without branches on the data, and cutting a merge in equal parts. Two sorted ranges a and b, a before b among
// equals; "diagonal" d is the state after d outputs. The loop works from both ends at once: two chains of dependent
// loads instead of one, and as long as both ranges have k elements left, k steps from each end need no bounds check.
// A long merge of pointers is cut in two along the merge path, which makes four chains.
#pragma once

#include <weft/cpu/scheduler.hpp>

namespace weft::inline v100::cpu {

/// How many of the first `diagonal` outputs come from a.
template <class A, class B, class Less>
offset merge_split(A a, offset a_n, B b, offset b_n, offset diagonal, const Less& less) {
  offset low = max(0, diagonal - b_n), high = min(diagonal, a_n);
  while (low < high) {
    const offset middle = low + (high - low) / 2;
    if (less(b[diagonal - 1 - middle], a[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// second if `take_second`, else first, by arithmetic: compilers like to turn ?: into a branch, which here is taken at
/// random.
inline offset choose(bool take_second, offset first, offset second) {
  return first + ((second - first) & -static_cast<offset>(take_second));
}
template <class T>
const T* choose(bool take_second, const T* first, const T* second) {
  const auto a = reinterpret_cast<std::uintptr_t>(first), b = reinterpret_cast<std::uintptr_t>(second);
  return reinterpret_cast<const T*>(a + ((b - a) & -static_cast<std::uintptr_t>(take_second)));
}

/// put(o, from_b, i) for each output o in [0, a_n + b_n) in some order: output o is element i of a or of b.
template <class A, class B, class Less, class Put>
void merge_each(A a, offset a_n, B b, offset b_n, const Less& less, Put put) {
  offset i = 0, j = 0;              // next from the front
  offset i_end = a_n, j_end = b_n;  // behind the next from the back
  for (;;) {
    const offset k = min(i_end - i, j_end - j);
    if (k < 8) break;
    for (offset step = 0; step < k; ++step) {
      const bool front = less(b[j], a[i]);
      put(i + j, front, choose(front, i, j));
      j += front;
      i += !front;
      const bool back = !less(b[j_end - 1], a[i_end - 1]);  // the last output comes from b unless a's last is greater
      put(i_end + j_end - 1, back, choose(back, i_end, j_end) - 1);
      j_end -= back;
      i_end -= !back;
    }
  }
  while (i < i_end && j < j_end) {
    const bool front = less(b[j], a[i]);
    put(i + j, front, choose(front, i, j));
    j += front;
    i += !front;
  }
  for (; i < i_end; ++i) put(i + j, false, i);
  for (; j < j_end; ++j) put(i + j, true, j);
}

/// One element further, or back, if `move`: by arithmetic.
template <class T>
T* advance_if(bool move, T* p) {
  return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(p) + (-static_cast<std::uintptr_t>(move) & sizeof(T)));
}
template <class T>
T* retreat_if(bool move, T* p) {
  return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(p) - (-static_cast<std::uintptr_t>(move) & sizeof(T)));
}

/// A merge of arrays of one trivially copyable type, under way from both ends.
template <class T>
struct pointer_merge {
  const T *a, *a_end, *b, *b_end;
  T *out, *out_end;

  [[gnu::always_inline]] static void copy(T* to, const T* from) {
    __builtin_memcpy(static_cast<void*>(to), from, sizeof(T));
  }
  /// Steps from each end that need no bounds check.
  offset safe_steps() const { return min(a_end - a, b_end - b); }
  template <class Less>
  [[gnu::always_inline]] void take_first(T* to, const Less& less) {
    const bool front = less(*b, *a);
    copy(to, choose(front, a, b));
    b = advance_if(front, b);
    a = advance_if(!front, a);
  }
  /// The s-th output from each end since the outputs were moved.
  template <class Less>
  [[gnu::always_inline]] void step(offset s, const Less& less) {
    take_first(out + s, less);
    const bool back = less(b_end[-1], a_end[-1]);  // the last output comes from b unless a's last is greater
    copy(out_end - 1 - s, choose(back, b_end, a_end) - 1);
    a_end = retreat_if(back, a_end);
    b_end = retreat_if(!back, b_end);
  }
  void move_outputs(offset steps) { out += steps, out_end -= steps; }

  /// Two ranges of equal length are through after one round of the outer loop.
  template <class Less>
  void finish(const Less& less) {
    for (offset k = safe_steps(); k >= 4; k = safe_steps()) {
      for (offset s = 0; s < k; ++s) step(s, less);
      move_outputs(k);
    }
    while (a < a_end && b < b_end) take_first(out++, less);
    for (; a < a_end; ++a) copy(out++, a);
    for (; b < b_end; ++b) copy(out++, b);
  }
};

/// The same as merge_each into an array of the elements' own trivially copyable type, with pointers: half the
/// instructions.
template <class T, class Less>
void merge_into(const T* a, offset a_n, const T* b, offset b_n, T* out, const Less& less) {
  const offset n = a_n + b_n, half = n / 2;
  if (n < 256) return pointer_merge<T>{a, a + a_n, b, b + b_n, out, out + n}.finish(less);
  const offset i = merge_split(a, a_n, b, b_n, half, less), j = half - i;
  pointer_merge<T> low{a, a + i, b, b + j, out, out + half};
  pointer_merge<T> high{a + i, a + a_n, b + j, b + b_n, out + half, out + n};
  for (;;) {
    const offset k = min(low.safe_steps(), high.safe_steps());
    if (k < 8) break;
    for (offset s = 0; s < k; ++s) {
      low.step(s, less);
      high.step(s, less);
    }
    low.move_outputs(k), high.move_outputs(k);
  }
  low.finish(less);
  high.finish(less);
}

}  // namespace weft::cpu
