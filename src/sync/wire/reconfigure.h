// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "sync/delta.h"

namespace sluice::entity {
class Catalog;
}

namespace sluice::sync::wire {

/// The names of a configuration and its parts in protocol 1: any 32 characters each.
struct PartHashes {
  std::string config, routes, services, plugins, upstreams, targets;
};

/// Protocol 1's only message to data planes, {"type":"reconfigure",...}, gzipped: the whole configuration. Leaves out
/// what is disabled (a service with its routes and plugins, a plugin) and what data planes have no use for.
std::string reconfigure_frame(const entity::Catalog& catalog, std::span<const EntityRow> rows,
                              const Uuid& default_workspace, const PartHashes& hashes, double timestamp);

/// The same read, from ours or a Kong control plane: rows with documents as they came, foreign keys as {"id"}, not yet
/// validated. The hash is computed (kong_hashes) where the message has none. `limit` bounds the size unpacked, and a
/// ratio of 100:1 beyond a megabyte is refused: Errc::TooLarge.
struct Reconfigure {
  Delta delta;  // complete
};
Result<Reconfigure> read_reconfigure(const entity::Catalog& catalog, std::string_view frame, std::size_t limit);

/// Kong's name of a configuration: MD5 over a text form of the whole, parts apart (reference: gateway facts, 8.2).
PartHashes kong_hashes(const Json& config_table);

}  // namespace sluice::sync::wire
