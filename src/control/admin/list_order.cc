// SPDX-License-Identifier: Apache-2.0
#include "control/admin/list_order.h"

#include <algorithm>
#include <tuple>

#include "base/strings.h"
#include "base/time.h"
#include "store/member.h"

namespace sluice::control::admin {
namespace {

/// What a row is put in its place by: numbers first, then texts.
struct Key {
  bool is_text = false;
  double number = 0;
  std::string text = {};
  Uuid id = {};

  friend bool operator<(const Key& a, const Key& b) {
    return std::tie(a.is_text, a.number, a.text, a.id) < std::tie(b.is_text, b.number, b.text, b.id);
  }
};

Key key_of(const std::string& document, const std::string& field, const Uuid& id) {
  Key key;
  key.id = id;
  if (field.empty()) return key;
  const auto value = parse_json(store::raw_member(document, field));
  if (!value || value->is_null()) return key;
  key.is_text = !value->is_number();
  if (value->is_number()) {
    key.number = value->number();
  } else {
    key.text = value->is_string() ? value->as_string() : to_json(*value);
  }
  return key;
}

bool has_all(const std::string& document, const ListOrder& order) {
  return std::ranges::all_of(order.wanted, [&](const auto& wanted) {
    const std::string_view raw = store::raw_member(document, wanted.first);
    const auto texts = store::member_texts(document, wanted.first);
    if (raw.starts_with('{')) return !texts.empty() && texts.front() == wanted.second;  // what it refers to
    if (!raw.starts_with('"')) return raw == wanted.second;
    return !texts.empty() && texts.front().starts_with(wanted.second);
  });
}

bool has_tags(const std::string& document, const std::optional<TagFilter>& filter) {
  return !filter || filter->admits(store::member_texts(document, "tags"));
}

/// The same arguments, for the next page.
std::string repeated(const ListOrder& order, const Query& query) {
  std::string text = repeated_arguments(query);
  for (const auto& [field, value] : order.wanted) text += "&" + field + "=" + percent_encode(value);
  if (!order.by.empty()) text += "&sort_by=" + order.by;
  if (order.descending) text += "&sort_desc=1";
  return text;
}

}  // namespace

std::optional<ListOrder> ListOrder::parse(const settings::Settings& settings, const schema::EntityBase& type,
                                          const Query& query) {
  if (settings.compat_edition != "enterprise") return std::nullopt;
  ListOrder order;
  bool asked = query.find("sort_desc") != nullptr;
  order.descending = query.enabled("sort_desc");
  for (const auto& [name, value] : query.all()) {
    // An order by secrets would tell them.
    const schema::Field* by = name == "sort_by" ? type.find_field(value) : nullptr;
    if (by != nullptr && !schema::confidential(*by)) order.by = value;
    const schema::Field* field = name == "tags" || name == "custom_id" ? nullptr : type.find_field(name);
    const bool plain = field != nullptr && !field->element && !field->record && !schema::confidential(*field);
    if (plain) order.wanted.emplace_back(name, value);
  }
  asked = asked || !order.by.empty() || !order.wanted.empty();
  return asked ? std::optional(order) : std::nullopt;
}

Reply list_in_order(const View& view, const store::Table& table, const ListOrder& order, const Query& query,
                    std::string_view path) {
  const auto page = Page::parse(query);
  if (!page) return page.error();
  const auto from = page->after_position();
  if (!from) return from.error();
  std::vector<Key> keys;
  const std::int64_t now = unix_seconds();
  for (const auto& [id, document] : table.rows()) {
    const bool shown = !table.has_expired(id, now) && has_all(*document, order) && has_tags(*document, page->tags);
    if (shown) keys.push_back(key_of(*document, order.by, id));
  }
  std::ranges::sort(keys, [](const Key& a, const Key& b) { return a < b; });
  if (order.descending) std::ranges::reverse(keys);
  const std::size_t begin = std::min(*from, keys.size());
  const std::size_t end = begin + std::min(page->size, keys.size() - begin);
  PageWriter writer;
  for (std::size_t i = begin; i < end; ++i) append_row(writer.open_entry(), view, table, keys[i].id);
  return writer.finish(end < keys.size() ? std::to_string(end) : "", path, repeated(order, query));
}

}  // namespace sluice::control::admin
