// Two-dimensional memory whose rows each begin at an aligned address, so that every row is read in full pieces, and
// copies between such memory and dense arrays. It is not a matrix type: weft::matrix (gemm.hpp) takes data() and
// stride() as a row-major view.
#pragma once

#include <weft/buffer.hpp>

#include <numeric>

namespace weft::inline v100 {

/// A view of rows × columns values; consecutive rows are `stride` elements apart.
template <class T>
struct pitched {
  T* data;
  offset rows, columns, stride;

  WEFT_HOST_DEVICE T* row(offset i) const { return data + i * stride; }
  WEFT_HOST_DEVICE T& operator()(offset i, offset j) const { return data[i * stride + j]; }
  template <class U>
    requires(std::is_same_v<U, const T> && !std::is_const_v<T>)
  operator pitched<U>() const noexcept { return {data, rows, columns, stride}; }
};

/// rows × columns values, uninitialised, from the policy's resource and in its stream's order; see weft::buffer.
template <class T>
class pitched_buffer {
 public:
  /// Rows begin at multiples of this many bytes: what cudaMallocPitch gives on current GPUs.
  static constexpr offset row_alignment = 512;
  /// Elements from a row to the next: a whole number of elements and of alignments.
  static constexpr offset stride_for(offset columns) noexcept {
    constexpr offset unit = std::lcm(row_alignment, static_cast<offset>(sizeof(T))) / static_cast<offset>(sizeof(T));
    return (columns + unit - 1) / unit * unit;
  }

  pitched_buffer() noexcept = default;
  template <execution_policy P>
  pitched_buffer(const P& policy, offset rows, offset columns) : columns_(columns) {
    constexpr offset most = offset{1} << 46;
    require(rows >= 0 && columns >= 0, policy, "pitched_buffer", "negative count");
    require(columns <= most && (columns == 0 || rows <= most / stride_for(columns)), policy, "pitched_buffer",
            "too large");
    rows_ = rows;
    memory_ = buffer<T>(policy, rows * stride_for(columns));
  }

  T* data() noexcept { return memory_.data(); }
  const T* data() const noexcept { return memory_.data(); }
  offset rows() const noexcept { return rows_; }
  offset columns() const noexcept { return columns_; }
  offset stride() const noexcept { return stride_for(columns_); }
  pitched<T> view() noexcept { return {data(), rows_, columns_, stride()}; }
  pitched<const T> view() const noexcept { return {data(), rows_, columns_, stride()}; }
  /// The buffer below: stream, resource.
  const buffer<T>& memory() const noexcept { return memory_; }

 private:
  offset rows_ = 0, columns_ = 0;
  buffer<T> memory_;
};

/// A dense array of rows × columns values as such a view.
template <class T>
pitched<T> dense(T* data, offset rows, offset columns) noexcept {
  return {data, rows, columns, columns};
}

/// Copies all rows in the order of the policy's stream, either side anywhere. A policy without a stream waits; with
/// one, both sides must live until the stream has got there. The shapes must be equal; the sides must not overlap.
template <execution_policy P, class T>
void copy_rows(const P& policy, pitched<const T> from, pitched<T> to) {
  static_assert(std::is_trivially_copy_constructible_v<T>, "values are copied as bytes");
  require(from.rows == to.rows && from.columns == to.columns, policy, "copy_rows", "shapes differ");
  require(from.rows >= 0 && from.columns >= 0, policy, "copy_rows", "negative count");
  require(from.stride >= from.columns && to.stride >= to.columns, policy, "copy_rows", "rows overlap");
  if (from.rows == 0 || from.columns == 0) return;
  require(from.data != nullptr && to.data != nullptr, policy, "copy_rows", "null pointer with a count above zero");
  const stream_ref stream = policy.stream();
  stream.owner->copy_rows(to.data, static_cast<std::size_t>(to.stride) * sizeof(T), from.data,
                          static_cast<std::size_t>(from.stride) * sizeof(T),
                          static_cast<std::size_t>(from.columns) * sizeof(T), static_cast<std::size_t>(from.rows),
                          stream);
  finish(policy);
}
template <execution_policy P, class T>
void copy_rows(const P& policy, pitched<T> from, pitched<T> to) {
  copy_rows(policy, pitched<const T>(from), to);
}

}  // namespace weft
