// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "cluster/mirror.h"
#include "sync/version.h"
#include "sync/wire/rpc.h"

namespace sluice::bench {

inline constexpr std::string_view kGetDelta = "kong.sync.v2.get_delta";

/// What a frame of protocol 2 says, as far as a node must know it to go on.
struct Heard {
  enum class Kind : std::uint8_t { Nothing, Push, News, Deltas };
  Kind kind = Kind::Nothing;
  sync::Version from, to;  // deltas that are none: both are the oldest version there is
  std::string hash;        // of the strict rules
  bool full = false;
  bool last = true;    // a whole configuration comes in parts
  std::string answer;  // frame with which a node says that it has done what was asked; may be empty
};

/// Reads each distinct frame once: a real node has a machine of its own for it, here thousands share one core. Belongs
/// to the fleet's thread.
class Reader {
 public:
  Result<std::shared_ptr<const Heard>> read(const std::string& frame);
  [[nodiscard]] const Mirror& mirror() const { return mirror_; }

 private:
  Result<Heard> read_anew(const std::string& frame);
  Result<Heard> read_call(const sync::wire::RpcCall& call);
  Result<Heard> read_push(const Json& params);
  static Result<Heard> read_deltas(const sync::wire::RpcReply& reply);

  Mirror mirror_;
  std::unordered_map<std::string, std::shared_ptr<const Heard>> known_;
};

}  // namespace sluice::bench
