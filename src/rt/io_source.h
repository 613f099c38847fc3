// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstdint>

#include "rt/clock.h"
#include "rt/timer_wheel.h"

namespace sluice::rt {

class Reactor;

/// Why a wait ended.
enum class Wake : std::uint8_t { Ready, TimedOut };

/// A file descriptor that a reactor watches, edge-triggered, from attach() to its destruction. It remembers what the
/// kernel reported (readable, writable, hung up) so that nobody calls epoll_ctl again, and one coroutine may wait for
/// each direction with a deadline.
///
/// The owner keeps the flags honest: clear_readable() after a short read (with EPOLLRDHUP registered a short read means
/// drained), clear_writable() after a short write. Lives on the reactor's thread; does not move.
class IoSource : private Timer {
 public:
  IoSource() = default;
  ~IoSource() override;

  /// Takes ownership of `fd`, which must be non-blocking.
  void attach(Reactor& reactor, int fd);
  /// Stops watching and closes. Nobody may be waiting.
  void close();
  /// Stops watching and gives the descriptor up to the caller.
  [[nodiscard]] int release();

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] Reactor& reactor() const { return *reactor_; }

  [[nodiscard]] bool readable() const { return (state_ & kReadable) != 0; }
  [[nodiscard]] bool writable() const { return (state_ & kWritable) != 0; }
  /// The peer will send no more (FIN) or is gone.
  [[nodiscard]] bool peer_closed() const { return (state_ & (kPeerClosed | kBroken)) != 0; }
  /// The connection was reset or has failed.
  [[nodiscard]] bool broken() const { return (state_ & kBroken) != 0; }
  void clear_readable() {
    if (!peer_closed()) state_ &= static_cast<std::uint8_t>(~kReadable);  // after FIN reading never blocks
  }
  void clear_writable() { state_ &= static_cast<std::uint8_t>(~kWritable); }
  void mark_readable() { state_ |= kReadable; }

  struct Wait;
  /// co_await until readable, peer_closed or the deadline.
  [[nodiscard]] Wait wait_readable(Deadline deadline);
  [[nodiscard]] Wait wait_writable(Deadline deadline);

  /// Called once when the peer closes or breaks the connection, or never. The callback may destroy this.
  struct HangupListener {
    virtual void on_hangup() = 0;

   protected:
    ~HangupListener() = default;
  };
  void listen_for_hangup(HangupListener* listener) { hangup_ = listener; }

 private:
  friend class Reactor;
  static constexpr std::uint8_t kReadable = 1, kWritable = 2, kPeerClosed = 4, kBroken = 8, kTimedOutRead = 16,
                                kTimedOutWrite = 32;

  void expire() override;
  void detach();
  void rearm(Deadline deadline);

  Reactor* reactor_ = nullptr;
  int fd_ = -1;
  std::uint8_t state_ = 0;
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> writer_;
  HangupListener* hangup_ = nullptr;
  Deadline read_deadline_;
  Deadline write_deadline_;
};

struct IoSource::Wait {
  IoSource& source;
  bool for_write;
  Deadline deadline;
  std::coroutine_handle<> waiting = {};

  Wait(IoSource& s, bool write, Deadline d) : source(s), for_write(write), deadline(d) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait();  // deregisters a cancelled wait

  [[nodiscard]] bool await_ready() const {
    return for_write ? source.writable() || source.broken() : source.readable() || source.peer_closed();
  }
  void await_suspend(std::coroutine_handle<> caller);
  Wake await_resume();
};

inline IoSource::Wait IoSource::wait_readable(Deadline deadline) {
  return Wait(*this, false, deadline);
}
inline IoSource::Wait IoSource::wait_writable(Deadline deadline) {
  return Wait(*this, true, deadline);
}

}  // namespace sluice::rt
