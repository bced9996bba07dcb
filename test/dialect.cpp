// The words of the GPU dialect against their definitions (dialect_words.hpp). CPU backends have no dialect.
#include "harness.hpp"

#if __has_include(<weft/gpu/launch.hpp>)

#include "cluster_words.hpp"

template <class... Words>
void require_words(weft_words::word_list<Words...>) {
  const int wrong[] = {weft_words::wrong_answers<Words>(policy)...};
  for (std::size_t i = 0; i < sizeof...(Words); ++i) {
    CAPTURE(i);
    CHECK(wrong[i] == 0);
  }
}

TEST_CASE("warp and block words have their defined values") { require_words(weft_words::warp_words{}); }
TEST_CASE("vector accesses move every byte") { CHECK(weft_words::vectors_move(policy)); }
TEST_CASE("bulk copies are complete when their barrier says so") { CHECK(weft_words::bulk_copies_move(policy)); }
TEST_CASE("stores reach the blocks of a cluster") { CHECK(weft_words::stores_reach_across(policy)); }
TEST_CASE("atomics of all blocks add up") {
  CHECK(weft_words::wrong_atomic<weft_words::u32>(policy) == -1);
  CHECK(weft_words::wrong_atomic<weft_words::u64>(policy) == -1);
  CHECK(weft_words::wrong_atomic<std::int32_t>(policy) == -1);
  CHECK(weft_words::wrong_atomic<std::int64_t>(policy) == -1);
}

#else
TEST_CASE("a CPU backend has no GPU dialect") { SUCCEED(); }
#endif
