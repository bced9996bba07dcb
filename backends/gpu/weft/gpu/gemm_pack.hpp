// Copies of operands that the copy engine can take: rows of k contiguous elements on 16-byte boundaries. For strides or
// addresses that it cannot, and for types whose matrix instructions want k contiguous where it is not. Both operands in
// one launch; each element is read and written once, in order of memory on either side (transposes go through shared
// memory, 64 x 64 elements a block).
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/memory.hpp>

namespace weft::inline v100::gpu {

/// What to copy: lines (rows of A, columns of B) of `depth` elements, and where to. No lines: nothing.
template <class T>
struct gemm_pack_job {
  const T* from;
  T* to;
  offset lines, depth, line_stride, k_stride, pitch;
};

template <class T>
struct gemm_pack_kernel {
  static constexpr int side = 64, threads = 256;
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {
    T tile[side][side + 4 / static_cast<int>(sizeof(T) < 4 ? sizeof(T) : 4)];  // pad: columns without bank conflicts
  };

  gemm_pack_job<T> a, b;
  unsigned a_blocks;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    const bool second = block.index() >= a_blocks;
    const gemm_pack_job<T>& job = second ? b : a;
    const unsigned index = second ? block.index() - a_blocks : block.index();
    const auto across = static_cast<unsigned>((job.depth + side - 1) / side);
    const offset line0 = static_cast<offset>(index / across) * side, k0 = static_cast<offset>(index % across) * side;
    const int thread = static_cast<int>(block.thread());
    const bool along_k = job.k_stride <= job.line_stride;
    constexpr int loads = side * side / threads, apart = threads / side;
    const int inner = thread % side, outer = thread / side;

    // All of a thread's loads are on their way before its first store, which they might depend on for what the compiler
    // knows.
    T v[loads];
    const offset line1 = line0 + (along_k ? outer : inner), k1 = k0 + (along_k ? inner : outer);
    const offset left = along_k ? (k1 < job.depth ? job.lines - line1 : 0) : (line1 < job.lines ? job.depth - k1 : 0);
    const offset jump = apart * (along_k ? job.line_stride : job.k_stride);
    const T* at = job.from + line1 * job.line_stride + k1 * job.k_stride;
#pragma unroll
    for (int i = 0; i < loads; ++i, at += jump)
      if (i * apart < left) v[i] = *at;

    if (along_k) {
      T* to = job.to + line1 * job.pitch + k1;
#pragma unroll
      for (int i = 0; i < loads; ++i, to += apart * job.pitch)
        if (i * apart < left) *to = v[i];
      return;
    }
#pragma unroll
    for (int i = 0; i < loads; ++i)
      if (i * apart < left) s.tile[inner][outer + i * apart] = v[i];
    block.sync();
    T* to = job.to + (line0 + outer) * job.pitch + k0 + inner;
    const offset lines = k0 + inner < job.depth ? job.lines - line0 - outer : 0;
#pragma unroll
    for (int i = 0; i < loads; ++i, to += apart * job.pitch)
      if (i * apart < lines) *to = s.tile[outer + i * apart][inner];
  }
};

/// An operand copied: lines of k contiguous elements, `pitch` apart.
constexpr offset gemm_packed_pitch(offset depth, offset element_bytes) {
  return ceil_div(depth * element_bytes, 128) * 128 / element_bytes;
}

/// Copies both operands (either may have no lines) in one launch.
template <arch A, class T, class P>
void gemm_pack(const P& policy, const gemm_pack_job<T>& a, const gemm_pack_job<T>& b) {
  constexpr int side = gemm_pack_kernel<T>::side;
  auto blocks = [](const gemm_pack_job<T>& job) { return ceil_div(job.lines, side) * ceil_div(job.depth, side); };
  launch<A>(policy, blocks(a) + blocks(b), gemm_pack_kernel<T>{a, b, static_cast<unsigned>(blocks(a))});
}

/// What the copy engine cannot take as it lies, and whether the product is worth a copy of that.
struct gemm_copies {
  bool a, b, serves;
  offset pitch, elements;  // of the copies
};
template <class TA, class TB>
gemm_copies gemm_copies_of(const matrix<TA>& a, const matrix<TB>& b, bool copy_a, bool copy_b, bool serves) {
  const offset pitch = gemm_packed_pitch(a.columns, sizeof(TA));
  return {copy_a, copy_b, serves, pitch, ((copy_a ? a.rows : 0) + (copy_b ? b.columns : 0)) * pitch};
}

/// Whether the copy engine takes an operand as it lies: lines (rows of A, columns of B) `line_stride` apart, the
/// elements of a line `k_stride`.
template <class Words, class T>
bool gemm_engine_takes(const T* data, offset line_stride, offset k_stride) {
  return k_stride == 1 ? Words::takes(data, line_stride) : line_stride == 1 && Words::takes(data, k_stride);
}

/// product(a, b), both as they are or copied.
template <arch A, class T, class P, class TA, class TB, class F>
bool gemm_with_copies(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const gemm_copies& copies,
                      const F& product) {
  matrix<const T> left{a.data, a.rows, a.columns, a.row_stride, a.column_stride};
  matrix<const T> right{b.data, b.rows, b.columns, b.row_stride, b.column_stride};
  if (!copies.a && !copies.b) return product(left, right);
  const offset pitch = copies.pitch;
  const temporary<T> memory(policy, copies.elements);
  T* const from_b = memory.data() + (copies.a ? a.rows * pitch : 0);
  gemm_pack<A, T>(policy,
                  {a.data, memory.data(), copies.a ? a.rows : 0, a.columns, a.row_stride, a.column_stride, pitch},
                  {b.data, from_b, copies.b ? b.columns : 0, a.columns, b.column_stride, b.row_stride, pitch});
  if (copies.a) left = {memory.data(), a.rows, a.columns, pitch, 1};
  if (copies.b) right = {from_b, a.columns, b.columns, 1, pitch};
  return product(left, right);
}

}  // namespace weft::gpu
