// SPDX-License-Identifier: Apache-2.0
#include "net/pipe_pool.h"

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::net {
namespace {

constexpr std::size_t kKeep = 64;

class Stock {
 public:
  ~Stock() {
    for (auto [read, write] : pipes_) {
      ::close(read);
      ::close(write);
    }
  }
  [[nodiscard]] bool empty() const { return pipes_.empty(); }
  [[nodiscard]] bool full() const { return pipes_.size() >= kKeep; }
  std::pair<int, int> take() {
    auto ends = pipes_.back();
    pipes_.pop_back();
    return ends;
  }
  void put(int read, int write) { pipes_.emplace_back(read, write); }

 private:
  std::vector<std::pair<int, int>> pipes_;
};

thread_local Stock stock;

}  // namespace

SplicePipe::SplicePipe() {
  if (!stock.empty()) {
    std::tie(read_, write_) = stock.take();
    return;
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return;
  read_ = ends[0];
  write_ = ends[1];
  ::fcntl(write_, F_SETPIPE_SZ, kCapacity);  // a smaller pipe works too
}

SplicePipe::~SplicePipe() {
  if (!is_open()) return;
  if (held_ == 0 && !stock.full()) {
    stock.put(read_, write_);
    return;
  }
  ::close(read_);
  ::close(write_);
}

}  // namespace sluice::net
