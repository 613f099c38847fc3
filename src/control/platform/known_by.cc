// SPDX-License-Identifier: Apache-2.0
#include "control/platform/known_by.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/strings.h"
#include "store/member.h"

namespace sluice::control::platform {
namespace {

/// In this order; a credential's `key` is none of them.
constexpr std::array<std::string_view, 8> kNames = {"name",          "username", "target", "prefix",
                                                    "instance_name", "group",    "kid",    "custom_id"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool same(std::string_view text, std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (lower(text[i]) != word[i]) return false;
  }
  return true;
}

/// Where `word`, in lower case, stands in a text whatever its case; npos: nowhere. Compares first and last octet of the
/// word with a block of the text at once, which the compiler does sixteen octets at a time.
std::size_t find_word(std::string_view text, std::string_view word) {
  if (word.empty() || word.size() > text.size()) return text.npos;
  constexpr std::size_t kBlock = 64;
  constexpr unsigned kCase = 0x20;
  const auto fold = [](char c) { return static_cast<unsigned char>(static_cast<unsigned char>(c) | kCase); };
  const unsigned char first = fold(word.front());
  const unsigned char last = fold(word.back());
  const std::size_t places = text.size() - word.size() + 1;
  const char* const ends = text.data() + word.size() - 1;
  for (std::size_t at = 0; at < places; at += kBlock) {
    const std::size_t count = std::min(kBlock, places - at);
    unsigned char any = 0;
    for (std::size_t i = 0; i < count; ++i) {
      any |= static_cast<unsigned char>(fold(text[at + i]) == first) &
             static_cast<unsigned char>(fold(ends[at + i]) == last);
    }
    for (std::size_t i = 0; any != 0 && i < count; ++i) {
      if (same(text.substr(at + i), word)) return at + i;
    }
  }
  return text.npos;
}

/// The string in a JSON text that has an octet of it; the whole text if there is none.
std::string_view string_around(std::string_view json, std::size_t at) {
  const std::size_t begin = json.rfind('"', at);
  const std::size_t end = json.find('"', at);
  if (begin == json.npos || end == json.npos) return json;
  return json.substr(begin + 1, end - begin - 1);
}

}  // namespace

const std::vector<std::string_view>& known_fields() {
  static const std::vector<std::string_view> kFields = {
      "id",   "name", "username", "custom_id",     "tags",       "hosts", "paths",       "snis",  "host",
      "path", "url",  "target",   "instance_name", "expression", "kid",   "description", "group", "prefix"};
  return kFields;
}

std::string name_of(const Json& document) {
  for (const std::string_view member : kNames) {
    const Json* value = document.find(member);
    if (value != nullptr && value->is_string() && !value->as_string().empty()) return value->as_string();
  }
  return {};
}

std::string name_of(std::string_view document) {
  for (const std::string_view member : kNames) {
    auto texts = store::member_texts(document, member);
    if (!texts.empty() && !texts.front().empty()) return std::move(texts.front());
  }
  return {};
}

Word::Word(std::string_view text) : lower_(to_lower(text)) {
  const std::string quoted = to_json(Json(lower_));
  escaped_ = quoted.substr(1, quoted.size() - 2);
}

std::optional<Match> Word::find_in(std::string_view document, std::string_view field) const {
  if (find_word(document, escaped_) == document.npos) return std::nullopt;
  std::size_t at = 1;
  while (const auto member = store::next_member(document, at)) {
    const bool is_text = member->value.starts_with('"') || member->value.starts_with('[');
    const bool is_known =
        field.empty() ? std::ranges::find(known_fields(), member->name) != known_fields().end() : member->name == field;
    const std::size_t place = is_text && is_known ? find_word(member->value, escaped_) : document.npos;
    if (place != document.npos) return Match{member->name, std::string(string_around(member->value, place))};
  }
  return std::nullopt;
}

bool Word::is_in(std::string_view text) const {
  return find_word(text, lower_) != text.npos;
}

}  // namespace sluice::control::platform
