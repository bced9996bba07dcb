// The dialect: the few words that CUDA, HIP and the host emulation spell differently. This file picks one (a
// translation unit speaks one dialect) and documents every word once; the three dialect.hpp files define them.
//
// A kernel sees its block as an object `Block block`, all of whose members may be called as `block.word()`:
//
//   Block::arch                 the architecture compiled for, as enum arch; constant in the device pass
//   Block::width                lanes of a warp, 32 or 64; constant in the device pass, never used in host code
//   thread() threads()          index of this thread in the block, and how many there are       (unsigned)
//   index() blocks()            index of this block in the grid, and how many there are         (unsigned)
//   sync()                      barrier of the whole block; orders shared and global memory among its threads
//   sync_count(p) sync_or(p)    the same barrier, returning how many / whether any thread has p
//   warp()                      the warp of the calling thread:
//     lane() index()            lane in the warp, warp in the block                             (unsigned)
//     sync()                    orders memory among the warp's lanes
//     shuffle(v, l)             v of lane l (l modulo width); T of at most 64 bytes, trivially copyable
//     shuffle_up(v, d) shuffle_down(v, d) shuffle_xor(v, m)    out of range: own v
//     inclusive_sum(v)          sum of v over this lane and those below; v is a std::uint32_t
//     greatest(v)               largest v of all lanes; v is a std::uint32_t
//     ballot(p) any(p) all(p)   ballot is a std::uint64_t on every width
//     match(v, bits)            lanes whose low `bits` bits of the unsigned v equal mine        (std::uint64_t)
//     lanes_below()             mask of lanes with a smaller index                              (std::uint64_t)
// Warp words are called by all lanes of a warp, converged; blocks are whole warps (threads a multiple of 64).
//
// Memory words, all static. Device scope unless named shared_:
//   load_relaxed(p) store_relaxed(p, v) load_acquire(p) store_release(p, v)      4- and 8-byte integers, global memory
//   fetch_add(p, v) fetch_min fetch_max fetch_or exchange compare_exchange(p, expected, desired)   relaxed, old value
//   fetch_add_acq_rel(p, v)     the counter of "last block to arrive"
//   shared_fetch_add(p, v) shared_fetch_or(p, v)    on shared memory, relaxed, old value
//   shared_add(p, v)            the same, returns nothing
//   fence()                     device-scope memory fence
//   backoff(n)                  a short rest inside a spin loop, longer for larger n; the emulation schedules here
//   load_vector<N>(p) store_vector<N>(p, vec<N>)    N = 16, 8, 4 bytes, aligned; plain caching
//   load_stream<N>(p) store_stream<N>(p, v)         the same, read or written once (evict first)
//   opaque(w)                   w, its origin hidden from the compiler: what follows from a 32-bit word is computed
//                               again rather than kept in registers
//   part_schedule()             loads after it are not begun before it, where the compiler would fill all registers
//
// Bulk copies and arrival barriers, where has_bulk_copies (a constant in the device pass; elsewhere the words do not
// exist). A barrier is a 64-bit word in shared memory, for a fixed number of arrivals a phase; phases alternate 0, 1.
//   barrier_init(b, arrivals)   by one thread, before a block.sync()
//   barrier_arrive(b)           one arrival; what the thread did before is seen by those who waited
//   barrier_expect(b, bytes)    an arrival, and the phase lasts until `bytes` bytes have been copied as well
//   barrier_wait(b, phase)      waits for the end of the phase with this lowest bit; at most one phase behind
//   bulk_fence()                before bulk_load into memory that others have written and handed over by barriers
//   bulk_load(to, from, bytes, b)   by one thread: copies global to shared memory, both and `bytes` multiples of 16,
//                               asynchronously; counted by b, of which the bytes are expected already
// Clusters of blocks, where has_clusters (likewise): of a kernel that says `cluster_blocks<A>`, as many consecutive
// blocks run at once and reach each other's shared memory.
//   cluster_rank()              index of this block in its cluster                            (unsigned)
//   cluster_arrive() cluster_wait()    the two halves of a barrier of all threads of the cluster
//   store_across(p, rank, v, b)    v, a structure of one, two or four 32-bit words `word` and aligned as a whole, to
//   the
//                               place that p is here in the block of that rank, asynchronously; its bytes are counted
//                               by the barrier that is there where b is here
// Asynchronous copies, where matrix_units::async_copies<arch>. A thread waits for its own; the block for all by sync().
//   copy_async(to, from, inside)    16 bytes of global to shared memory, both aligned: `inside` bytes, then zeros
//   copies_commit()             the copies since the last commit are a group
//   copies_wait<N>()            until at most N committed groups are unfinished
// Bit words: popcount(u64), lowest_bit(u64) (index, argument nonzero), highest_bit(u64); permute_bytes(v, from): byte k
// of the result is the byte of v with the number (0 to 3) in bits 4 k … of `from`; bits 16 and up are ignored.
//
// `matrix_units` of a dialect: its matrix instructions (gpu/matrix_unit.hpp).
//
// Host words of `namespace weft::dialect` (an alias of the chosen one):
//   current_arch                         what the device pass compiles for
//   with_arch(a, f)                      f.template operator()<A>() for the compiled architecture a
//   info(device)                         device_info, cached; throws for a device that is not there or has no code
//   launch<A>(blocks, stream, kernel, where)   resident_blocks<A, Kernel>(device)   resident_clusters<A,
//   Kernel>(device)
#pragma once

#include <weft/gpu/architecture.hpp>

#if defined(__CUDACC__) && !defined(__HIP__)
namespace weft::inline v100 {
namespace cuda_dialect {}
namespace dialect = cuda_dialect;
}  // namespace weft
#include <weft/cuda/dialect.hpp>
#include <weft/cuda/tuning_table.hpp>
#elif defined(__HIP__)
namespace weft::inline v100 {
namespace hip_dialect {}
namespace dialect = hip_dialect;
}  // namespace weft
#include <weft/hip/dialect.hpp>
#include <weft/hip/tuning_table.hpp>
#else
namespace weft::inline v100 {
namespace simt_dialect {}
namespace dialect = simt_dialect;
}  // namespace weft
#include <weft/simt/dialect.hpp>
#include <weft/simt/tuning_table.hpp>
#endif
