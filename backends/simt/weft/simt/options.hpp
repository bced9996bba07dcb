// How the machine runs kernels: warp width, schedule, how many blocks are in flight. A program sets the options of the
// calling thread through `weft::simt_options()`; their first values come from the environment:
//
//   WEFT_SIMT="warp=64,schedule=random,seed=7,resident=4,shuffle=1"
//
// No option may change the result of a correct kernel; that is what they are for.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weft::inline v100 {

/// Which of the threads that can run runs next. Every schedule is fair: a thread that can run does so at some time.
enum class simt_schedule : unsigned char {
  fifo,     ///< in order; each thread of a block about four times, then the next block
  reverse,  ///< the same, starting with the highest thread
  random,   ///< any thread of any block, by the seed
  starve,   ///< 7 turns of 8 go to the block that started last: look-back finds its predecessors late
};

struct simt_config {
  int warp = 32;                                 ///< warp=          lanes of a warp: 32 or 64
  simt_schedule schedule = simt_schedule::fifo;  ///< schedule=      fifo, reverse, random or starve
  std::uint64_t seed = 1;                        ///< seed=          of random, starve and shuffle_blocks
  int resident = 4;                              ///< resident=      blocks in flight at a time
  bool shuffle_blocks = false;                   ///< shuffle=0|1    blocks start in a random order
  int multiprocessors = 4;                       ///< multiprocessors=   what the device says it has
  std::uint64_t max_spins = 1u << 22;            ///< max_spins=     waits without progress that make a livelock
  int devices = 1;                               ///< for run times with more devices than the host's one
  std::size_t stack_bytes = 64 * 1024;  ///< stack=         of a GPU thread; 4 times that under AddressSanitizer

  /// Reads "name=value,name=value"; throws std::invalid_argument naming the word that is wrong.
  static simt_config parse(std::string_view text) {
    simt_config config;
    while (!text.empty()) {
      const std::string_view word = text.substr(0, text.find(','));
      text.remove_prefix(word.size() + (word.size() < text.size() ? 1 : 0));
      const std::size_t sign = word.find('=');
      if (sign == std::string_view::npos || !config.set(word.substr(0, sign), word.substr(sign + 1)))
        throw std::invalid_argument("WEFT_SIMT: cannot read \"" + std::string(word) + "\"");
    }
    return config;
  }

 private:
  bool set(std::string_view name, std::string_view value) {
    constexpr std::string_view schedules[] = {"fifo", "reverse", "random", "starve"};
    if (name == "schedule") {
      for (unsigned char i = 0; i < 4; ++i)
        if (value == schedules[i]) return schedule = static_cast<simt_schedule>(i), true;
      return false;
    }
    std::uint64_t number = 0;
    if (value.empty() || value.size() > 18) return false;
    for (char digit : value) {
      if (digit < '0' || digit > '9') return false;
      number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    const auto small = [&](int& field, std::uint64_t limit) {
      field = static_cast<int>(number);
      return number >= 1 && number <= limit;
    };
    if (name == "warp") return small(warp, 64) && (number == 32 || number == 64);
    if (name == "resident") return small(resident, 1024);
    if (name == "multiprocessors") return small(multiprocessors, 1024);
    if (name == "seed") return seed = number, true;
    if (name == "shuffle") return shuffle_blocks = number == 1, number <= 1;
    if (name == "max_spins") return max_spins = number, number > 0;
    if (name == "stack") return stack_bytes = number, number >= 16 * 1024;
    return false;
  }
};

/// The options of kernels that the calling thread launches on weft::simt; assign to them freely between calls.
inline simt_config& simt_options() {
  thread_local simt_config config = [] {
    const char* text = std::getenv("WEFT_SIMT");
    return simt_config::parse(text ? text : "");
  }();
  return config;
}

}  // namespace weft
