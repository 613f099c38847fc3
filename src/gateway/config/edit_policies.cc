// SPDX-License-Identifier: Apache-2.0
// Plugins and upstreams of a generation.
#include <algorithm>
#include <cstdlib>

#include "entity/all.h"
#include "gateway/config/edit.h"
#include "gateway/config/plugin_check.h"
#include "gateway/config/secrets.h"

namespace sluice::gateway {
namespace {

/// The entity that narrows a plugin row most; the workspace of a global row.
Uuid anchor_of(const Json& document, const Uuid& workspace) {
  for (std::string_view field : {"route", "service", "consumer", "consumer_group"}) {
    if (Uuid id = reference(document, field); !id.is_nil()) return id;
  }
  return workspace;
}

bool is_enabled(const Json& document) {
  const Json* enabled = document.find("enabled");
  return enabled == nullptr || !enabled->is_bool() || enabled->as_bool();
}

}  // namespace

/// `change` rows more or fewer name this consumer or group.
void Edit::count_policed(const Json& document, int change) {
  for (std::string_view field : {"consumer", "consumer_group"}) {
    const Uuid id = reference(document, field);
    if (id.is_nil()) continue;
    const std::uint32_t* present = next_->policed_identities.find(id);
    const auto count = static_cast<std::uint32_t>(static_cast<int>(present != nullptr ? *present : 0) + change);
    if (count == 0) {
      next_->policed_identities.erase(id);
    } else {
      next_->policed_identities.insert(id, count);
    }
  }
}

void Edit::drop_plugin(const Change& change) {
  const Uuid anchor = anchor_of(*change.before, change.workspace_before);
  const PluginRows* present = next_->plugins_at(anchor);
  if (present == nullptr) return;
  auto rows = std::make_shared<PluginRows>(*present);
  const auto dropped =
      std::erase_if(*rows, [&](const Shared<const PluginConfig>& row) { return row->identity.id == change.id; });
  if (dropped != 0) count_policed(*change.before, -1);
  note_asking(change.id, nullptr);
  if (rows->empty()) {
    next_->plugins_by_anchor.erase(anchor);
  } else {
    next_->plugins_by_anchor.insert(anchor, std::move(rows));
  }
  routes_to_flag_.insert(anchor);
}

void Edit::add_plugin(Shared<const PluginConfig> row, const Uuid& anchor) {
  const PluginRows* present = next_->plugins_at(anchor);
  auto rows = present != nullptr ? std::make_shared<PluginRows>(*present) : std::make_shared<PluginRows>();
  rows->push_back(std::move(row));
  next_->plugins_by_anchor.insert(anchor, std::move(rows));
  routes_to_flag_.insert(anchor);
}

void Edit::plugin(const Change& change) {
  policy_changed();
  note_links(change);
  if (change.before != nullptr) drop_plugin(change);
  if (change.after == nullptr || !is_enabled(*change.after)) return;
  const Json document =
      entity::with_partials(*change.after, [&](const Uuid& id) { return find_partial(change.workspace, id); });
  std::string name = text(document, "name");
  const PluginDescriptor* descriptor = plugins_.find(name);
  if (descriptor == nullptr) {
    problem("plugins", change.id, "name",
            "plugin '" + name + "' not enabled; add it to the 'plugins' configuration property");
    return;
  }
  auto row = Shared<PluginConfig>::make();
  row->descriptor = descriptor;
  row->workspace = change.workspace;
  row->route = reference(document, "route");
  row->service = reference(document, "service");
  row->consumer = reference(document, "consumer");
  row->consumer_group = reference(document, "consumer_group");
  auto scope = [](const Uuid& id) { return id.is_nil() ? std::string{} : id.to_string(); };
  row->identity = {change.id,         change.id.to_string(), text(document, "instance_name"),
                   scope(row->route), scope(row->service),   scope(row->consumer)};
  row->protocols = protocol_bits(document.find("protocols"));
  if (const Json* config = document.find("config")) {
    row->config = resolve_secrets(*config, *next_, change.workspace);
  }
  for (auto& [field, message] : refused_options(*descriptor, row->config)) {
    problem("plugins", change.id, "config." + field, std::move(message));
  }
  count_policed(document, 1);
  Shared<const PluginConfig> made(std::move(row));
  if (!remaking_) plugins_written_.push_back(made);
  note_asking(change.id, &made);
  add_plugin(std::move(made), anchor_of(document, change.workspace));
}

/// Of what the change itself writes: a row that is only made again, because of a vault or a partial, was judged before.
void Edit::check_protocols() {
  for (const Shared<const PluginConfig>& row : plugins_written_) {
    auto shares_one = [&](const RouteConfig& route) { return (route.RouteFacts::protocols & row->protocols) != 0; };
    if (const auto* route = next_->routes_by_id.find(row->route); route != nullptr) {
      if (!shares_one(**route)) {
        problem("plugins", row->identity.id, "protocols", "must match the associated route's protocols");
      }
    } else if (!row->service.is_nil()) {
      bool has_routes = false;
      bool matches = false;
      for (auto entry = next_->routes_by_id.begin(); !matches && entry != next_->routes_by_id.end(); ++entry) {
        if (entry->value->service.id != row->service) continue;
        has_routes = true;
        matches = shares_one(*entry->value);
      }
      if (has_routes && !matches) {
        problem("plugins", row->identity.id, "protocols",
                "must match the protocols of at least one route pointing to this Plugin's service");
      }
    }
  }
}

void Edit::upstream(const Change& change) {
  policy_changed();
  if (change.before != nullptr) {
    const std::string before = text(*change.before, "name");
    const ScopedNameView name{change.workspace_before, {}, before};
    const auto* holder = next_->upstreams_by_name.find(name);
    if (holder != nullptr && (*holder)->id == change.id) next_->upstreams_by_name.erase(name);
  }
  const auto* old = next_->upstreams.find(change.id);
  std::vector<TargetConfig> targets = old != nullptr ? (*old)->targets : std::vector<TargetConfig>{};
  if (change.after == nullptr) {
    next_->upstreams.erase(change.id);
    next_->probed_upstreams.erase(change.id);
    return;
  }
  auto upstream = Shared<UpstreamConfig>::make();
  upstream->id = change.id;
  upstream->workspace = change.workspace;
  upstream->name = text(*change.after, "name");
  upstream->host_header = text(*change.after, "host_header");
  upstream->settings = std::make_shared<const entity::Upstream>(catalog_.of<entity::Upstream>().read(*change.after));
  if (upstream->settings->healthchecks.probes()) {
    next_->probed_upstreams.insert(change.id, true);
  } else {
    next_->probed_upstreams.erase(change.id);
  }
  upstream->targets = std::move(targets);
  Shared<const UpstreamConfig> made(std::move(upstream));
  next_->upstreams.insert(change.id, made);
  next_->upstreams_by_name.insert({made.get()}, made);
}

namespace {

std::string zone_of(const std::vector<std::string>& tags) {
  constexpr std::string_view kMark = "zone:";
  const auto found = std::ranges::find_if(tags, [&](const std::string& tag) { return tag.starts_with(kMark); });
  return found != tags.end() ? found->substr(kMark.size()) : std::string();
}

}  // namespace

void Edit::target(const Change& change) {
  policy_changed();
  auto edit = [&](const Uuid& upstream, const Json* added) {
    const auto* present = next_->upstreams.find(upstream);
    if (present == nullptr) return;
    auto changed = Shared<UpstreamConfig>::make(**present);
    std::erase_if(changed->targets, [&](const TargetConfig& t) { return t.id == change.id; });
    if (added != nullptr) {
      entity::Target view = catalog_.of<entity::Target>().read(*added);
      std::size_t colon = view.target.rfind(':');
      TargetConfig target{change.id, view.target.substr(0, colon), 8000, view.weight, view.created_at, view.failover};
      target.port = static_cast<std::uint16_t>(std::strtoul(view.target.c_str() + colon + 1, nullptr, 10));
      target.zone = zone_of(view.tags);
      if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
      changed->targets.push_back(std::move(target));
    }
    Shared<const UpstreamConfig> made(std::move(changed));
    next_->upstreams.insert(upstream, made);
    next_->upstreams_by_name.insert({made.get()}, made);
  };
  if (change.before != nullptr) edit(reference(*change.before, "upstream"), nullptr);
  if (change.after != nullptr) edit(reference(*change.after, "upstream"), change.after);
}

}  // namespace sluice::gateway
