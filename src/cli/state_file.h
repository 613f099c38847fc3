// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/environment.h"
#include "cli/files.h"
#include "entity/catalog.h"

namespace sluice::cli {

/// What the files of one command say together, in decK's dialect: reference/cloudnative.md, 6.1.
struct StateFile {
  Json document;  // one file, nested or flat as it was written, without `_info` and what it asks for carried out
  std::string workspace;  // `_workspace`; empty: none
  std::vector<std::string> select_tags;
  std::map<std::string, std::vector<std::string>> lookup_tags;  // by type: where references may lead besides the file
  std::vector<std::string> environment_values;                  // to be masked
  bool transform = true;                                        // false: credentials are as the store keeps them
};

/// Reads, substitutes, parses and joins: lists are concatenated; files that name different workspaces, select tags or
/// versions do not go together.
Result<StateFile> read_state_file(const std::vector<Input>& inputs, const Environment& environment,
                                  Variables variables = Variables::Required);

/// Fills in `_info.defaults` and `_plugin_configs`, and adds `tags` to every entity that can have some. `document` has
/// `_info` and `_plugin_configs` no more afterwards.
Result<> complete_entities(const entity::Catalog& catalog, Json& document, const std::vector<std::string>& tags);

/// Visits every entity of a file, nested ones after those they are in.
void for_each_entity(const entity::Catalog& catalog, Json& document,
                     const std::function<void(const schema::EntityBase& type, Json& entity)>& visit);

/// `patch` over `target`, objects member by member; what `target` has stays unless `patch` has it too.
void merge_objects(Json& target, const Json& patch);

}  // namespace sluice::cli
