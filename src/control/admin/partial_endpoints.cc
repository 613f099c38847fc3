// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "control/admin/endpoints.h"
#include "control/admin/entity_view.h"
#include "entity/all.h"

namespace sluice::control::admin {
namespace {

/// A plugin as the list of links shows it.
Json link_of(const Uuid& id, const std::string& document) {
  const auto plugin = parse_json(document);
  Json::Object link{{"id", id.to_string()}};
  for (const std::string member : {"name", "instance_name"}) {
    const Json* value = plugin ? plugin->find(member) : nullptr;
    link.append(member, value != nullptr ? *value : Json());
  }
  return link;
}

/// The plugins that take values of a partial.
Reply list_links(const Parts& parts, const Request& request) {
  const View view(parts, request);
  const Uuid partial = select(view.space, view.space.table(entity::Partial::kName), request.params[0]);
  if (partial.is_nil()) return Reply::not_found();
  const auto page = Page::parse(request.query);
  if (!page) return page.error();
  const auto after = page->after_id();
  if (!after) return after.error();
  const store::Table& plugins = view.space.table(entity::Plugin::kName);
  const store::Ids linked = publish::plugins_linked_to(view.space, partial);
  PageWriter writer;
  std::string token;
  std::size_t shown = 0;
  Uuid last;
  for (auto at = std::ranges::upper_bound(linked, *after); at != linked.end() && token.empty(); ++at) {
    if (shown++ == page->size) {
      token = last.to_string();
    } else {
      last = *at;
      append_json(writer.open_entry(), link_of(last, **plugins.find(last)));
    }
  }
  const std::string path = "/partials/" + partial.to_string() + "/links";
  return writer.finish(token, path, repeated_arguments(request.query), {{"count", linked.size()}});
}

}  // namespace

void add_partials(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/partials/{partials}/links",
           [&parts](const Request& request) { return list_links(parts, request); });
}

}  // namespace sluice::control::admin
