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

/// Whether some rows of the type are shown otherwise than they are stored. All others go out as they are.
bool shown_as_stored(const schema::EntityBase& type) {
  const bool variants = std::ranges::any_of(type.fields(), &schema::Field::abstract);
  return !variants && !type.has_ttl() && type.name() != entity::Certificate::kName;
}

void show_ttl(Json::Object& row) {
  Json* ttl = row.find("ttl");
  const Json* made = row.find("created_at");
  if (ttl == nullptr || !ttl->is_int() || made == nullptr || !made->is_int()) return;
  *ttl = std::max<std::int64_t>(0, made->as_int() + ttl->as_int() - unix_seconds());
}

void show_names(const store::MemoryStore& store, const Uuid& certificate, Json::Object& row) {
  Json::Array names;
  const store::Table& snis = store.table(entity::Sni::kName);
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
std::string write_rows(PageWriter& writer, const Range& rows, Id id_of, std::size_t size,
                       const store::MemoryStore& store, const store::Table& table) {
  std::size_t written = 0;
  Uuid last;
  for (const auto& row : rows) {
    if (written++ == size) return last.to_string();
    last = id_of(row);
    append_row(writer.open_entry(), store, table, last);
  }
  return {};
}

}  // namespace

void append_row(std::string& out, const store::MemoryStore& store, const store::Table& table, const Uuid& id) {
  const std::string& document = **table.find(id);
  const schema::EntityBase& type = table.type();
  auto parsed = shown_as_stored(type) ? Result<Json>(Json()) : parse_json(document);
  if (!parsed || !parsed->is_object()) {
    out += document;
    return;
  }
  type.add_shorthands(*parsed);
  if (type.has_ttl()) show_ttl(parsed->as_object());
  if (type.name() == entity::Certificate::kName) show_names(store, id, parsed->as_object());
  append_json(out, *parsed);
}

Reply row_reply(const store::MemoryStore& store, const store::Table& table, const Uuid& id) {
  if (id.is_nil()) return Reply::not_found();
  std::string text;
  append_row(text, store, table, id);
  return Reply::text(200, std::move(text));
}

store::Ids children(const store::Table& table, std::string_view link, const Uuid& parent) {
  const store::Ids* found = table.find_all(link, parent.to_string());
  return found != nullptr ? *found : store::Ids{};
}

Uuid select(const store::MemoryStore& store, const store::Table& table, std::string_view key) {
  if (const auto id = Uuid::parse(key)) return table.find(*id) != nullptr ? *id : Uuid{};
  if (table.type().name() == entity::Certificate::kName) {
    const store::Table& snis = store.table(entity::Sni::kName);
    const Uuid sni = snis.find_unique("name", key);
    if (sni.is_nil()) return {};
    return *Uuid::parse(store::member_texts(**snis.find(sni), "certificate").front());
  }
  const std::string& name = table.type().endpoint_key();
  if (name.empty() || !table.type().find_field(name)->unique) return {};
  return table.find_unique(name, key);
}

Uuid select_child(const store::Table& table, std::string_view link, const Uuid& parent, std::string_view key) {
  const std::string wanted = parent.to_string();
  const auto belongs = [&](const Uuid& id) {
    const sync::Document* document = table.find(id);
    if (document == nullptr) return false;
    const auto texts = store::member_texts(**document, link);
    return !texts.empty() && texts.front() == wanted;
  };
  if (const auto id = Uuid::parse(key)) return belongs(*id) ? *id : Uuid{};
  const schema::EntityBase& type = table.type();
  std::string name = type.endpoint_key();
  // An acl has no name of its own, but its group is unique below the consumer.
  if (name.empty() && type.cache_key().size() == 2) {
    name = type.cache_key()[type.cache_key().front() == link ? 1 : 0];
  }
  if (name.empty()) return {};
  const store::Ids* found = table.find_all(name, key);
  if (found == nullptr) return {};
  const auto at = std::ranges::find_if(*found, belongs);
  return at != found->end() ? *at : Uuid{};
}

Reply list_rows(const store::MemoryStore& store, const store::Table& table, std::optional<store::Ids> among,
                const Query& query, std::string_view path, std::string_view repeated) {
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
    token = write_rows(writer, rest, [](const Uuid& id) { return id; }, page->size, store, table);
  } else {
    const std::ranges::subrange rest(table.rows().upper_bound(*after), table.rows().end());
    token = write_rows(writer, rest, [](const auto& row) { return row.first; }, page->size, store, table);
  }
  return writer.finish(token, path, repeated);
}

}  // namespace sluice::control::admin
