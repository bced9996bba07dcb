// The most frequent words of a text (a file given as argument, else a sample), counted on the backend: find where words
// begin, hash each, bring equal hashes together, fold each group into one entry, sort the entries by count.
#include <weft/buffer.hpp>
#include <weft/by_key.hpp>
#include <weft/select.hpp>
#include <weft/sort.hpp>
#include <weft/transform.hpp>
#include WEFT_EXAMPLE_HEADER

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <unordered_map>

constexpr auto policy = weft::WEFT_EXAMPLE_BACKEND;
using weft::offset;

WEFT_HOST_DEVICE bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct begins_word {
  const char* text;
  WEFT_HOST_DEVICE bool operator()(offset i) const { return is_letter(text[i]) && (i == 0 || !is_letter(text[i - 1])); }
};
struct hash_word {  // FNV-1a: that two different words of a text meet in 64 bits does not happen in practice
  const char* text;
  offset size;
  WEFT_HOST_DEVICE std::uint64_t operator()(offset i) const {
    std::uint64_t h = 0xcbf29ce484222325u;
    for (; i < size && is_letter(text[i]); ++i) h = (h ^ static_cast<unsigned>(text[i] | 32)) * 0x100000001b3u;
    return h;
  }
};

struct entry {
  offset count, place;  // how often the word occurs, and where it does first
};

int main(int argc, char** argv) {
  std::string text =
      "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
      "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light";
  std::ifstream file(argc > 1 ? argv[1] : "", std::ios::binary);
  if (argc > 1 && !file) return std::perror(argv[1]), 2;
  if (argc > 1) text.assign(std::istreambuf_iterator<char>(file), {});

  const auto bytes = weft::to_buffer(policy, text);
  weft::buffer<offset> places(policy, bytes.size() / 2 + 1);
  const auto all = weft::counting(offset{0});
  const auto end = weft::copy_if(policy, all, all + bytes.size(), places.begin(), begins_word{bytes.data()});

  weft::buffer<std::uint64_t> hashes(policy, end - places.begin());
  weft::transform(policy, places.begin(), end, hashes.begin(), hash_word{bytes.data(), bytes.size()});
  weft::sort_by_key(policy, hashes.begin(), hashes.end(), places.begin());

  const auto one = weft::transformed(places.begin(), [] WEFT_HOST_DEVICE(offset place) { return entry{1, place}; });
  const auto sum = [] WEFT_HOST_DEVICE(const entry& a, const entry& b) { return entry{a.count + b.count, a.place}; };
  weft::buffer<entry> entries(policy, hashes.size());
  const auto ends = weft::reduce_by_key(policy, hashes.begin(), hashes.end(), one, weft::discard(), entries.begin(),
                                        weft::equal_to{}, sum);
  weft::sort(policy, entries.begin(), ends.second,
             [] WEFT_HOST_DEVICE(const entry& a, const entry& b) { return a.count > b.count; });
  const auto found = weft::to_vector(policy, entries.data(), ends.second - entries.begin());

  const auto word_at = [&](std::size_t i) {
    std::string word;
    for (; i < text.size() && is_letter(text[i]); ++i) word += static_cast<char>(text[i] | 32);
    return word;
  };
  std::unordered_map<std::string, offset> expected;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (begins_word{text.data()}(static_cast<offset>(i))) ++expected[word_at(i)];
  bool right = found.size() == expected.size();
  for (const entry& e : found) right &= expected[word_at(static_cast<std::size_t>(e.place))] == e.count;

  std::printf("%td words, %zu different\n", end - places.begin(), found.size());
  for (std::size_t i = 0; i < found.size() && i < 8; ++i)
    std::printf("%7td %s\n", found[i].count, word_at(static_cast<std::size_t>(found[i].place)).c_str());
  return right ? 0 : 1;
}
