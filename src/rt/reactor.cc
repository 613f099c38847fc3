// SPDX-License-Identifier: Apache-2.0
#include "rt/reactor.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "rt/io_source.h"

namespace sluice::rt {

Reactor::Reactor(std::unique_ptr<Clock> clock)
    : clock_(std::move(clock)),
      timers_(clock_->mono_ms()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      buffers_(std::make_unique_for_overwrite<char[]>(2 * kScratch)),
      batch_(std::make_unique<epoll_event[]>(kBatch)) {
  if (epoll_ < 0 || wakeup_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1/eventfd");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // each write wakes once, and nobody needs to read
  event.data.ptr = nullptr;          // null stands for the wake-up descriptor and for forgotten sources
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

Reactor::~Reactor() {
  ::close(wakeup_);
  ::close(epoll_);
}

void Reactor::run() {
  while (!stopping_.load(std::memory_order_acquire)) run_once(INT64_MAX);
}

void Reactor::run_once(std::int64_t max_wait_ms) {
  int ready = epoll_wait(epoll_, batch_.get(), static_cast<int>(kBatch), wait_budget(max_wait_ms));
  if (ready < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
    ready = 0;
  }
  clock_->refresh();
  ++turns_;
  heartbeat_ms_.store(clock_->mono_ms(), std::memory_order_relaxed);

  batch_size_ = static_cast<std::size_t>(ready);
  for (batch_next_ = 0; batch_next_ < batch_size_;) {
    const std::size_t index = batch_next_++;
    look_ahead(index);
    auto* source = static_cast<IoSource*>(batch_[index].data.ptr);
    if (source != nullptr) dispatch(*source, batch_[index].events, index);
  }
  batch_size_ = 0;

  timers_.advance(clock_->mono_ms());
  if (has_posted_.load(std::memory_order_acquire)) run_posted();
  run_end_of_turn();
}

/// With hundreds of connections what an event touches has left the cache since its connection's last event: asking for
/// it a few events early hides the way to memory behind the system calls of the events before it.
void Reactor::look_ahead(std::size_t index) const {
  constexpr std::size_t kSourceAhead = 4;
  constexpr std::size_t kFrameAhead = 3;
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kFrameLines = 6;
  if (index + kSourceAhead < batch_size_ && batch_[index + kSourceAhead].data.ptr != nullptr) {
    const auto* source = static_cast<const char*>(batch_[index + kSourceAhead].data.ptr);
    __builtin_prefetch(source, 1);
    __builtin_prefetch(source + kLine, 1);
  }
  if (index + kFrameAhead >= batch_size_) return;
  const auto* source = static_cast<const IoSource*>(batch_[index + kFrameAhead].data.ptr);
  if (source == nullptr || !source->reader_) return;
  const auto* frame = static_cast<const char*>(source->reader_.address());
  for (std::size_t line = 0; line < kFrameLines; ++line) __builtin_prefetch(frame + line * kLine, 1);
}

int Reactor::wait_budget(std::int64_t max_wait_ms) const {
  if (has_posted_.load(std::memory_order_acquire) || !deferred_.empty() || !resumptions_.empty()) return 0;
  std::int64_t due = timers_.next_due_ms();
  std::int64_t wait = due == INT64_MAX ? max_wait_ms : std::min(max_wait_ms, due - clock_->mono_ms());
  if (wait == INT64_MAX) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 3'600'000));
}

void Reactor::dispatch(IoSource& source, std::uint32_t events, std::size_t index) {
  std::uint8_t add = 0;
  if ((events & EPOLLIN) != 0) add |= IoSource::kReadable;
  if ((events & EPOLLOUT) != 0) add |= IoSource::kWritable;
  if ((events & EPOLLRDHUP) != 0) add |= IoSource::kPeerClosed | IoSource::kReadable;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    add |= IoSource::kBroken | IoSource::kPeerClosed | IoSource::kReadable | IoSource::kWritable;
  }
  source.state_ |= add;

  // Each resumption may destroy the source; forget() then clears its entry in the batch.
  auto alive = [&] { return batch_[index].data.ptr == &source; };
  if ((add & IoSource::kReadable) != 0 && source.reader_) std::exchange(source.reader_, {}).resume();
  if (alive() && (add & IoSource::kWritable) != 0 && source.writer_) std::exchange(source.writer_, {}).resume();
  if (alive() && (add & IoSource::kPeerClosed) != 0 && source.hangup_ != nullptr) {
    std::exchange(source.hangup_, nullptr)->on_hangup();
  }
}

void Reactor::watch(IoSource& source) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &source;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, source.fd_, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl add");
  }
}

void Reactor::unwatch(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void Reactor::forget(IoSource& source) {
  std::size_t first = batch_next_ == 0 ? 0 : batch_next_ - 1;
  for (std::size_t i = first; i < batch_size_; ++i) {
    if (batch_[i].data.ptr == &source) batch_[i].data.ptr = nullptr;
  }
}

void Reactor::stop() {
  stopping_.store(true, std::memory_order_release);
  post([] {});
}

void Reactor::post(std::function<void()> work) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
  }
  if (!has_posted_.exchange(true, std::memory_order_acq_rel)) {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(wakeup_, &one, sizeof one);
  }
}

void Reactor::run_posted() {
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock(posted_mutex_);
    has_posted_.store(false, std::memory_order_release);
    work.swap(posted_);
  }
  for (auto& item : work) item();
}

void Reactor::forget_resumption(std::coroutine_handle<> coroutine) {
  std::replace(resumptions_.begin(), resumptions_.end(), coroutine, std::coroutine_handle<>{});
}

void Reactor::run_end_of_turn() {
  while (!resumptions_.empty() || !deferred_.empty()) {
    for (std::size_t i = 0; i < resumptions_.size(); ++i) {
      if (auto coroutine = std::exchange(resumptions_[i], {})) coroutine.resume();
    }
    resumptions_.clear();
    auto work = std::exchange(deferred_, {});
    for (auto& item : work) item();
  }
}

}  // namespace sluice::rt
