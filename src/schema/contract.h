// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "schema/record_base.h"

namespace sluice::schema {

/// A published contract, `specs/<path>` below SLUICE_SHARED or `../shared`; empty where it is not at hand, which
/// lets a test skip. Blocks: for tests only.
std::optional<Json> load_contract(std::string_view path);

struct ContractOptions {
  /// Dotted paths that are ours alone or deliberately not offered, e.g. "redis.sentinel_nodes"; what lies below them is
  /// left out too. "protocol:enum" leaves out one attribute only.
  std::vector<std::string> left_out;
};

/// Where our description and a published one (JSON Schema) differ, field by field: names, types, defaults, lists of
/// values, bounds, what is required, referenceable or encrypted. Empty when they agree.
std::vector<std::string> compare_contract(const RecordBase& ours, const Json& published,
                                          const ContractOptions& options = {});

/// The whole comparison for one plugin: `compare_plugin_contract(describe<Config>(), "KeyAuth")`. Nothing when the
/// contract is not at hand: a test then skips by name.
std::optional<std::vector<std::string>> compare_plugin_contract(const RecordBase& config, std::string_view spec_name,
                                                                const ContractOptions& options = {});

/// The same for where a plugin applies: scopes and protocols of the whole plugin entity, as Catalog::plugin() gives it.
std::optional<std::vector<std::string>> compare_plugin_scopes(const RecordBase& plugin, std::string_view spec_name,
                                                              ContractOptions options = {});

}  // namespace sluice::schema
