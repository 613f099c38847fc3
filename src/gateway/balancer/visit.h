// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "base/error.h"
#include "gateway/balancer/balancer.h"

namespace sluice::gateway {

/// A request's stay with the peer of one try: counts it as busy, and tells health and speed how it went. Costs a few
/// branches where neither is asked for.
class Visit {
 public:
  Visit() = default;
  Visit(Visit&& other) noexcept
      : peer_(std::move(other.peer_)),
        service_(other.service_),
        began_ns_(other.began_ns_),
        counted_(std::exchange(other.counted_, false)) {}
  Visit& operator=(Visit&&) = delete;
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { end(); }

  /// `service` outlives the visit.
  void begin(const LiveService& service, const Choice& choice, std::int64_t now_ns);
  /// The head of an answer is there.
  void answered(int status, std::int64_t now_ns);
  /// A stream's connection is there: all that is known of it.
  void connected(std::int64_t now_ns);
  /// No answer came. Errors of the client's say nothing about the peer.
  void failed(const Error& error);
  [[nodiscard]] const Peer* peer() const { return peer_.get(); }

 private:
  void end();

  Rc<Peer> peer_;
  const LiveService* service_ = nullptr;
  std::int64_t began_ns_ = 0;
  bool counted_ = false;
};

}  // namespace sluice::gateway
