// SPDX-License-Identifier: Apache-2.0
#include "rt/io_source.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "base/assert.h"
#include "rt/reactor.h"

namespace sluice::rt {

IoSource::~IoSource() {
  if (is_open()) close();
}

void IoSource::attach(Reactor& reactor, int fd) {
  SLUICE_ASSERT(!is_open() && fd >= 0);
  reactor_ = &reactor;
  fd_ = fd;
  state_ = 0;
  reactor.watch(*this);
}

void IoSource::close() {
  detach();
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));  // closing removes it from epoll: nobody else holds the description
}

int IoSource::release() {
  detach();
  if (fd_ >= 0) reactor_->unwatch(fd_);
  return std::exchange(fd_, -1);
}

void IoSource::detach() {
  SLUICE_ASSERT(!reader_ && !writer_);
  disarm();
  hangup_ = nullptr;
  if (fd_ >= 0) reactor_->forget(*this);
}

/// The timer is lazy: it stays armed for the earliest deadline it ever saw and, when it fires early, is armed again.
/// So a wait whose deadline is later than the armed one costs nothing.
void IoSource::rearm(Deadline deadline) {
  if (deadline == Deadline::never()) return;
  if (!armed() || at_ms() > deadline.at_ms) reactor_->timers().arm(*this, deadline.at_ms);
}

void IoSource::expire() {
  std::int64_t now = reactor_->clock().mono_ms();
  bool read_late = reader_ && read_deadline_.at_ms <= now;
  bool write_late = writer_ && write_deadline_.at_ms <= now;
  Deadline next;
  if (reader_ && !read_late) next = std::min(next, read_deadline_);
  if (writer_ && !write_late) next = std::min(next, write_deadline_);
  rearm(next);
  // Resuming may destroy this source, so take what is needed first; a second waiter is resumed through the loop.
  if (write_late) {
    state_ |= kTimedOutWrite;
    reactor_->resume_soon(std::exchange(writer_, {}));
  }
  if (read_late) {
    state_ |= kTimedOutRead;
    std::exchange(reader_, {}).resume();
  }
}

void IoSource::Wait::await_suspend(std::coroutine_handle<> caller) {
  waiting = caller;
  auto& slot = for_write ? source.writer_ : source.reader_;
  SLUICE_ASSERT(!slot);
  slot = caller;
  (for_write ? source.write_deadline_ : source.read_deadline_) = deadline;
  source.rearm(deadline);
}

Wake IoSource::Wait::await_resume() {
  waiting = {};
  std::uint8_t flag = for_write ? kTimedOutWrite : kTimedOutRead;
  if ((source.state_ & flag) == 0) return Wake::Ready;
  source.state_ &= static_cast<std::uint8_t>(~flag);
  return Wake::TimedOut;
}

IoSource::Wait::~Wait() {
  if (!waiting) return;
  auto& slot = for_write ? source.writer_ : source.reader_;
  if (slot == waiting) {
    slot = {};
  } else {
    source.reactor_->forget_resumption(waiting);
  }
  source.state_ &= static_cast<std::uint8_t>(~(for_write ? kTimedOutWrite : kTimedOutRead));
}

}  // namespace sluice::rt
