// Hopper's warpgroup matrix product in inline PTX: D (64 x N, registers) = A (64 x K, shared memory or registers) *
// B (K x N, shared memory) + D, where K is 32 bytes of elements. Asynchronous: see hopper.hpp for the words that order
// it. Accumulator j of a thread is row 16 * warp + lane / 4 + 8 * (j / 2 % 2), column 8 * (j / 4) + 2 * (lane % 4) + j
// % 2.
#pragma once

#include <weft/gpu/mma.hpp>

namespace weft::inline v100::cuda_dialect {

// clang-format off
// The accumulators as PTX names them, and as operands with constraint c.
#define WEFT_NAMES_8 "%0, %1, %2, %3"
#define WEFT_SUMS_8(c) c(d[0]), c(d[1]), c(d[2]), c(d[3])
#define WEFT_NAMES_16 WEFT_NAMES_8 \
  ", %4, %5, %6, %7"
#define WEFT_SUMS_16(c) WEFT_SUMS_8(c), \
  c(d[4]), c(d[5]), c(d[6]), c(d[7])
#define WEFT_NAMES_32 WEFT_NAMES_16 \
  ", %8, %9, %10, %11, %12, %13, %14, %15"
#define WEFT_SUMS_32(c) WEFT_SUMS_16(c), \
  c(d[8]), c(d[9]), c(d[10]), c(d[11]), c(d[12]), c(d[13]), c(d[14]), c(d[15])
#define WEFT_NAMES_64 WEFT_NAMES_32 \
  ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define WEFT_SUMS_64(c) WEFT_SUMS_32(c), \
  c(d[16]), c(d[17]), c(d[18]), c(d[19]), c(d[20]), c(d[21]), c(d[22]), c(d[23]), \
  c(d[24]), c(d[25]), c(d[26]), c(d[27]), c(d[28]), c(d[29]), c(d[30]), c(d[31])
#define WEFT_NAMES_128 WEFT_NAMES_64 \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47" \
  ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define WEFT_SUMS_128(c) WEFT_SUMS_64(c), \
  c(d[32]), c(d[33]), c(d[34]), c(d[35]), c(d[36]), c(d[37]), c(d[38]), c(d[39]), \
  c(d[40]), c(d[41]), c(d[42]), c(d[43]), c(d[44]), c(d[45]), c(d[46]), c(d[47]), \
  c(d[48]), c(d[49]), c(d[50]), c(d[51]), c(d[52]), c(d[53]), c(d[54]), c(d[55]), \
  c(d[56]), c(d[57]), c(d[58]), c(d[59]), c(d[60]), c(d[61]), c(d[62]), c(d[63])
#define WEFT_NAMES_256 WEFT_NAMES_128 \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79" \
  ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95" \
  ", %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111" \
  ", %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define WEFT_SUMS_256(c) WEFT_SUMS_128(c), \
  c(d[64]), c(d[65]), c(d[66]), c(d[67]), c(d[68]), c(d[69]), c(d[70]), c(d[71]), \
  c(d[72]), c(d[73]), c(d[74]), c(d[75]), c(d[76]), c(d[77]), c(d[78]), c(d[79]), \
  c(d[80]), c(d[81]), c(d[82]), c(d[83]), c(d[84]), c(d[85]), c(d[86]), c(d[87]), \
  c(d[88]), c(d[89]), c(d[90]), c(d[91]), c(d[92]), c(d[93]), c(d[94]), c(d[95]), \
  c(d[96]), c(d[97]), c(d[98]), c(d[99]), c(d[100]), c(d[101]), c(d[102]), c(d[103]), \
  c(d[104]), c(d[105]), c(d[106]), c(d[107]), c(d[108]), c(d[109]), c(d[110]), c(d[111]), \
  c(d[112]), c(d[113]), c(d[114]), c(d[115]), c(d[116]), c(d[117]), c(d[118]), c(d[119]), \
  c(d[120]), c(d[121]), c(d[122]), c(d[123]), c(d[124]), c(d[125]), c(d[126]), c(d[127])

// A's operands.
#define WEFT_TILE() "l"(a_tile)
#define WEFT_WORDS() "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3])

// One instruction: size, constraint of the sums, types, A's operands, names of the operands after the sums, what
// follows them.
#define WEFT_WGMMA(n, c, types, from, a, b, p, tail, ...)                                            \
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " p ", 0;\n"                                        \
               "wgmma.mma_async.sync.aligned.m64n" #n types " {" WEFT_NAMES_##n "}, " a ", " b ", p" \
               tail ";\n}\n" : WEFT_SUMS_##n(c) : from(), "l"(b_tile), "r"(accumulate) __VA_ARGS__)
#define WEFT_WGMMA_KINDS_16(n, a, b, p, ta, tb)                                                                    \
  if constexpr (Kind == gpu::mma_kind::f16)                                                                        \
    WEFT_WGMMA(n, "+f", "k16.f32.f16.f16", WEFT_TILE, a, b, p, ", 1, 1, " ta ", " tb, , "n"(TransposeA),           \
               "n"(TransposeB));                                                                                   \
  else if constexpr (Kind == gpu::mma_kind::bf16)                                                                  \
    WEFT_WGMMA(n, "+f", "k16.f32.bf16.bf16", WEFT_TILE, a, b, p, ", 1, 1, " ta ", " tb, , "n"(TransposeA),         \
               "n"(TransposeB));                                                                                   \
  else WEFT_WGMMA_KINDS(n, WEFT_TILE, a, b, p)
#define WEFT_WGMMA_KINDS(n, from, a, b, p)                                                                         \
  if constexpr (Kind == gpu::mma_kind::tf32)                                                                       \
    WEFT_WGMMA(n, "+f", "k8.f32.tf32.tf32", from, a, b, p, ", 1, 1");                                              \
  else if constexpr (Kind == gpu::mma_kind::s8)                                                                    \
    WEFT_WGMMA(n, "+r", "k32.s32.s8.s8", from, a, b, p, "");                                                       \
  else if constexpr (Kind == gpu::mma_kind::u8)                                                                    \
    WEFT_WGMMA(n, "+r", "k32.s32.u8.u8", from, a, b, p, "");                                                       \
  else if constexpr (Kind == gpu::mma_kind::e4m3)                                                                  \
    WEFT_WGMMA(n, "+f", "k32.f32.e4m3.e4m3", from, a, b, p, ", 1, 1");                                             \
  else                                                                                                             \
    WEFT_WGMMA(n, "+f", "k32.f32.e5m2.e5m2", from, a, b, p, ", 1, 1")

/// D = A * B, + D where accumulate is not 0. Tiles are shared-memory descriptors (hopper::tile_of); the transposes say
/// that an operand's rows (columns) rather than k are contiguous, which 16-bit types alone allow.
template <gpu::mma_kind Kind, int N, int TransposeA, int TransposeB, class Sum>
__device__ __forceinline__ void warpgroup_multiply(Sum (&d)[N / 2], std::uint64_t a_tile, std::uint64_t b_tile,
                                                   int accumulate) {
  if constexpr (N == 8) { WEFT_WGMMA_KINDS_16(8, "%4", "%5", "%6", "%7", "%8"); }
  else if constexpr (N == 16) { WEFT_WGMMA_KINDS_16(16, "%8", "%9", "%10", "%11", "%12"); }
  else if constexpr (N == 32) { WEFT_WGMMA_KINDS_16(32, "%16", "%17", "%18", "%19", "%20"); }
  else if constexpr (N == 64) { WEFT_WGMMA_KINDS_16(64, "%32", "%33", "%34", "%35", "%36"); }
  else if constexpr (N == 128) { WEFT_WGMMA_KINDS_16(128, "%64", "%65", "%66", "%67", "%68"); }
  else { WEFT_WGMMA_KINDS_16(256, "%128", "%129", "%130", "%131", "%132"); }
}

/// The same with A in registers, for types of which the instructions transpose no tile: words 0 and 1 of a lane are row
/// lane / 4 and the one 8 below it of 16 a warp, 4 bytes from 4 * (lane % 4) of k; words 2 and 3 those 16 bytes on.
template <gpu::mma_kind Kind, int N, class Sum>
__device__ __forceinline__ void warpgroup_multiply(Sum (&d)[N / 2], const std::uint32_t (&a)[4], std::uint64_t b_tile,
                                                   int accumulate) {
  if constexpr (N == 16) { WEFT_WGMMA_KINDS(16, WEFT_WORDS, "{%8, %9, %10, %11}", "%12", "%13"); }
  else if constexpr (N == 64) { WEFT_WGMMA_KINDS(64, WEFT_WORDS, "{%32, %33, %34, %35}", "%36", "%37"); }
  else if constexpr (N == 128) { WEFT_WGMMA_KINDS(128, WEFT_WORDS, "{%64, %65, %66, %67}", "%68", "%69"); }
  else { WEFT_WGMMA_KINDS(256, WEFT_WORDS, "{%128, %129, %130, %131}", "%132", "%133"); }
}

#undef WEFT_WGMMA_KINDS_16
#undef WEFT_WGMMA_KINDS
#undef WEFT_WGMMA
#undef WEFT_WORDS
#undef WEFT_TILE
#undef WEFT_NAMES_8
#undef WEFT_SUMS_8
#undef WEFT_NAMES_16
#undef WEFT_SUMS_16
#undef WEFT_NAMES_32
#undef WEFT_SUMS_32
#undef WEFT_NAMES_64
#undef WEFT_SUMS_64
#undef WEFT_NAMES_128
#undef WEFT_SUMS_128
#undef WEFT_NAMES_256
#undef WEFT_SUMS_256
// clang-format on

}  // namespace weft::cuda_dialect
