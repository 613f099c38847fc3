// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/uuid.h"
#include "cluster/reader.h"
#include "dataplane/reconnect_delay.h"
#include "http/websocket/connection.h"
#include "net/stream.h"
#include "rt/task.h"
#include "sync/version.h"

namespace sluice::bench {

class Fleet;

/// Which rules a node speaks by.
enum class Kind : std::uint8_t {
  Strict,      // protocol 2 with what is agreed between two of us
  KongDeltas,  // protocol 2 as it was published
  KongWhole,   // protocol 1
};
inline constexpr std::size_t kKinds = 3;

/// A data plane that serves nothing: it connects, says who it is, takes what it is sent, says that it has, pings, and
/// comes again when the link breaks. Belongs to the fleet's thread.
class SimulatedNode {
 public:
  /// `fleet` outlives the node.
  SimulatedNode(Fleet& fleet, std::size_t number, Kind kind);
  SimulatedNode(const SimulatedNode&) = delete;
  SimulatedNode& operator=(const SimulatedNode&) = delete;

  /// Begins to live, or goes on after drop().
  void connect();
  /// Vanishes: what it knows it keeps.
  void drop();

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] bool is_settled() const { return settled_; }
  [[nodiscard]] const sync::Version& version() const { return version_; }
  /// Octets that its socket has received, by the kernel's count.
  [[nodiscard]] std::uint64_t octets_received() const;

  bool awaited = false;  // the fleet's note: a change is on the way to it

 private:
  using Link = http::websocket::Connection;

  Task<void> live();
  Task<Result<>> follow();
  Task<Result<std::string>> shake_hands(net::Stream& stream, rt::Deadline deadline);
  Task<Result<>> greet(Link& link);
  Task<Result<>> greet_by_rpc(Link& link);
  Task<Result<>> listen(Link& link);
  Task<Result<>> beat(Link& link);
  Task<Result<>> take(Link& link, const std::string& frame);
  Task<Result<>> take_whole(Link& link, const std::string& frame);
  Task<Result<>> take_push(Link& link, const Heard& heard);
  Task<Result<>> take_deltas(Link& link, const Heard& heard);
  Task<Result<>> ask_for_deltas(Link& link);
  Task<Result<>> acknowledge(Link& link, sync::Version version, std::string hash, const std::string& answer);
  void take_pong(std::string_view payload);
  Task<Result<>> send(Link& link, std::string_view frame);
  Task<Result<>> ping(Link& link, std::string_view payload);

  Fleet& fleet_;
  const std::size_t number_;
  const Kind kind_;
  const Uuid id_;
  sync::Version version_;
  std::string hash_;
  std::uint32_t ping_ms_ = 30'000;
  dataplane::ReconnectDelay delay_;
  bool knew_ = false;  // at the greeting it had a configuration
  bool settled_ = false;
  bool witness_ = false;           // its pong is awaited
  net::Stream* stream_ = nullptr;  // while there is a link
  Task<void> life_ = Task<void>::done();
};

}  // namespace sluice::bench
