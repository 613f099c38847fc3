// SPDX-License-Identifier: Apache-2.0
#include "store/member.h"

#include <algorithm>

#include "base/json.h"

namespace sluice::store {
namespace {

/// Behind the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  ++at;
  while (true) {
    at = text.find_first_of("\"\\", at);
    if (at == text.npos) return text.size();
    if (text[at] == '"') return at + 1;
    at += 2;  // whatever is escaped
  }
}

/// Behind the value that begins at `at`.
std::size_t skip_value(std::string_view text, std::size_t at) {
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] != '{' && text[at] != '[') return std::min(text.find_first_of(",}]", at), text.size());
  std::size_t depth = 0;
  while (at < text.size()) {
    at = text.find_first_of("\"{}[]", at);
    if (at == text.npos) return text.size();
    if (text[at] == '"') {
      at = skip_string(text, at);
      continue;
    }
    depth += text[at] == '{' || text[at] == '[' ? 1 : 0;
    depth -= text[at] == '}' || text[at] == ']' ? 1 : 0;
    ++at;
    if (depth == 0) return at;
  }
  return text.size();
}

void append_texts(const Json& value, std::vector<std::string>& out) {
  if (value.is_string()) out.push_back(value.as_string());
  if (const Json* id = value.find("id")) append_texts(*id, out);
  if (!value.is_array()) return;
  for (const Json& item : value.as_array()) {
    const Json* id = item.find("id");
    const Json& text = id != nullptr ? *id : item;
    if (text.is_string()) out.push_back(text.as_string());
  }
}

}  // namespace

std::optional<RawMember> next_member(std::string_view document, std::size_t& at) {
  if (at >= document.size() || document[at] != '"') return std::nullopt;
  const std::size_t begin = at;
  const std::size_t colon = skip_string(document, begin);
  if (colon + 1 >= document.size()) return std::nullopt;
  const std::size_t end = skip_value(document, colon + 1);
  at = end + 1;  // behind the comma
  return RawMember{document.substr(begin + 1, colon - begin - 2), document.substr(colon + 1, end - colon - 1)};
}

std::string_view raw_member(std::string_view document, std::string_view name) {
  std::size_t at = 1;  // behind the brace
  while (const auto member = next_member(document, at)) {
    if (member->name == name) return member->value;
  }
  return {};
}

std::string without_values(std::string_view document, std::initializer_list<std::string_view> names) {
  std::string rest;
  rest.reserve(document.size());
  std::size_t from = 0;
  std::size_t at = 1;
  while (const auto member = next_member(document, at)) {
    if (std::ranges::find(names, member->name) == names.end()) continue;
    const auto begin = static_cast<std::size_t>(member->value.data() - document.data());
    rest.append(document.substr(from, begin - from));
    from = begin + member->value.size();
  }
  return rest.append(document.substr(from));
}

std::vector<std::string> member_texts(std::string_view document, std::string_view name) {
  const std::string_view raw = raw_member(document, name);
  std::vector<std::string> texts;
  if (raw.empty() || raw == "null") return texts;
  if (raw.front() == '"' && raw.find('\\') == raw.npos) {
    texts.emplace_back(raw.substr(1, raw.size() - 2));
  } else if (const auto value = parse_json(raw)) {
    append_texts(*value, texts);
  }
  return texts;
}

}  // namespace sluice::store
