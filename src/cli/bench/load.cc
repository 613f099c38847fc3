// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace sluice::cli::bench {
namespace {

constexpr double kNanos = 1e9;
// How long replies may take after the last request was due.
constexpr std::uint64_t kGraceNanos = 5'000'000'000;

}  // namespace

Load::Load(LoadOptions options) : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  // Requests are due at microseconds; the default slack of 50 us would bunch them.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  for (std::size_t i = 0; i < options_.connections; ++i) {
    slots_.push_back({.connection = std::make_unique<Connection>(options_.endpoint, options_.dialogue())});
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
  intended_ = options_.idle       ? options_.connections
              : options_.rate > 0 ? static_cast<std::uint64_t>(std::ceil(options_.duration.count() * options_.rate))
                                  : std::numeric_limits<std::uint64_t>::max();
  while (now() < end_ + kGraceNanos) {
    start_what_is_due();
    if (!more_to_start() && idle_.size() + settled_ == slots_.size() && (!options_.idle || now() >= end_)) break;
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
  return started_ < intended_ && (options_.rate > 0 || now() < end_);
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
  const auto progress = connection.start(started_++);
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
    on_event(event.data.u64, event.events);
  }
}

void Load::on_event(std::size_t slot, std::uint32_t events) {
  auto& connection = *slots_[slot].connection;
  if (!connection.open()) return;
  if (slots_[slot].busy) return handle(slot, connection.resume());
  // An idle connection only matters when it ends; sessions that arrive late are read with the next reply.
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  connection.close();
  if (options_.idle) count_failure("an idle connection was closed");
}

void Load::handle(std::size_t slot, Connection::Progress progress) {
  if (progress == Connection::Progress::Pending) return;
  auto& connection = *slots_[slot].connection;
  if (progress == Connection::Progress::Done) {
    result_.latency_ns.add(now() - slots_[slot].due);
    if (options_.reuse != Reuse::KeepAlive) connection.close();
  } else {
    count_failure(connection.why());
  }
  slots_[slot].busy = false;
  if (options_.idle)
    ++settled_;
  else
    idle_.push_back(slot);
}

void Load::count_failure(std::string_view why) {
  if (result_.failed++ == 0) result_.first_failure = why;
}

void Load::collect() {
  for (auto& slot : slots_) {
    result_.bytes += slot.connection->bytes_read();
    result_.handshakes += slot.connection->handshakes();
    result_.resumed += slot.connection->resumed();
    if (slot.connection->open()) ++result_.open;
    if (slot.busy) count_failure("no reply in time");
  }
  // Requests that never found a free connection were asked for and not served.
  if (options_.rate > 0 && started_ < intended_) {
    count_failure("no free connection in time");
    result_.failed += intended_ - started_ - 1;
  }
}

}  // namespace sluice::cli::bench
