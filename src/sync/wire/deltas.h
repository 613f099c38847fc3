// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sync/delta.h"
#include "sync/version.h"

namespace sluice::entity {
class Catalog;
}

namespace sluice::sync::wire {

/// [{"type":"services","entity":{..}|null,"version":"v02_..","ws_id":"..","pk":{"id":".."}}, ..]: the array of deltas
/// of protocol 2, one for each row put and each key removed, parents before children on the way in and children first
/// on the way out. `default_workspace` is what the wire says for the nil workspace. Documents are taken over as texts.
std::string deltas_text(std::span<const EntityRow> upserts, std::span<const EntityKey> removals,
                        std::string_view version, const Uuid& default_workspace);

/// The row of the default workspace as it is until somebody writes one. Kong's data planes must get it among all others
/// to know its id; reconfigure_frame() adds it, for protocol 2 the caller does. Ours need none.
EntityRow default_workspace_row(const entity::Catalog& catalog, const Uuid& default_workspace);

/// The same read: rows with canonical documents, unvalidated. `default_workspace` becomes nil, or what a row of type
/// "workspaces" and name "default" says to be it. Such a row is left out when its id is not the one that ours have.
struct ReadDeltas {
  std::vector<EntityRow> upserts;
  std::vector<EntityKey> removals;
  std::string version;     // of the last delta; empty when there is none
  Uuid default_workspace;  // what became nil, to be given to the next call
};
Result<ReadDeltas> read_deltas(const Json& deltas, const Uuid& default_workspace);

/// kong.sync.v2.get_delta: params [{"default":{"version":".."}}], result {"default":{"deltas":[..],"full_sync":b}}.
std::string get_delta_params(std::string_view version);
Result<std::string> read_get_delta_params(const Json& params);
std::string get_delta_result(std::string_view deltas, bool full);
struct GetDeltaResult {
  const Json* deltas;  // lives in what was read
  bool full;           // "full_sync", or "wipe" as it was called once
};
Result<GetDeltaResult> read_get_delta_result(const Json& result);

/// kong.sync.v2.notify_new_version: params [{"default":{"new_version":".."}}].
std::string new_version_params(std::string_view version);
Result<std::string> read_new_version_params(const Json& params);

/// sluice.sync.v1.push, a notification: [{"from","to","hash","part","parts","full","deltas":[..],"signature"}]. A
/// change leads from one version to the next; a whole configuration comes in parts, each at most a megabyte or one row,
/// and only the last one names hash and signature. `from` is empty when `full`.
struct Push {
  std::string from, to;
  std::string hash;
  std::size_t part = 0, parts = 1;
  bool full = false;
  std::string signature;  // signature.h over (control plane, to, hash); of full ones only
};
std::string push_params(const Push& push, std::string_view deltas);
struct ReadPush {
  Push push;
  const Json* deltas;  // lives in what was read
};
Result<ReadPush> read_push(const Json& params);

/// sluice.sync.v1.applied and .resync, notifications: [{"version","hash","reason"}].
struct Standing {
  std::string version, hash;
  std::string reason;  // of a resync: why the whole configuration is asked for
};
std::string standing_params(const Standing& standing);
Result<Standing> read_standing(const Json& params);

/// What a data plane could not take: kong.sync.v2.notify_validation_error, and {"type":"error"} of protocol 1 with
/// Konnect. `errors` has an object for each entity that is wrong, as flattened_errors of /config but without the
/// entity, whose values may be secrets; at most 50 and 16 kB of them are written, and read.
struct Refused {
  std::string version;  // of protocol 2
  std::string hash;     // of protocol 1
  std::string name;     // "declarative configuration parse failure", "configuration reload failed", ...
  std::string message;
  Json errors;  // array, may be empty
};
std::string refused_params(const Refused& refused);
Result<Refused> read_refused_params(const Json& params);
std::string refused_v1_text(const Refused& refused);
Result<Refused> read_refused_v1(std::string_view text);

}  // namespace sluice::sync::wire
