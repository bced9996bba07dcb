// What peers on host memory share.
#pragma once

#include "programs.hpp"

namespace compare {

struct host_system {
  template <class T>
  using vector = std::vector<T>;
  template <class T>
  std::vector<T> room(offset n) const {
    return std::vector<T>(static_cast<std::size_t>(n));
  }
  template <class T>
  std::vector<T> put(const std::vector<T>& v) const {
    return v;
  }
  template <class T>
  std::vector<T> get(const T* p, offset n) const {
    return std::vector<T>(p, p + n);
  }
  template <class T>
  void copy(const T* from, T* to, offset n) const {
    std::copy(from, from + n, to);
  }
};

}  // namespace compare
