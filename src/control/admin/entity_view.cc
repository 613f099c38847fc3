// SPDX-License-Identifier: Apache-2.0
#include "control/admin/entity_view.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/time.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::admin {
namespace {

bool has_old_names(const schema::RecordBase& record) {
  return std::ranges::any_of(record.shorthands(), [](const auto& one) { return !one.translated_to.empty(); }) ||
         std::ranges::any_of(record.fields(),
                             [](const schema::Field& field) { return field.record && has_old_names(*field.record); });
}

/// Whether a row is shown as it is stored: most are, and need not be parsed.
bool shown_as_stored(const View& view, const schema::EntityBase& type, std::string_view document) {
  if (type.has_ttl() && store::raw_member(document, "ttl") != "null") return false;
  if (type.name() == entity::Certificate::kName) return false;
  if (type.name() != entity::Plugin::kName) {
    return std::ranges::none_of(type.fields(), &schema::Field::abstract);
  }
  if (store::raw_member(document, "partials") != "null") return false;  // some, or a row from before there were any
  const auto name = store::member_texts(document, "name");
  const auto* config = name.empty() ? nullptr : view.catalog.plugin_config(name.front());
  return config == nullptr || !has_old_names(*config);
}

/// The whole seconds that are left. The last one has begun already: a new row with ten has nine.
void show_ttl(Json::Object& row) {
  Json* ttl = row.find("ttl");
  const Json* made = row.find("created_at");
  if (ttl == nullptr || !ttl->is_int() || made == nullptr || !made->is_int()) return;
  *ttl = std::max<std::int64_t>(0, made->as_int() + ttl->as_int() - unix_seconds() - 1);
}

/// A plugin's partials by name too, and with `expand_partials` what they say.
void show_partials(const View& view, Json& plugin) {
  const auto find = publish::partial_finder(view.space);
  auto links = entity::partial_links(plugin);
  if (links.empty()) {
    if (plugin.find("partials") == nullptr) plugin.as_object().append("partials", nullptr);
    return;
  }
  for (entity::PartialLink& link : links) {
    const auto partial = find(link.id);
    const Json* name = partial ? partial->find("name") : nullptr;
    if (name != nullptr && name->is_string()) link.name = name->as_string();
  }
  entity::set_partial_links(plugin, links);
  if (view.expanded) plugin = entity::with_partials(std::move(plugin), find);
}

void show_names(const store::Space& space, const Uuid& certificate, Json::Object& row) {
  Json::Array names;
  const store::Table& snis = space.table(entity::Sni::kName);
  for (const Uuid& id : children(snis, "certificate", certificate)) {
    for (auto& name : store::member_texts(**snis.find(id), "name")) names.emplace_back(std::move(name));
  }
  row.set("snis", std::move(names));
}

store::Ids tagged(const store::Table& table, const TagFilter& filter) {
  store::Ids result;
  bool first = true;
  for (const auto& tag : filter.tags) {
    const store::Ids* found = table.find_all("tags", tag);
    const store::Ids with = found != nullptr ? *found : store::Ids{};
    store::Ids joined;
    if (first) {
      joined = with;
    } else if (filter.any) {
      std::ranges::set_union(result, with, std::back_inserter(joined));
    } else {
      std::ranges::set_intersection(result, with, std::back_inserter(joined));
    }
    result = std::move(joined);
    first = false;
  }
  return result;
}

/// Writes up to `size` rows behind `after`; the token of the next page when more follow.
template <class Range, class Id>
std::string write_rows(PageWriter& writer, const Range& rows, Id id_of, std::size_t size, const View& view,
                       const store::Table& table) {
  std::size_t written = 0;
  Uuid last;
  const std::int64_t now = unix_seconds();
  for (const auto& row : rows) {
    if (table.has_expired(id_of(row), now)) continue;
    if (written++ == size) return last.to_string();
    last = id_of(row);
    append_row(writer.open_entry(), view, table, last);
  }
  return {};
}

}  // namespace

View::View(const Parts& parts, const Request& request)
    : catalog(parts.catalog),
      space(parts.store.space(request.workspace)),
      redacted(!iam::may_see_secrets(request.who)),
      expanded(request.query.enabled("expand_partials")),
      version(parts.publisher.version_of(request.workspace)) {}

void append_document(std::string& out, const View& view, const schema::EntityBase& type, const Uuid& id,
                     const std::string& document) {
  const bool hides = view.redacted && type.may_hold_secrets();
  auto parsed = !hides && shown_as_stored(view, type, document) ? Result<Json>(Json()) : parse_json(document);
  if (!parsed || !parsed->is_object()) {
    out += document;
    return;
  }
  if (type.name() == entity::Plugin::kName) show_partials(view, *parsed);
  if (hides) type.visit_secrets(*parsed, [](std::string& secret) { secret = "***"; });
  type.add_shorthands(*parsed);  // afterwards: they repeat what the fields hold
  if (type.has_ttl()) show_ttl(parsed->as_object());
  if (type.name() == entity::Certificate::kName) show_names(view.space, id, parsed->as_object());
  append_json(out, *parsed);
}

void append_row(std::string& out, const View& view, const store::Table& table, const Uuid& id) {
  const sync::Document* document = table.find(id);
  if (document == nullptr) {
    out += "null";
    return;
  }
  append_document(out, view, table.type(), id, **document);
}

Reply document_reply(int status, const View& view, const schema::EntityBase& type, const Uuid& id,
                     const std::string& document) {
  std::string text;
  append_document(text, view, type, id, document);
  // Of what is shown, where secrets are not: they could be guessed from it. Also where other rows show in it.
  const bool others = view.expanded && type.name() == entity::Plugin::kName;
  std::string etag = publish::etag_of(others || (view.redacted && type.may_hold_secrets()) ? text : document);
  Reply reply = Reply::text(status, std::move(text));
  reply.headers.emplace_back("ETag", std::move(etag));
  return reply;
}

Reply row_reply(const View& view, const store::Table& table, const Uuid& id) {
  const sync::Document* document = id.is_nil() ? nullptr : table.find(id);
  if (document == nullptr) return Reply::not_found();
  return document_reply(200, view, table.type(), id, **document);
}

Reply list_rows(const View& view, const store::Table& table, std::optional<store::Ids> among, const Query& query,
                std::string_view path, std::string_view repeated) {
  const auto page = Page::parse(query);
  if (!page) return page.error();
  const auto after = page->after_id();
  if (!after) return after.error();
  if (page->tags) {
    store::Ids with = tagged(table, *page->tags);
    store::Ids both;
    if (among) std::ranges::set_intersection(*among, with, std::back_inserter(both));
    among = among ? std::move(both) : std::move(with);
  }
  PageWriter writer;
  std::string token;
  if (among) {
    const std::ranges::subrange rest(std::ranges::upper_bound(*among, *after), among->end());
    token = write_rows(writer, rest, [](const Uuid& id) { return id; }, page->size, view, table);
  } else {
    const std::ranges::subrange rest(table.rows().upper_bound(*after), table.rows().end());
    token = write_rows(writer, rest, [](const auto& row) { return row.first; }, page->size, view, table);
  }
  Reply reply = writer.finish(token, path, repeated);
  reply.headers.emplace_back("ETag", publish::etag_of(view.version));
  return reply;
}

}  // namespace sluice::control::admin
