// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/time.h"
#include "control/platform/endpoints.h"
#include "control/platform/plane_view.h"
#include "control/platform/search_query.h"

// GET /v1/search: any entity of any control plane, by what people know of it. The documents in memory are looked
// through where they are, a slice at a time: there is no index to keep, and nobody waits for long.
namespace sluice::control::platform {
namespace {

constexpr std::size_t kOfOneType = 20;
constexpr std::int64_t kSliceNs = 2'000'000;
constexpr std::size_t kRowsBetweenLooks = 128;  // at the clock

/// The entities that a document refers to, by the members that do.
Json relations_of(const std::string& document) {
  Json::Object relations;
  const auto json = parse_json(document);
  if (!json || !json->is_object()) return relations;
  for (const auto& [name, value] : json->as_object()) {
    const bool refers = value.is_object() && value.as_object().size() == 1 && value.find("id") != nullptr;
    if (refers) relations.append(name, value);
  }
  return relations;
}

/// One search on its way.
class Search {
 public:
  Search(const Parts& parts, const SearchQuery& query, rt::Reactor& reactor)
      : parts_(parts), query_(query), reactor_(reactor), slice_began_(reactor.clock().mono_ns()) {}

  Task<void> run() {
    std::vector<Uuid> planes;
    for (const auto& [id, profile] : parts_.planes.book().planes()) {
      planes.push_back(id);
      if (query_.wants(kControlPlanes)) look_at(profile);
    }
    for (const Uuid& id : planes) {
      const planes::PlaneLease plane = parts_.planes.lease(id);
      if (plane && !plane->is_group()) co_await look_through(*plane);  // a group shows what its members have
    }
  }

  Json::Array take(std::size_t most) {
    Json::Array items = std::move(items_);
    if (items.size() > most) items.erase(items.begin() + static_cast<std::ptrdiff_t>(most), items.end());
    return items;
  }

 private:
  void look_at(const planes::PlaneProfile& profile) {
    Json::Object known{{"id", profile.id.to_string()}, {"name", profile.name}, {"description", profile.description}};
    Json::Array labels;
    Json::Object shown;
    for (const auto& [key, text] : profile.labels) {
      labels.emplace_back(key + ":" + text);
      shown.append(key, text);
    }
    known.append("tags", std::move(labels));
    const std::string document = to_json(Json(std::move(known)));
    const auto match = query_.find_in(document);
    if (!match || count_[std::string(kControlPlanes)]++ >= kOfOneType) return;
    items_.push_back(Json::Object{{"id", profile.id.to_string()},
                                  {"type", kControlPlanes},
                                  {"name", profile.name},
                                  {"description", profile.description},
                                  {"labels", std::move(shown)},
                                  {"attributes", Json::object()},
                                  {"match", match->text}});
  }

  Task<void> look_through(planes::ControlPlane& plane) {
    std::vector<Uuid> workspaces;
    for (const auto& [id, space] : plane.store().spaces()) workspaces.push_back(id);
    for (const Uuid& workspace : workspaces) {
      const store::Space& space = plane.store().space(workspace);
      for (const store::Table& table : space.tables()) {
        if (query_.wants(table.type().name())) co_await look_through(plane, space, table);
        if (is_over()) co_await rest();
      }
    }
  }

  /// What has that very id or name first, then whatever comes.
  Task<void> look_through(const planes::ControlPlane& plane, const store::Space& space, const store::Table& table) {
    if (table.rows().empty()) co_return;
    const Uuid exact = exact_one(table);
    if (!exact.is_nil()) look_at(plane, space, table, exact, *table.find(exact));
    Uuid last;
    for (bool more = true; more;) {
      more = look_at_some(plane, space, table, last, exact);
      if (more) co_await rest();
    }
  }

  [[nodiscard]] Uuid exact_one(const store::Table& table) const {
    const std::string& word = query_.only_word();
    if (word.empty()) return {};
    const auto id = Uuid::parse(word);
    if (id && table.find(*id) != nullptr) return *id;
    const std::string& key = table.type().endpoint_key();
    const bool named = !key.empty() && table.type().find_field(key)->unique;
    return named ? table.find_unique(key, word) : Uuid{};
  }

  /// Rows behind `last`, which is moved on; whether there are more when the slice is over.
  bool look_at_some(const planes::ControlPlane& plane, const store::Space& space, const store::Table& table, Uuid& last,
                    const Uuid& exact) {
    const std::size_t& found = count_[table.type().name()];
    for (auto row = table.rows().upper_bound(last); row != table.rows().end(); ++row) {
      if (found >= kOfOneType) return false;
      if (row->first != exact) look_at(plane, space, table, row->first, row->second);
      last = row->first;
      if (++looked_at_ % kRowsBetweenLooks == 0 && is_over()) return true;
    }
    return false;
  }

  void look_at(const planes::ControlPlane& plane, const store::Space& space, const store::Table& table, const Uuid& id,
               const sync::Document& document) {
    const auto match = query_.find_in(*document);
    if (!match || table.has_expired(id, unix_seconds())) return;
    const std::string& type = table.type().name();
    if (count_[type]++ >= kOfOneType) return;
    const Json control_plane = Json::Object{{"id", plane.id().to_string()}, {"name", plane.profile().name}};
    Json::Object attributes{{"control_plane", control_plane}, {"field", match->field}};
    if (!space.id().is_nil()) attributes.append("workspace", space.id().to_string());
    items_.push_back(Json::Object{{"id", id.to_string()},
                                  {"type", type},
                                  {"name", name_of(std::string_view(*document))},
                                  {"description", table.type().singular()},
                                  {"relations", relations_of(*document)},
                                  {"attributes", std::move(attributes)},
                                  {"match", match->text}});
  }

  [[nodiscard]] bool is_over() const { return reactor_.clock().mono_ns() - slice_began_ > kSliceNs; }

  /// Others have their turn.
  Task<void> rest() {
    co_await rt::Sleep(reactor_, reactor_.after_ms(1));
    slice_began_ = reactor_.clock().mono_ns();
  }

  const Parts& parts_;
  const SearchQuery& query_;
  rt::Reactor& reactor_;
  std::int64_t slice_began_;
  std::size_t looked_at_ = 0;                 // rows
  std::map<std::string, std::size_t> count_;  // found, by type
  Json::Array items_;
};

Task<Reply> search(const Parts& parts, const Request& request) {
  const auto page = PageAfter::parse(request.query);
  if (!page) co_return page.error();
  const std::string* text = request.query.find("q");
  auto query = SearchQuery::parse(parts.catalog, text != nullptr ? *text : std::string_view());
  if (!query) {
    co_return invalid(
        {.field = "q", .rule = text == nullptr ? "required" : "invalid", .reason = query.error(), .source = "query"});
  }
  Search looking(parts, *query, *request.reactor);
  co_await looking.run();
  Json::Object numbers{{"size", page->size}, {"next", nullptr}};
  co_return Reply::json(
      200, Json::Object{{"data", looking.take(page->size)}, {"meta", Json::Object{{"page", std::move(numbers)}}}});
}

Reply list_types(const Parts& parts) {
  Json::Array data;
  const auto add = [&](const std::string& type, const std::string& description, const auto& has) {
    Json::Object attributes;
    for (const std::string_view field : known_fields()) {
      if (!has(field)) continue;
      attributes.append(std::string(field), Json::Object{{"type", "string"}, {"name", field}, {"description", field}});
    }
    data.push_back(Json::Object{{"type", type},
                                {"name", type},
                                {"description", description},
                                {"attributes", std::move(attributes)},
                                {"regions", Json::Array{}}});
  };
  const std::set<std::string_view> of_planes = {"id", "name", "description", "tags"};
  add(std::string(kControlPlanes), "Control planes.",
      [&](std::string_view field) { return of_planes.contains(field); });
  for (const auto& type : parts.catalog.types()) {
    add(type->name(), type->documentation(),
        [&](std::string_view field) { return type->find_field(field) != nullptr; });
  }
  return Reply::json(200, Json::Object{{"data", std::move(data)}});
}

}  // namespace

void add_search(admin::RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/v1/search", [&parts](const Request& request) { return search(parts, request); });
  tree.add("GET", "/v1/search/types", [&parts](const Request&) { return list_types(parts); });
}

}  // namespace sluice::control::platform
