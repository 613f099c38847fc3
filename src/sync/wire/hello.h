// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "sync/wire/peer.h"

namespace sluice::sync::wire {

inline constexpr std::string_view kSyncV2 = "kong.sync.v2";        // capability: deltas by get_delta
inline constexpr std::string_view kSluiceSync = "sluice.sync.v1";  // capability of ours: pushed deltas, strict rules

/// What a data plane says first on protocol 2, params of kong.meta.v1.hello. Members that only we send stand below
/// "sluice" and are ignored by others.
struct Hello {
  std::vector<std::string> capabilities;
  std::vector<std::string> encodings;
  Peer peer;
  // With kSluiceSync: what it serves.
  std::string config_version;  // wire form; empty: nothing yet
  std::string config_hash;
};
/// What the control plane answers.
struct HelloReply {
  std::vector<std::string> capabilities;
  std::string encoding;
  // With kSluiceSync:
  std::string control_plane;  // UUID; a data plane serves exactly one for all its life
  std::uint32_t ping_ms = 0;  // how often the data plane pings
  std::uint32_t dead_ms = 0;  // after which silence either side gives up
};

/// The whole params array, and the result object.
std::string to_text(const Hello& hello);
Result<Hello> parse_hello(const Json& params);
std::string to_text(const HelloReply& reply);
Result<HelloReply> parse_hello_reply(const Json& result);

/// Protocol 1: the first frame of a data plane, {"type":"basic_info",...}, uncompressed. Identity and version stand in
/// the URL instead.
struct BasicInfo {
  std::map<std::string, std::string> plugins;  // name -> version
  std::map<std::string, std::string> labels;
  Json process_conf;  // settings without secrets
};
std::string to_text(const BasicInfo& info);
Result<BasicInfo> parse_basic_info(std::string_view text);

/// "k:v" labels as settings and kong_conf.cluster_dp_labels have them.
Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& labels);

}  // namespace sluice::sync::wire
