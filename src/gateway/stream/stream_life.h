// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "gateway/balancer/visit.h"
#include "gateway/config/snapshot.h"
#include "gateway/stream/stream_parts.h"
#include "net/address.h"
#include "net/tunnel.h"

namespace sluice::gateway {

/// One session from its first octet to its log record: what it pins, and its end. The destructor is the log phase, so
/// that it runs exactly once, however the session ends.
class StreamLife {
 public:
  StreamLife(const StreamParts& parts, Snapshot::Ref snapshot, Transport transport);
  StreamLife(const StreamLife&) = delete;
  StreamLife& operator=(const StreamLife&) = delete;
  ~StreamLife();

  StreamSession session;
  net::TunnelCounts counts;  // become part of the record

  /// Who the client is, and where it arrived.
  void set_client(const net::Address& peer, const net::Address& local);
  /// Finds the route, and asks the plugins. False: the session is over, its status is set.
  Task<bool> police();

  /// One attempt to reach what the balancer chose.
  using Open = std::function<Task<Result<>>(const Choice& choice, rt::Deadline deadline)>;
  /// Tries until an upstream is there, or another try would not help. False: the session is over, its status is set.
  Task<bool> reach(Open open);
  /// The upstream has turned out to be none.
  void lose_upstream(const Error& error);

  /// Ends the session, or would: the first reason counts.
  void end_with(int status, std::string_view why);
  [[nodiscard]] const ServiceConfig& service() const { return live_->config(); }
  [[nodiscard]] const LiveService& live() const { return *live_; }

 private:
  class Remains;

  bool find_route();
  [[nodiscard]] bool may_try_again(const Error& error, const Choice& choice);
  telemetry::Try& note_try(const Choice& choice, std::int64_t began_ns);
  void let_go();

  const StreamParts& parts_;
  Snapshot::Ref snapshot_;  // until an upstream is there: a session may outlive many generations
  std::optional<WorkspaceDirectory> directory_;
  std::unique_ptr<Remains> remains_;
  Shared<const RouteConfig> route_;
  Rc<Plan> plan_;
  Rc<LiveService> live_;
  Selection selection_;
  std::string hashed_;
  Visit visit_;
};

}  // namespace sluice::gateway
