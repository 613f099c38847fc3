// SPDX-License-Identifier: Apache-2.0
#include "control/admin/page.h"

#include <algorithm>

#include "base/base64.h"
#include "base/strings.h"
#include "control/admin/errors.h"

namespace sluice::control::admin {
namespace {

constexpr std::size_t kMaxSize = 1000;
constexpr std::size_t kMaxTags = 5;

std::expected<std::size_t, Reply> parse_size(const std::string& text) {
  const auto number = parse_double(text);
  if (!number) return std::unexpected(error(Code::InvalidSize, "size must be a number"));
  const auto whole = parse_int<std::size_t>(text);
  if (!whole || *whole < 1 || *whole > kMaxSize) {
    return std::unexpected(error(Code::InvalidSize, "size must be an integer between 1 and 1000"));
  }
  return *whole;
}

std::unexpected<Reply> bad_offset(const std::string& offset, std::string_view why) {
  return std::unexpected(error(Code::InvalidOffset, "'" + offset + "' is not a valid offset: " + std::string(why)));
}

std::expected<TagFilter, Reply> parse_tags(const std::string& text) {
  const bool all = text.contains(',');
  TagFilter filter;
  filter.any = text.contains('/');
  for (const std::string_view tag : split(text, filter.any ? '/' : ',')) filter.tags.emplace_back(tag);
  for (const auto& tag : filter.tags) {
    if (tag.empty() || (all && filter.any)) return std::unexpected(invalid_option("tags", "invalid filter syntax"));
  }
  if (filter.tags.size() > kMaxTags) {
    return std::unexpected(invalid_option("tags", "cannot query more than 5 tags"));
  }
  return filter;
}

}  // namespace

bool TagFilter::admits(const std::vector<std::string>& own) const {
  const auto has = [&](const std::string& tag) { return std::ranges::find(own, tag) != own.end(); };
  return any ? std::ranges::any_of(tags, has) : std::ranges::all_of(tags, has);
}

std::expected<Page, Reply> Page::parse(const Query& query) {
  Page page;
  if (const std::string* text = query.find("size")) {
    const auto size = parse_size(*text);
    if (!size) return std::unexpected(size.error());
    page.size = *size;
  }
  if (const std::string* text = query.find("offset")) {
    const auto token = base64url_decode(*text);
    if (!token || token->empty()) return bad_offset(*text, "bad base64 encoding");
    page.after = *token;
  }
  if (const std::string* text = query.find("tags")) {
    auto filter = parse_tags(*text);
    if (!filter) return std::unexpected(filter.error());
    page.tags = *std::move(filter);
  }
  return page;
}

std::expected<Uuid, Reply> Page::after_id() const {
  if (after.empty()) return Uuid{};
  const auto id = Uuid::parse(after);
  if (!id) return bad_offset(base64url_encode(after), "no page of this list");
  return *id;
}

std::expected<std::size_t, Reply> Page::after_position() const {
  if (after.empty()) return std::size_t{0};
  const auto position = parse_int<std::size_t>(after);
  if (!position) return bad_offset(base64url_encode(after), "no page of this list");
  return *position;
}

void PageWriter::add(std::string_view entry) {
  open_entry().append(entry);
}

std::string& PageWriter::open_entry() {
  if (!first_) text_ += ',';
  first_ = false;
  return text_;
}

Reply PageWriter::finish(std::string_view token, std::string_view path, std::string_view query, Json::Object more) {
  text_ += "],\"next\":";
  if (token.empty()) {
    text_ += "null";
  } else {
    const std::string offset = base64url_encode(token);
    append_json_string(text_, std::string(path) + "?offset=" + offset + std::string(query));
    text_ += ",\"offset\":";
    append_json_string(text_, offset);
  }
  for (const auto& [name, value] : more) {
    text_ += ',';
    append_json_string(text_, name);
    text_ += ':';
    append_json(text_, value);
  }
  text_ += '}';
  return Reply::text(200, std::move(text_));
}

std::string repeated_arguments(const Query& query) {
  std::string text;
  for (const std::string_view name : {"tags", "size"}) {
    if (const std::string* value = query.find(name)) text += "&" + std::string(name) + "=" + percent_encode(*value);
  }
  return text;
}

}  // namespace sluice::control::admin
