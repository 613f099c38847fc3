// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/error.h"
#include "control/cluster/feed.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "sync/signature.h"
#include "sync/wire/certified.h"
#include "sync/wire/deltas.h"
#include "sync/wire/projection.h"

namespace sluice::control::cluster {

/// Signs configurations that data planes keep copies of: each once, however many ask. Takes rows in small portions, so
/// that the control shard never pauses for it. Belongs to the control shard.
class Notary {
 public:
  explicit Notary(rt::Reactor& reactor) : reactor_(reactor) {}
  Notary(const Notary&) = delete;
  Notary& operator=(const Notary&) = delete;

  struct Question {
    sync::wire::Peer peer;          // what it is that such a peer gets
    sync::wire::Standing standing;  // that it says to have
    std::string hash;               // of what it should have
    std::string control_plane;      // UUID
    std::shared_ptr<const sync::Signer> signer;
  };
  /// Errc::Conflict: it has not what there is now; Unavailable: another one is being signed, or has just been. Nothing
  /// of the feed is used once the first portion has been read.
  Task<Result<sync::wire::Certified>> certify(const Feed& feed, Question question);

 private:
  struct Signed {
    std::string about;  // kind of peer, version, hash, signer
    sync::wire::Certified certified;
  };

  rt::Reactor& reactor_;
  std::deque<Signed> signed_;  // the newest first
  bool busy_ = false;
  std::int64_t not_before_ms_ = 0;  // monotonic
};

}  // namespace sluice::control::cluster
