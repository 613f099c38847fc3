// SPDX-License-Identifier: Apache-2.0
#include "control/admin/form.h"

#include <algorithm>

#include "base/strings.h"

namespace sluice::control::admin {
namespace {

constexpr std::size_t kMaxIndex = 1000;  // as many as a form may have fields
constexpr std::size_t kMaxDepth = 32;

Json scalar(std::string_view text) {
  return text.empty() ? Json() : Json(text);
}

/// Where `name` (a segment without brackets) lives in `parent`.
Json& member(Json& parent, std::string_view name) {
  if (!parent.is_object()) parent = Json::object();
  return parent.as_object()[name];
}

/// The element that "[]" or "[n]" (from 1) names.
Json& element(Json& parent, std::string_view index) {
  if (!parent.is_array()) parent = Json::array();
  auto& list = parent.as_array();
  const auto position = parse_int<std::size_t>(index);
  if (!position || *position == 0 || *position > kMaxIndex) return list.emplace_back();
  if (list.size() < *position) list.resize(*position);
  return list[*position - 1];
}

/// A repeated name makes an array of what it has.
void put(Json& slot, std::string_view text, bool fresh) {
  if (fresh) {
    slot = scalar(text);
    return;
  }
  if (!slot.is_array()) {
    Json::Array list;
    list.push_back(std::move(slot));
    slot = std::move(list);
  }
  slot.as_array().push_back(scalar(text));
}

void put_field(Json& root, std::string_view name, std::string_view text) {
  Json* at = &root;
  bool fresh = true;
  std::size_t depth = 0;
  for (std::string_view segment : split(name, '.')) {
    if (++depth > kMaxDepth) return;
    const std::size_t bracket = segment.find('[');
    const std::string_view key = segment.substr(0, bracket);
    fresh = !at->is_object() || !at->as_object().contains(key);
    at = &member(*at, key);
    while (segment.find('[') != segment.npos) {
      segment.remove_prefix(segment.find('[') + 1);
      at = &element(*at, segment.substr(0, segment.find(']')));
      fresh = true;
    }
  }
  put(*at, text, fresh);
}

// Multipart
// -------------------------------------------------------------------------------------------------------------------

/// `value` of `...; name="value"` or `; name=value`.
std::string_view parameter(std::string_view field, std::string_view name) {
  for (std::string_view piece : split(field, ';')) {
    piece = trim(piece);
    if (!istarts_with(piece, name) || piece.size() <= name.size() || piece[name.size()] != '=') continue;
    return trim(piece.substr(name.size() + 1), "\"");
  }
  return {};
}

/// The field name of a part, from its Content-Disposition.
std::string_view part_name(std::string_view head) {
  for (std::string_view line : split(head, '\n')) {
    constexpr std::string_view kDisposition = "content-disposition:";
    line = trim(line);
    if (istarts_with(line, kDisposition)) return parameter(line.substr(kDisposition.size()), "name");
  }
  return {};
}

// Coercion
// -------------------------------------------------------------------------------------------------------------------

void coerce_number(Json& value) {
  if (const auto integer = parse_int<std::int64_t>(value.as_string())) {
    value = *integer;
  } else if (const auto number = parse_double(value.as_string())) {
    value = *number;
  }
}

void coerce_value(Json& value, const schema::Field& field) {
  using schema::Type;
  const bool list = field.type == Type::Array || field.type == Type::Set;
  if (list && !value.is_array() && !value.is_null()) {
    Json::Array single;
    single.push_back(std::move(value));
    value = std::move(single);
  }
  if (value.is_array() && field.element) {
    for (Json& item : value.as_array()) coerce_value(item, *field.element);
  } else if (value.is_object() && field.record) {
    admin::coerce(value, *field.record);
  } else if (value.is_object() && field.type == Type::Map && field.element) {
    for (auto& [name, item] : value.as_object()) coerce_value(item, *field.element);
  } else if (value.is_string() && (field.type == Type::Integer || field.type == Type::Number)) {
    coerce_number(value);
  } else if (value.is_string() && field.type == Type::Boolean) {
    if (value.as_string() == "true") value = true;
    if (value.is_string() && value.as_string() == "false") value = false;
  }
}

}  // namespace

Json form_value(const FormFields& fields) {
  Json root = Json::object();
  for (const auto& [name, text] : fields) put_field(root, name, text);
  return root;
}

std::optional<FormFields> multipart_fields(std::string_view content_type, std::string_view body) {
  const std::string_view boundary = parameter(content_type, "boundary");
  if (boundary.empty()) return std::nullopt;
  const std::string delimiter = "--" + std::string(boundary);
  FormFields fields;
  std::size_t at = body.find(delimiter);
  while (at != body.npos) {
    at += delimiter.size();
    if (body.substr(at).starts_with("--")) return fields;
    const std::size_t head_end = body.find("\r\n\r\n", at);
    const std::size_t next = body.find("\r\n" + delimiter, at);
    if (head_end == body.npos || next == body.npos || head_end > next) return std::nullopt;
    const std::string_view name = part_name(body.substr(at, head_end - at));
    if (name.empty()) return std::nullopt;
    const std::size_t begin = std::min(head_end + 4, next);
    fields.emplace_back(name, body.substr(begin, next - begin));
    at = next + 2;
  }
  return std::nullopt;
}

void coerce(Json& document, const schema::RecordBase& record, const schema::RecordBase* special) {
  if (!document.is_object()) return;
  for (auto& [name, value] : document.as_object()) {
    const schema::Field* field = special != nullptr ? special->find_field(name) : nullptr;
    if (field == nullptr) field = record.find_field(name);
    if (field != nullptr) coerce_value(value, *field);
  }
}

}  // namespace sluice::control::admin
