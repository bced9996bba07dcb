// Free lists of a pool: singly linked through nodes beside the memory (device memory cannot be written by the host),
// one list for each class of sizes. All nodes live in one store that grows only when a block is made, so taking and
// putting back never allocate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::inline v100::detail {

/// An event shared by the blocks that wait behind it.
struct pool_event {
  explicit pool_event(void* made) noexcept : native(made) {}
  void* native;
  std::uint64_t stream = 0;  // the id of the stream it was recorded in
  std::int64_t blocks = 0;
  bool passed = false;
};

struct block_node {
  void* memory;
  pool_event* event;
  std::int32_t next;
};

class node_store {
 public:
  static constexpr std::int32_t end = -1;

  /// Room for one block more than there are.
  void reserve_one() {
    if (nodes_.size() > blocks_) return;
    nodes_.push_back({nullptr, nullptr, spare_});
    spare_ = static_cast<std::int32_t>(nodes_.size()) - 1;
  }
  void block_made() noexcept { ++blocks_; }
  void block_gone() noexcept { --blocks_; }

  std::int32_t make(void* memory, pool_event* event, std::int32_t next) noexcept {
    const std::int32_t i = spare_;
    spare_ = nodes_[static_cast<std::size_t>(i)].next;
    nodes_[static_cast<std::size_t>(i)] = {memory, event, next};
    return i;
  }
  void drop(std::int32_t i) noexcept {
    nodes_[static_cast<std::size_t>(i)].next = spare_;
    spare_ = i;
  }
  block_node* at(std::int32_t i) noexcept { return i == end ? nullptr : &nodes_[static_cast<std::size_t>(i)]; }
  block_node* next(block_node* node) noexcept { return at(node->next); }

 private:
  std::vector<block_node> nodes_;
  std::size_t blocks_ = 0;
  std::int32_t spare_ = end;
};

template <int Classes>
class block_list {
 public:
  block_list() noexcept {
    for (std::int32_t& head : heads_) head = node_store::end;
  }

  bool empty() const noexcept { return size_ == 0; }
  std::int64_t size() const noexcept { return size_; }
  block_node* first(int index, node_store& nodes) noexcept { return nodes.at(heads_[index]); }

  void put(int index, void* memory, pool_event* event, node_store& nodes) noexcept {
    if (event) ++event->blocks;
    heads_[index] = nodes.make(memory, event, heads_[index]);
    ++size_;
  }
  /// The block put last, or nullptr.
  void* take(int index, node_store& nodes) noexcept {
    const std::int32_t i = heads_[index];
    if (i == node_store::end) return nullptr;
    block_node* node = nodes.at(i);
    heads_[index] = node->next;
    nodes.drop(i);
    --size_;
    return node->memory;
  }
  /// Takes this node out of its class; costs a walk to it.
  void* take(int index, block_node* wanted, node_store& nodes) noexcept {
    std::int32_t* link = &heads_[index];
    while (nodes.at(*link) != wanted) link = &nodes.at(*link)->next;
    const std::int32_t i = *link;
    *link = wanted->next;
    nodes.drop(i);
    --size_;
    return wanted->memory;
  }
  void move_all(block_list& to, node_store& nodes, pool_event* event) noexcept {
    for (int index = 0; index < Classes; ++index)
      while (heads_[index] != node_store::end) to.put(index, take(index, nodes), event, nodes);
  }

 private:
  std::int32_t heads_[Classes];
  std::int64_t size_ = 0;
};

}  // namespace weft::detail
