// What host and device code say about a GPU alike: its architecture, its facts, and the unit that memory moves in.
#pragma once

#include <weft/device.hpp>

namespace weft::inline v100::gpu {

/// Architectures with tuning rows of their own. `generic` stands for every other one and for the emulation.
enum class arch : unsigned char { generic, sm_80, sm_90, gfx90a, gfx942, gfx1030, gfx1100 };

/// What a block can have of shared memory on Hopper, where kernels fill it.
inline constexpr int most_shared_bytes = 227 * 1024;

/// What the host must know of a device to shape a launch.
struct device_info {
  arch architecture;     // of the code that will run there, not of the chip
  int multiprocessors;   // compute units
  int shared_per_block;  // bytes, opt-in limit
  int warp_width;        // 32 or 64
  std::int64_t l2_bytes;
  bool hopper_code = false;  // the program's code for the device uses Hopper's own instructions (sm_90a)
};

/// A dialect without Hopper's words.
struct no_hopper {
  static constexpr bool present = false;
};

/// N bytes moved by one instruction.
template <int N>
struct vec;
template <>
struct alignas(16) vec<16> {
  std::uint32_t word[4];
};
template <>
struct alignas(8) vec<8> {
  std::uint32_t word[2];
};
template <>
struct alignas(4) vec<4> {
  std::uint32_t word[1];
};

}  // namespace weft::gpu
