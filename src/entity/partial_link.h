// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "schema/entity.h"

namespace sluice::entity {

class Catalog;

/// One entry of `partials` in a plugin: whose values stand where in its configuration.
struct PartialLink {
  Uuid id;           // of the partial; nil where it is named only
  std::string name;  // in what clients send and see; empty in canonical documents that are stored
  std::string path;  // "config.redis"; empty: the one place where such a partial fits

  static void describe(schema::Record<PartialLink>& r);
};

/// The links of a plugin's document; none where there is nothing that could be one.
[[nodiscard]] std::vector<PartialLink> partial_links(const Json& plugin);
/// Replaces them.
void set_partial_links(Json& plugin, const std::vector<PartialLink>& links);

/// The canonical document of a partial; nothing when there is none.
using FindPartial = std::function<std::optional<Json>(const Uuid& id)>;

/// The plugin's document as it takes effect: behind each link's path stand the partial's values. Links that lead
/// nowhere change nothing.
[[nodiscard]] Json with_partials(Json plugin, const FindPartial& find);

/// Makes a document canonical as `type.process_at()` does; `type` is of the catalog. A plugin is judged as it takes
/// effect with its partials, of which nothing is kept in it: what is theirs has the plugin's own defaults there. Links
/// name partials by id; that those exist is for the caller to see. What is nested too deep (nesting.h) is refused.
void process_entity(const Catalog& catalog, const schema::EntityBase& type, Json& document,
                    const schema::ProcessOptions& options, const FindPartial& find, schema::Violations& violations);

}  // namespace sluice::entity
