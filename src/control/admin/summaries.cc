// SPDX-License-Identifier: Apache-2.0
#include "control/admin/summaries.h"

#include <algorithm>
#include <array>

namespace sluice::control::admin {
namespace {

struct Summary {
  std::string_view pattern;
  std::string_view text;
};

constexpr std::array kSummaries = {
    Summary{"/", "What this node is: version, settings, plugins."},
    Summary{"/batch", "Many creates, upserts, updates and deletes as one change; `dry_run=1` tells the plan."},
    Summary{"/cache", "Nothing is cached apart from the configuration; DELETE says so with 204."},
    Summary{"/cache/{key}", "The same for one key."},
    Summary{"/clustering/data-planes", "Data planes, on a control plane."},
    Summary{"/clustering/data-planes/{node}", "One of them."},
    Summary{"/clustering/status", "The same in an older form."},
    Summary{"/config", "Without a database: the whole configuration; PATCH is a batch."},
    Summary{"/consumer_groups/{consumer_groups}/consumers", "Members of a group."},
    Summary{"/consumer_groups/{consumer_groups}/consumers/{consumers}", "One of them."},
    Summary{"/consumers/{consumers}/consumer_groups", "Groups of a consumer."},
    Summary{"/consumers/{consumers}/consumer_groups/{consumer_groups}", "One of them."},
    Summary{"/debug/node/log-level", "The level of the log."},
    Summary{"/debug/node/log-level/{level}", "Changes it for `timeout` seconds (60); 0: until it is changed again."},
    Summary{"/endpoints", "Every path."},
    Summary{"/explain", "Which route an imagined request takes, and why no other."},
    Summary{"/filter-chains", "Not offered: says so with 400."},
    Summary{"/filter-chains/{filter_chains}", "Not offered: says so with 400."},
    Summary{"/metrics", "Counters of the node, as Prometheus reads them."},
    Summary{"/openapi.json", "This description."},
    Summary{"/partials/{partials}/links", "Plugins that take values of a partial."},
    Summary{"/plugins/enabled", "Names of the plugins that this build has."},
    Summary{"/plugins/schema/{name}", "Deprecated: `config` of a plugin alone."},
    Summary{"/robots.txt", "Asks robots to stay away."},
    Summary{"/schemas/filters/{name}", "Not offered: says so with 404."},
    Summary{"/schemas/partials/{type}", "What `config` of a type of partial looks like."},
    Summary{"/schemas/partials/validate", "Whether a partial would be taken."},
    Summary{"/schemas/plugins/validate", "Whether a plugin would be taken."},
    Summary{"/schemas/plugins/{name}", "What a plugin looks like."},
    Summary{"/schemas/vaults/validate", "Whether a vault would be taken."},
    Summary{"/schemas/vaults/{name}", "What `config` of a vault's backend looks like."},
    Summary{"/schemas/{name}", "What an entity looks like."},
    Summary{"/schemas/{name}/validate", "Whether an entity would be taken."},
    Summary{"/status", "Connections, memory, and whether the database answers."},
    Summary{"/status/dns", "How often names have been looked up, and asked for."},
    Summary{"/tags", "Everything that has a tag."},
    Summary{"/tags/{tags}", "Everything that has this tag."},
    Summary{"/timers", "Timers of other products' nodes; always empty."},
    Summary{"/upstreams/{upstreams}/health",
            "Targets with their health; `balancer_health=1`: the upstream as a whole."},
    Summary{"/upstreams/{upstreams}/targets/all", "Targets in the order of their ids."},
    Summary{"/upstreams/{upstreams}/targets/{targets}/healthy", "Puts a target back into the turns, on this node."},
    Summary{"/upstreams/{upstreams}/targets/{targets}/unhealthy", "Takes a target out of the turns, on this node."},
    Summary{"/upstreams/{upstreams}/targets/{targets}/{address}/healthy", "The same for one address of it."},
    Summary{"/upstreams/{upstreams}/targets/{targets}/{address}/unhealthy", "The same for one address of it."},
    Summary{"/v1/schemas/json/plugin/{name}", "A plugin as JSON Schema."},
    Summary{"/v1/schemas/json/{name}", "An entity as JSON Schema."},
    Summary{"/workspaces/{workspaces}/meta", "How many entities of each type a workspace has."},
};

}  // namespace

std::string_view summary_of(std::string_view pattern) {
  const auto* const found = std::ranges::find(kSummaries, pattern, &Summary::pattern);
  if (found != kSummaries.end()) return found->text;
  return pattern.contains("/filter") ? "Not offered: says so with 400." : std::string_view();
}

}  // namespace sluice::control::admin
