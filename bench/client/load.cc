// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace sluice::bench {
namespace {

constexpr double kNanos = 1e9;
// How long replies may take after the last request was due.
constexpr std::uint64_t kGraceNanos = 5'000'000'000;

}  // namespace

Load::Load(LoadOptions options) : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  // Requests are due at microseconds; the default slack of 50 us would bunch them.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  if (options_.tls) context_ = make_client_context();
  for (std::size_t i = 0; i < options_.connections; ++i) {
    slots_.push_back({.connection = std::make_unique<Connection>(options_.port, context_.get())});
    if (options_.reuse == Reuse::Resumed) slots_.back().connection->resume_sessions();
    idle_.push_back(i);
  }
}

Load::~Load() {
  ::close(epoll_);
}

LoadResult Load::run() {
  began_ = std::chrono::steady_clock::now();
  end_ = static_cast<Nanos>(options_.duration.count() * kNanos);
  intended_ = static_cast<std::uint64_t>(std::ceil(options_.duration.count() * options_.rate));
  while (now() < end_ + kGraceNanos) {
    start_what_is_due();
    if (!more_to_start() && idle_.size() == slots_.size()) break;
    wait();
  }
  result_.seconds = static_cast<double>(now()) / kNanos;
  collect();
  return std::move(result_);
}

Load::Nanos Load::now() const {
  return static_cast<Nanos>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - began_).count());
}

Load::Nanos Load::due_time(std::uint64_t request) const {
  return static_cast<Nanos>(static_cast<double>(request) / options_.rate * kNanos);
}

bool Load::more_to_start() const {
  return options_.rate > 0 ? started_ < intended_ : now() < end_;
}

void Load::start_what_is_due() {
  while (!idle_.empty() && more_to_start()) {
    const Nanos due = options_.rate > 0 ? due_time(started_) : now();
    if (due > now()) return;
    const std::size_t slot = idle_.back();
    idle_.pop_back();
    start(slot, due);
  }
}

void Load::start(std::size_t slot, Nanos due) {
  slots_[slot].due = due;
  slots_[slot].busy = true;
  auto& connection = *slots_[slot].connection;
  const auto progress = connection.start(options_.heads[started_++ % options_.heads.size()]);
  if (connection.open() && connection.is_new()) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = slot;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event);
    connection.set_watched();
  }
  handle(slot, progress);
}

void Load::wait() {
  timespec timeout{.tv_sec = 0, .tv_nsec = 100'000'000};
  if (options_.rate > 0 && more_to_start() && !idle_.empty()) {
    const Nanos due = due_time(started_);
    const Nanos at = now();
    timeout.tv_nsec = due > at ? static_cast<long>(std::min<Nanos>(due - at, 100'000'000)) : 0;
  }
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    auto& slot = slots_[event.data.u64];
    if (!slot.connection->open()) continue;
    // An idle connection only matters when it ends; sessions that arrive late are read with the next reply.
    if (!slot.busy) {
      if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) slot.connection->close();
      continue;
    }
    handle(event.data.u64, slot.connection->resume());
  }
}

void Load::handle(std::size_t slot, Connection::Progress progress) {
  if (progress == Connection::Progress::Pending) return;
  auto& connection = *slots_[slot].connection;
  if (progress == Connection::Progress::Done) {
    result_.latency_ns.add(now() - slots_[slot].due);
    if (options_.reuse != Reuse::KeepAlive) connection.close();
  } else {
    if (result_.failed++ == 0) result_.first_failure = connection.why();
  }
  slots_[slot].busy = false;
  idle_.push_back(slot);
}

void Load::collect() {
  for (auto& slot : slots_) {
    result_.bytes += slot.connection->bytes_read();
    result_.handshakes += slot.connection->handshakes();
    result_.resumed += slot.connection->resumed();
    if (slot.busy) {
      if (result_.failed++ == 0) result_.first_failure = "no reply in time";
    }
  }
  // Requests that never found a free connection were asked for and not served.
  if (options_.rate > 0 && started_ < intended_) {
    if (result_.failed == 0) result_.first_failure = "no free connection in time";
    result_.failed += intended_ - started_;
  }
}

}  // namespace sluice::bench
