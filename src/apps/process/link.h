// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include <sys/types.h>

#include "base/error.h"

namespace sluice::process {

/// What a worker and its supervisor tell each other. Another version of the program may be at the other end: letters
/// are only ever added, and unknown ones passed over.
enum class Notice : char {
  // From a worker
  Ready = 'R',     // it serves
  Alive = 'A',     // every shard turns
  Keepsake = 'K',  // with a descriptor: what the next worker shall be given
  // From one that is to replace another: see upgrade.h
  Socket = 'S',    // with a descriptor: a listening socket that it will serve, in order
  Orders = 'O',    // with a descriptor: what its supervisor shall know
  Prepared = 'P',  // it can serve, and waits
  // To it
  TakeOver = 'T',  // with a descriptor: the keepsake of the worker before, if it left one
  // From the one that is replaced, and to the one that replaces it before TakeOver
  Channel = 'H',  // with a descriptor: how they speak to each other, one for each shard, in order
  // To the one that is replaced
  Release = 'L',  // write nothing any more that the next one will write
  Resume = 'U',   // go on: the next one has failed
  Leave = 'E',    // the next one serves: finish what is there, and end
  // From it
  Released = 'D',
};

/// One end of the socket between supervisor and worker. Its closing is news too: the other side has gone. Nothing
/// blocks unless it says so.
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

  /// The same, and waits while the other side is slow to read.
  [[nodiscard]] bool send_patiently(Notice notice, int descriptor = -1) const;

  struct Received {
    Notice notice{};
    int descriptor = -1;  // the receiver's to close
  };
  /// The next one; nothing: none now. `gone` becomes true when the other side has closed.
  [[nodiscard]] std::optional<Received> receive(bool& gone) const;
  /// Blocks until there is one; nothing: the other side has gone.
  [[nodiscard]] std::optional<Received> wait() const;

 private:
  int fd_ = -1;
};

}  // namespace sluice::process
