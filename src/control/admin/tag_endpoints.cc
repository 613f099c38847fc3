// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>
#include <utility>

#include "base/time.h"
#include "control/admin/endpoints.h"
#include "control/admin/page.h"

namespace sluice::control::admin {
namespace {

/// One entity under one tag.
struct Tagged {
  std::string_view tag;
  std::string_view type;
  Uuid id;
};

/// Every tagged entity, or those under `wanted`, in a stable order. Views of the store's indexes.
std::vector<Tagged> collect(const store::Space& space, const std::string* wanted) {
  std::vector<Tagged> all;
  const std::int64_t now = unix_seconds();
  for (const auto& own : space.tables()) {
    const store::Table& table = space.table(own.type().name());  // of the types that are shared, the one that is filled
    if (table.type().find_field("tags") == nullptr) continue;
    for (const auto& [tag, ids] : table.entries("tags")) {
      if (wanted != nullptr && tag != *wanted) continue;
      for (const Uuid& id : ids) {
        if (!table.has_expired(id, now)) all.push_back({tag, table.type().name(), id});
      }
    }
  }
  std::ranges::sort(all, [](const Tagged& a, const Tagged& b) {
    return std::tie(a.tag, a.type, a.id) < std::tie(b.tag, b.type, b.id);
  });
  return all;
}

Reply list(const Parts& parts, const Request& request, const std::string* tag) {
  const auto page = Page::parse(request.query);
  if (!page) return page.error();
  const auto from = page->after_position();
  if (!from) return from.error();
  const auto all = collect(parts.store.space(request.workspace), tag);
  const std::size_t begin = std::min(*from, all.size());
  const std::size_t end = begin + std::min(page->size, all.size() - begin);
  PageWriter writer;
  for (std::size_t i = begin; i < end; ++i) {
    append_json(writer.open_entry(),
                Json::Object{{"entity_name", all[i].type}, {"entity_id", all[i].id.to_string()}, {"tag", all[i].tag}});
  }
  const std::string path = tag != nullptr ? "/tags/" + *tag : "/tags";
  return writer.finish(end < all.size() ? std::to_string(end) : "", path, repeated_arguments(request.query));
}

}  // namespace

void add_tags(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/tags", [&parts](const Request& request) { return list(parts, request, nullptr); });
  tree.add("GET", "/tags/{tags}",
           [&parts](const Request& request) { return list(parts, request, &request.params[0]); });
}

}  // namespace sluice::control::admin
