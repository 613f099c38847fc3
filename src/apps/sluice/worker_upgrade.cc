// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "worker.h"

// A worker that takes the place of one of another version, and one whose place is taken: process/upgrade.h.

namespace sluice::apps {
namespace {

constexpr std::int64_t kKeepsakeMs = 5'000;  // for the supervisor to take the last one
constexpr std::int64_t kTryAgainMs = 200;    // it may be large

/// Says every second that this process works, while it lasts: no reactor turns yet.
class SignsOfLife {
 public:
  explicit SignsOfLife(const process::Link& link)
      : thread_([this, &link](const std::stop_token& end) {
          std::unique_lock lock(mutex_);
          while (!end.stop_requested()) {
            link.send(process::Notice::Alive);
            wake_.wait_for(lock, end, std::chrono::seconds(1), [] { return false; });
          }
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the above
};

std::vector<int> copies(const std::vector<int>& sockets) {
  std::vector<int> made;
  made.reserve(sockets.size());
  for (const int socket : sockets) made.push_back(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  return made;
}

}  // namespace

/// Everything is loaded. Goes on once the other worker writes nothing any more, with what it has written last.
Result<> Worker::await_turn() {
  if (!link_.send_patiently(process::Notice::Prepared)) return fail(Errc::Closed, "the supervisor has gone");
  std::optional<process::Link::Received> order;
  while (!order || order->notice != process::Notice::TakeOver) {
    if (order) take_channel(*order);
    order = link_.wait();
    if (!order) return fail(Errc::Closed, "the supervisor has gone");
  }
  const SignsOfLife alive(link_);
  Keepsake newest = Keepsake::take(order->descriptor).only_rows();
  static_cast<void>(ticket_keys_->restore(newest.tickets.reveal()));
  TRY(const bool outdated, is_outdated(newest));
  if (outdated) {
    take_apart();
    keepsake_ = std::move(newest);
    TRY(assemble());
  }
  keepsake_ = {};
  first_declarative_ = {};
  return {};
}

/// What is no channel is for another version.
void Worker::take_channel(const process::Link::Received& order) {
  if (order.descriptor < 0) return;
  if (order.notice == process::Notice::Channel) {
    elders_.push_back(order.descriptor);
  } else {
    ::close(order.descriptor);
  }
}

Result<bool> Worker::is_outdated(const Keepsake& newest) {
  if (data_plane_) return true;  // its cache on disk may have got newer, and takes little to read
  if (settings_.database == settings::Database::Off) {
    return newest.form != keepsake_.form || newest.hash != keepsake_.hash;
  }
  TRY(const store::Heads heads, admin_->durable()->blocking().heads());
  return heads != loaded_heads_;
}

void Worker::on_order(const process::Link::Received& order) {
  if (order.descriptor >= 0) ::close(order.descriptor);
  if (stopping_) return;
  switch (order.notice) {
    case process::Notice::Release:
      if (release_ == Release::None) tasks_.spawn(release());
      break;
    case process::Notice::Resume:
      if (release_ == Release::UnderWay) resume_due_ = true;
      if (release_ == Release::Done) resume();
      break;
    case process::Notice::Leave:
      leave();
      break;
    default:
      break;
  }
}

/// Proxying goes on; what two processes must not do at a time ends here. Clients that come to the Admin API meanwhile
/// wait at its listener, which the supervisor holds open.
Task<void> Worker::release() {
  release_ = Release::UnderWay;
  log::info("upgrade.releasing");
  released_.admin = copies(sockets_.admin);
  released_.gui = copies(sockets_.gui);
  released_.cluster = copies(sockets_.cluster);
  cluster_.reset();  // data planes come back, to the other process
  if (data_plane_) co_await data_plane_->leave();
  if (admin_) co_await admin_->release();
  // Without it, what was posted and acknowledged would be lost: then this process keeps its place.
  const rt::Deadline deadline = control_.after_ms(kKeepsakeMs);
  for (next_keepsake_ms_ = 0; !keepsake_is_left() && !deadline.passed(control_.clock()); next_keepsake_ms_ = 0) {
    leave_keepsake();
    if (!keepsake_is_left()) co_await rt::Sleep(control_, control_.after_ms(kTryAgainMs));
  }
  release_ = Release::Done;
  if (resume_due_) {
    resume();
    co_return;
  }
  if (keepsake_is_left()) offer_channels();
  if (!keepsake_is_left() || !link_.send_patiently(process::Notice::Released)) {
    log::error("upgrade.not_released");  // the supervisor loses patience, and says Resume
  }
}

/// So that the next worker can ask about datagrams that belong to sessions of this one.
void Worker::offer_channels() {
  for (const int channel : node_->make_way()) {
    static_cast<void>(link_.send_patiently(process::Notice::Channel, channel));
    ::close(channel);
  }
}

void Worker::resume() {
  log::notice("upgrade.resumed");
  release_ = Release::None;
  resume_due_ = false;
  node_->stay();
  const ListeningSockets sockets = std::exchange(released_, {});
  sockets_.admin = sockets.admin;
  sockets_.gui = sockets.gui;
  sockets_.cluster = sockets.cluster;
  if (data_plane_) data_plane_->start();
  if (admin_) admin_->resume(sockets_);
  if (const auto opened = open_cluster(); !opened) log::error("cluster.not_resumed", {{"error", opened.error()}});
  if (cluster_) cluster_->listen(sockets_.cluster);
}

/// The other process serves. Whoever is connected may stay as long as the budget lasts, and is told with the next
/// response that it was the last one.
void Worker::leave() {
  stopping_ = true;
  log::info("gateway.leaving");
  released_.close();
  if (admin_) admin_->leave_status();
  if (data_plane_) data_plane_->leave_status();
  departure_.emplace(*node_, control_)
      .begin({.delay = Millis(0), .budget = settings_.upgrade_drain_timeout, .idle = http::Idle::Keep});
}

}  // namespace sluice::apps
