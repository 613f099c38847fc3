// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "gateway/verdict.h"
#include "rt/task.h"

namespace sluice::gateway {

class StreamSession;

/// Ends a session before its upstream is asked. A TCP client sees its connection closed, one that speaks TLS an alert,
/// one that speaks UDP nothing at all; the status is for logs and metrics.
struct StreamRefusal {
  int status = 403;
  std::string reason = {};  // for the log
};

/// What a plugin decided about a session: go on, or refuse it.
class [[nodiscard]] StreamVerdict {
 public:
  StreamVerdict(Next) {}                // NOLINT(google-explicit-constructor)
  StreamVerdict(StreamRefusal refusal)  // NOLINT(google-explicit-constructor)
      : refusal_(std::make_unique<StreamRefusal>(std::move(refusal))) {}

  /// Null: go on.
  [[nodiscard]] const StreamRefusal* refusal() const { return refusal_.get(); }

 private:
  std::unique_ptr<StreamRefusal> refusal_;
};

/// What a plugin does with TCP, TLS and UDP sessions (gateway/stream_session.h). A plugin that has anything to do there
/// derives from it besides Plugin and overrides what it needs; all others never see a session.
class StreamPlugin {
 public:
  StreamPlugin() = default;
  StreamPlugin(const StreamPlugin&) = delete;
  StreamPlugin& operator=(const StreamPlugin&) = delete;

  /// The route and service are known, and the name that a TLS client asks for; nothing was sent to either side.
  virtual Task<StreamVerdict> on_preread(StreamSession& /*session*/) { return Next{}; }
  /// After the last octet, exactly once, also of sessions that were refused. Must not block.
  virtual void on_stream_log(const StreamSession& /*session*/) noexcept {}

 protected:
  ~StreamPlugin() = default;
};

}  // namespace sluice::gateway
