// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "http/h2/client_connection.h"
#include "http/pool.h"
#include "net/stream.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "rt/timer_wheel.h"
#include "rt/waiter.h"

namespace sluice::http {

/// HTTP/2 connections to one endpoint, on one shard: the first that takes another stream is used, so that there are as
/// few as the upstream allows. One connection is opened at a time; whoever else needs one waits for it.
///
/// An upstream lets so much content come on one connection at a time, many no more than 64 kB, and what one request
/// waits for all behind it wait for. So one that is held back is used only where all are, and then another is opened
/// beside it. Those that are not needed any more fall idle and end.
class MultiplexedPool final : private h2::ClientConnection::Owner, private rt::Timer {
 public:
  MultiplexedPool(rt::Reactor& reactor, const PoolOptions& options) : reactor_(reactor), options_(options) {}
  MultiplexedPool(const MultiplexedPool&) = delete;
  MultiplexedPool& operator=(const MultiplexedPool&) = delete;
  ~MultiplexedPool() override = default;

  /// How many are opened only since the others are held back, and for how long that is waited for, in ms.
  static constexpr std::size_t kMostBeside = 16;
  static constexpr std::int64_t kDialBesideMs = 200;

  /// A connection that takes another stream, or null. To be used before anything suspends; from then on it lives as
  /// long as the exchange on it.
  [[nodiscard]] h2::ClientConnection* take();
  /// What take() gave had better be left alone: it is held back, and another may be opened beside it.
  [[nodiscard]] bool wants_another(const h2::ClientConnection& taken) const;

  /// The right to open a connection. Given up when it is destroyed; then the others try again.
  class Turn {
   public:
    explicit Turn(MultiplexedPool& pool) : pool_(&pool) {}
    Turn(Turn&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (pool_ != nullptr) pool_->end_dial(nullptr);
    }
    /// No connection could be opened: those who wait for it fail as well.
    void failed(const Error& error) { std::exchange(pool_, nullptr)->end_dial(&error); }
    /// One more did not come in the little time that it had: who waits looks again, with time of its own.
    void gave_up();

   private:
    MultiplexedPool* pool_;
  };
  /// Nothing: somebody else is opening a connection; wait for dialed().
  [[nodiscard]] std::optional<Turn> begin_dial();
  /// Resumes when the connection that is being opened is there, or with the reason why not. Then take() again.
  Task<Result<>> dialed(rt::Deadline deadline);
  /// Uses `stream`, which is connected (and past its TLS handshake).
  h2::ClientConnection& add(std::unique_ptr<net::Stream> stream);

  [[nodiscard]] std::size_t size() const { return connections_.size(); }
  /// Nothing would be lost with it.
  [[nodiscard]] bool empty() const { return connections_.empty() && !dialing_; }

 private:
  struct Waiting {
    Waiting(MultiplexedPool& owner) : pool(owner), waiter(owner.reactor_) { pool.waiting_.push_back(this); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { std::erase(pool.waiting_, this); }
    MultiplexedPool& pool;
    rt::Waiter waiter;
    bool may_go = false;
    std::optional<Error> failure;
  };
  void end_dial(const Error* error);
  void connection_over() override;
  void expire() override;

  rt::Reactor& reactor_;
  const PoolOptions& options_;
  std::vector<std::unique_ptr<h2::ClientConnection>> connections_;
  std::vector<Waiting*> waiting_;  // oldest first
  bool dialing_ = false;
  std::int64_t none_beside_until_ms_ = 0;  // the upstream did not let another one come
};

}  // namespace sluice::http
