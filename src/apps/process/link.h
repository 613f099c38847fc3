// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include <sys/types.h>

#include "base/error.h"

namespace sluice::process {

/// What a worker tells its supervisor.
enum class Notice : char {
  Ready = 'R',     // it serves
  Alive = 'A',     // every shard turns
  Keepsake = 'K',  // with a descriptor: what the next worker shall be given
};

/// One end of the socket between supervisor and worker. Its closing is news too: the other side has gone. Never blocks.
class Link {
 public:
  explicit Link(int fd = -1) : fd_(fd) {}
  Link(Link&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Link& operator=(Link&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Link();

  /// Two ends, both closed on exec.
  static Result<std::pair<Link, Link>> make();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void close();

  /// Thread-safe. A copy of `descriptor` travels along when it is one. False: the other side has gone or reads nothing.
  bool send(Notice notice, int descriptor = -1) const;

  struct Received {
    Notice notice{};
    int descriptor = -1;  // the receiver's to close
  };
  /// The next one; nothing: none now. `gone` becomes true when the other side has closed.
  [[nodiscard]] std::optional<Received> receive(bool& gone) const;

 private:
  int fd_ = -1;
};

}  // namespace sluice::process
