// Tuning is data: one aggregate per verb, one row a line in the dialect's tuning_table.hpp, found by a constexpr
// lookup. Kernels are templated on the selector type of the policy, never on the numbers, so there is one kernel per
// architecture and host and device cannot disagree. `policy.tuned_by<S>()` puts S's rows first: S has
//   constexpr scan_tuning operator()(scan_tuning row, arch a, int value_bytes) const   // row = what the table says
#pragma once

#include <weft/gpu/dialect.hpp>
#include <weft/gpu/tuning_rows.hpp>

namespace weft::inline v100::gpu {

/// The row for this architecture and size: exact both, then any size, then generic. Tables end with {generic, 0, …}.
template <class Tuning, int N>
constexpr Tuning find_row(const tuning_row<Tuning> (&rows)[N], arch a, int bytes) {
  for (const auto& r : rows)
    if (r.architecture == a && r.bytes == bytes) return r.value;
  for (const auto& r : rows)
    if (r.architecture == a && r.bytes == 0) return r.value;
  for (const auto& r : rows)
    if (r.architecture == arch::generic && r.bytes == bytes) return r.value;
  return rows[N - 1].value;
}

/// What a verb's kernels use: the table's row, changed by the selector where it has an opinion.
template <class Selector, class Tuning, int N>
constexpr Tuning choose(const tuning_row<Tuning> (&rows)[N], arch a, int bytes) {
  const Tuning row = find_row(rows, a, bytes);
  if constexpr (requires(Selector s) { s(row, a, bytes); })
    return Selector{}(row, a, bytes);
  else
    return row;
}

}  // namespace weft::gpu
