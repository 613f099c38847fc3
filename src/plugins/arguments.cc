// SPDX-License-Identifier: Apache-2.0
#include "plugins/arguments.h"

#include <algorithm>

#include "base/json.h"
#include "base/strings.h"

namespace sluice::plugins {
namespace {

bool needs_decoding(std::string_view text) {
  return text.find_first_of("%+") != text.npos;
}

bool same_argument(std::string_view encoded, std::string_view name) {
  return needs_decoding(encoded) ? form_decode(encoded) == name : encoded == name;
}

std::string_view decode(Arena& arena, std::string_view encoded) {
  return needs_decoding(encoded) ? arena.copy(form_decode(encoded)) : encoded;
}

/// The value of a parameter of a field such as Content-Type; quotes are taken off.
std::string_view parameter(std::string_view field, std::string_view name) {
  std::string_view rest = field;
  while (true) {
    const std::size_t semicolon = rest.find(';');
    if (semicolon == rest.npos) return {};
    rest = trim(rest.substr(semicolon + 1));
    const std::size_t equals = rest.find('=');
    if (equals == rest.npos) return {};
    const bool wanted = iequals(trim(rest.substr(0, equals)), name);
    rest.remove_prefix(equals + 1);
    std::string_view value;
    if (rest.starts_with('"')) {
      const std::size_t end = rest.find('"', 1);
      if (end == rest.npos) return {};
      value = rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
    } else {
      value = trim(rest.substr(0, rest.find(';')));
    }
    if (wanted) return value;
  }
}

/// One part of a multipart/form-data content: RFC 7578, RFC 2046 5.1.1.
struct Part {
  std::string_view whole;  // from its delimiter line up to the next one
  std::string_view name;
  std::string_view content;
};

/// Calls `each(part)` for every part; false when the content is malformed.
template <class Each>
bool for_each_part(std::string_view content_type, std::string_view bytes, Each each) {
  const std::string_view boundary = parameter(content_type, "boundary");
  if (boundary.empty()) return false;
  const std::string delimiter = "--" + std::string(boundary);
  if (!bytes.starts_with(delimiter)) return false;
  while (true) {
    std::string_view after = bytes.substr(delimiter.size());
    if (after.starts_with("--")) return true;
    if (!after.starts_with("\r\n")) return false;
    const std::size_t next = after.find("\r\n" + delimiter);
    if (next == after.npos) return false;
    const std::string_view part = after.substr(0, next);
    const std::size_t head_end = part.find("\r\n\r\n");
    if (head_end == part.npos) return false;
    std::string_view name;
    std::string_view head = part.substr(0, head_end);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(std::min(head.size(), line.size() + 2));
      if (istarts_with(line, "content-disposition:")) name = parameter(line, "name");
    }
    each(Part{bytes.substr(0, delimiter.size() + next + 2), name, part.substr(head_end + 4)});
    bytes = after.substr(next + 2);
  }
}

Argument find_part(std::string_view content_type, std::string_view bytes, std::string_view name) {
  Argument found;
  const bool whole = for_each_part(content_type, bytes, [&](const Part& part) {
    if (part.name != name) return;
    const bool first = found.kind == Argument::Kind::Missing;
    found = {first ? Argument::Kind::Text : Argument::Kind::Several, part.content};
  });
  return whole ? found : Argument{};
}

std::optional<std::string_view> remove_part(Arena& arena, std::string_view content_type, std::string_view bytes,
                                            std::string_view name) {
  std::string kept;
  std::size_t seen = 0;
  bool removed = false;
  const bool whole = for_each_part(content_type, bytes, [&](const Part& part) {
    seen += part.whole.size();
    if (part.name == name) {
      removed = true;
    } else {
      kept.append(part.whole);
    }
  });
  if (!whole || !removed) return std::nullopt;
  kept.append(bytes.substr(seen));
  return arena.copy(kept);
}

Argument find_member(Arena& arena, std::string_view bytes, std::string_view name) {
  const auto document = parse_json(bytes);
  const Json* member = document ? document->find(name) : nullptr;
  if (member == nullptr || member->is_null()) return {};
  if (member->is_string()) return {Argument::Kind::Text, arena.copy(member->as_string())};
  return {member->is_array() || member->is_object() ? Argument::Kind::Several : Argument::Kind::Flag, {}};
}

std::optional<std::string_view> remove_member(Arena& arena, std::string_view bytes, std::string_view name) {
  auto document = parse_json(bytes);
  if (!document || !document->is_object() || !document->as_object().erase(name)) return std::nullopt;
  return arena.copy(to_json(*document));
}

}  // namespace

Argument find_argument(Arena& arena, std::string_view query, std::string_view name) {
  Argument found;
  for (std::string_view piece : split(query, '&')) {
    const std::size_t equals = piece.find('=');
    if (!same_argument(piece.substr(0, equals), name)) continue;
    if (found.kind != Argument::Kind::Missing) return {Argument::Kind::Several, {}};
    found.kind = equals == piece.npos ? Argument::Kind::Flag : Argument::Kind::Text;
    if (equals != piece.npos) found.text = decode(arena, piece.substr(equals + 1));
  }
  return found;
}

std::optional<std::string_view> remove_argument(Arena& arena, std::string_view query, std::string_view name) {
  std::string kept;
  bool removed = false;
  for (std::string_view piece : split(query, '&')) {
    if (same_argument(piece.substr(0, piece.find('=')), name)) {
      removed = true;
      continue;
    }
    if (!kept.empty()) kept += '&';
    for (char c : piece) c == '+' ? kept.append("%20") : kept.append(1, c);
  }
  if (!removed) return std::nullopt;
  return arena.copy(kept);
}

BodyKind body_kind(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  if (iequals(type, "application/x-www-form-urlencoded")) return BodyKind::Form;
  if (iequals(type, "application/json")) return BodyKind::Json;
  if (iequals(type, "multipart/form-data")) return BodyKind::Multipart;
  return BodyKind::Opaque;
}

Argument find_body_argument(Arena& arena, std::string_view content_type, std::string_view bytes,
                            std::string_view name) {
  switch (body_kind(content_type)) {
    case BodyKind::Form:
      return find_argument(arena, bytes, name);
    case BodyKind::Json:
      return find_member(arena, bytes, name);
    case BodyKind::Multipart:
      return find_part(content_type, bytes, name);
    case BodyKind::Opaque:
      break;
  }
  return {};
}

std::optional<std::string_view> remove_body_argument(Arena& arena, std::string_view content_type,
                                                     std::string_view bytes, std::string_view name) {
  switch (body_kind(content_type)) {
    case BodyKind::Form:
      return remove_argument(arena, bytes, name);
    case BodyKind::Json:
      return remove_member(arena, bytes, name);
    case BodyKind::Multipart:
      return remove_part(arena, content_type, bytes, name);
    case BodyKind::Opaque:
      break;
  }
  return std::nullopt;
}

}  // namespace sluice::plugins
