// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "cli/gateway/state.h"
#include "entity/all.h"

namespace sluice::cli {
namespace {

using entity::ConsumerGroupConsumer;
using schema::EntityBase;

/// Tag that a hosted control plane puts on what it owns.
constexpr std::string_view kForeignTag = "konnect-managed";

bool has_tag(const Json& document, std::string_view tag) {
  const Json* tags = document.find("tags");
  if (tags == nullptr || !tags->is_array()) return false;
  return std::ranges::any_of(tags->as_array(),
                             [&](const Json& have) { return have.is_string() && have.as_string() == tag; });
}

std::string tag_query(const std::vector<std::string>& tags) {
  return tags.empty() ? "" : "?tags=" + percent_encode(join(tags, ","));
}

/// Partials are shown with their names, which may change: ids compare.
void forget_link_names(Json& plugin) {
  auto links = entity::partial_links(plugin);
  for (entity::PartialLink& link : links) link.name.clear();
  if (!links.empty()) entity::set_partial_links(plugin, links);
}

/// Whether all entities of the type belong to consumers, so that nobody need ask for them. Plugins may or may not.
bool always_belongs_to_consumer(const EntityBase& type) {
  const auto leads_there = [](const schema::Field* field) {
    return field->reference == entity::Consumer::kName && field->required;
  };
  return type.name() == entity::Consumer::kName || std::ranges::any_of(type.foreign_fields(), leads_there);
}

/// Lists come in the order of ids, which nobody can read and which differs between gateways.
void sort_by_name(std::vector<StateEntity>& entities) {
  std::vector<std::pair<std::string, std::size_t>> order;
  for (std::size_t i = 0; i < entities.size(); ++i) {
    std::string name;
    for (const char* member : {"name", "username", "custom_id", "target", "group", "key"}) {
      const Json* value = entities[i].document.find(member);
      if (value != nullptr && value->is_string()) name += value->as_string() + '\n';
    }
    order.emplace_back(std::move(name), i);
  }
  std::ranges::sort(order);
  std::vector<StateEntity> sorted;
  sorted.reserve(entities.size());
  for (const auto& [name, i] : order) sorted.push_back(std::move(entities[i]));
  entities = std::move(sorted);
}

class Reading {
 public:
  Reading(AdminClient& client, const entity::Catalog& catalog, const ReadOptions& options)
      : client_(client), catalog_(catalog), options_(options) {}

  Result<CurrentState> read() {
    result_.without_consumers = options_.skip_consumers;
    TRY(read_collections());
    TRY(read_lookup());
    TRY(read_targets());
    TRY(read_memberships());
    for (const auto& type : catalog_.types()) {
      sort_by_name(found_[type->name()]);
      for (StateEntity& entity : found_[type->name()]) result_.managed.entities.push_back(std::move(entity));
    }
    return std::move(result_);
  }

 private:
  using Listing = AdminClient::Listing;

  /// Workspaces are what a configuration is in, not what it has.
  [[nodiscard]] bool wanted(const EntityBase& type) const {
    if (type.name() == "workspaces") return false;
    return !options_.skip_consumers || !always_belongs_to_consumer(type);
  }

  Result<std::vector<Listing>> list(const std::vector<std::string>& paths) {
    TRY(auto listings, client_.list(paths));
    for (Listing& listing : listings) result_.versions.merge(listing.versions);
    return listings;
  }

  Result<> read_collections() {
    std::vector<std::string> paths;
    std::vector<const EntityBase*> types;
    for (const auto& type : catalog_.types()) {
      const bool below_others = type->name() == entity::Target::kName || type->name() == ConsumerGroupConsumer::kName;
      if (below_others || !wanted(*type)) continue;
      types.push_back(type.get());
      paths.push_back("/" + type->url() + tag_query(type->find_field("tags") != nullptr ? options_.tags : none_));
    }
    TRY(auto listings, list(paths));
    for (std::size_t i = 0; i < types.size(); ++i) {
      for (Json& entry : listings[i].entries) add(*types[i], std::move(entry), found_[types[i]->name()]);
    }
    return {};
  }

  Result<> read_lookup() {
    std::vector<std::string> paths;
    std::vector<const EntityBase*> types;
    for (const auto& [name, tags] : options_.lookup_tags) {
      const EntityBase* type = catalog_.find(name);
      if (type == nullptr) return fail(Errc::Invalid, "_info.default_lookup_tags: unknown type " + name);
      types.push_back(type);
      paths.push_back("/" + type->url() + tag_query(tags));
    }
    TRY(auto listings, list(paths));
    for (std::size_t i = 0; i < types.size(); ++i) {
      std::vector<StateEntity> found;
      for (Json& entry : listings[i].entries) add(*types[i], std::move(entry), found);
      std::ranges::move(found, std::back_inserter(result_.lookup.entities));
    }
    return {};
  }

  Result<> read_targets() {
    const EntityBase* type = catalog_.find(entity::Target::kName);
    std::vector<std::string> paths;
    for (const StateEntity& upstream : found_[std::string(entity::Upstream::kName)]) {
      paths.push_back("/upstreams/" + upstream.id.to_string() + "/targets" + tag_query(options_.tags));
    }
    TRY(auto listings, list(paths));
    for (Listing& listing : listings) {
      for (Json& entry : listing.entries) {
        const bool chosen = std::ranges::all_of(options_.tags, [&](const auto& tag) { return has_tag(entry, tag); });
        if (chosen) add(*type, std::move(entry), found_[type->name()]);
      }
    }
    return {};
  }

  /// Memberships have no collection of their own: each group is asked for its consumers.
  Result<> read_memberships() {
    const EntityBase* type = catalog_.find(ConsumerGroupConsumer::kName);
    if (type == nullptr || options_.skip_consumers) return {};
    const auto& found = found_[std::string(entity::ConsumerGroup::kName)];
    std::vector<std::string> groups;
    groups.reserve(found.size());
    for (const StateEntity& group : found) groups.push_back(group.id.to_string());
    for (const StateEntity& other : result_.lookup.entities) {
      if (other.type->name() == entity::ConsumerGroup::kName) groups.push_back(other.id.to_string());
    }
    std::vector<std::string> paths;
    paths.reserve(groups.size());
    for (const std::string& group : groups) paths.push_back("/consumer_groups/" + group + "/consumers");
    TRY(auto listings, list(paths));
    for (std::size_t i = 0; i < groups.size(); ++i) {
      for (const Json& consumer : listings[i].entries) {
        const bool chosen = std::ranges::all_of(options_.tags, [&](const auto& tag) { return has_tag(consumer, tag); });
        const Json* id = consumer.find("id");
        if (!chosen || id == nullptr) continue;
        Json membership =
            Json::Object{{"consumer_group", Json::Object{{"id", groups[i]}}}, {"consumer", Json::Object{{"id", *id}}}};
        type->process_at(membership, schema::PathView{}, {.mode = schema::Mode::Select}, ignored_);
        found_[type->name()].emplace_back(*type, Uuid{}, std::move(membership));
      }
    }
    return {};
  }

  /// The canonical document by our own description, so that it compares with what a file gives.
  void add(const EntityBase& type, Json entry, std::vector<StateEntity>& out) {
    const Json* id = entry.find("id");
    const auto uuid = id != nullptr && id->is_string() ? Uuid::parse(id->as_string()) : Result<Uuid>(Uuid{});
    if (!uuid || has_tag(entry, kForeignTag)) return;
    if (type.name() == entity::Plugin::kName) forget_link_names(entry);
    auto canonical = type.process(entry, {.transform = false, .ignore_unknown = true});
    if (!canonical) canonical = type.process(std::move(entry), {.mode = schema::Mode::Select, .ignore_unknown = true});
    if (!canonical || (options_.skip_consumers && belongs_to_consumer(type, *canonical))) return;
    out.emplace_back(type, *uuid, *std::move(canonical));
  }

  AdminClient& client_;
  const entity::Catalog& catalog_;
  const ReadOptions& options_;
  const std::vector<std::string> none_;
  std::map<std::string, std::vector<StateEntity>> found_;
  CurrentState result_;
  schema::Violations ignored_;
};

}  // namespace

Result<CurrentState> read_current(AdminClient& client, const entity::Catalog& catalog, const ReadOptions& options) {
  return Reading(client, catalog, options).read();
}

}  // namespace sluice::cli
