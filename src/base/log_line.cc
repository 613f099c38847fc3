// SPDX-License-Identifier: Apache-2.0
#include "base/log_line.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"

namespace sluice::log {
namespace {

constexpr std::size_t kLongestText = 2048;

/// At most kLongestText octets, cut between characters.
std::string_view bounded(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > kLongestText - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

/// Characters that a terminal could obey or that reorder a line: C1 controls, DEL, line separators, direction marks.
bool is_treacherous(char32_t c) {
  return (c >= 0x7F && c <= 0x9F) || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

void append_u_escape(std::string& out, char32_t c) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (unsigned shift = 16; shift > 0; shift -= 4) out.push_back(kHex[(c >> (shift - 4)) & 0xFU]);
}

/// A JSON string that stays one harmless line on any terminal, whatever the text was.
void append_quoted(std::string& out, std::string_view text) {
  const std::string_view kept = bounded(text);
  const std::size_t start = out.size();
  append_json_string(out, kept);
  if (kept.size() < text.size()) out.insert(out.size() - 1, "\xE2\x80\xA6");  // an ellipsis
  if (std::ranges::none_of(std::string_view(out).substr(start),
                           [](char c) { return static_cast<unsigned char>(c) >= 0x7F; })) {
    return;
  }
  const std::string written = out.substr(start);
  out.resize(start);
  for (std::string_view rest = written; !rest.empty();) {
    const std::string_view character = rest.substr(0, utf8_sequence(rest));
    const char32_t c = decode_utf8(character);
    if (is_treacherous(c)) {
      append_u_escape(out, c);
    } else {
      out += character;
    }
    rest.remove_prefix(character.size());
  }
}

void append_number(std::string& out, double value) {
  if (std::isfinite(value)) {
    append_json(out, Json(value));
  } else {
    out += std::isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"";
  }
}

bool is_bare(std::string_view text) {
  return !text.empty() && text.size() <= kLongestText &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '='; });
}

void append_value(std::string& out, const ValueView& value, bool always_quoted) {
  const ValueView::Variant& variant = value.get();
  if (const auto* text = std::get_if<std::string_view>(&variant)) {
    if (!always_quoted && is_bare(*text)) {
      out += *text;
    } else {
      append_quoted(out, *text);
    }
  } else if (const auto* integer = std::get_if<std::int64_t>(&variant)) {
    out += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&variant)) {
    append_number(out, *number);
  } else {
    out += std::get<bool>(variant) ? "true" : "false";
  }
}

}  // namespace

void append_json_line(std::string& out, std::int64_t unix_ms, Level level, std::string_view event, Fields fields) {
  out += R"({"time":")";
  out += format_rfc3339(unix_ms);
  out += R"(","level":")";
  out += to_string(level);
  out += R"(","event":)";
  append_quoted(out, event);
  for (const FieldView& field : fields) {
    out.push_back(',');
    append_quoted(out, field.name);
    out.push_back(':');
    append_value(out, field.value, true);
  }
  out += "}\n";
}

void append_text_line(std::string& out, std::int64_t unix_ms, Level level, std::string_view event, Fields fields) {
  constexpr std::size_t kLevelWidth = 7;
  out += std::string_view(format_rfc3339(unix_ms)).substr(11, 12);
  out.push_back(' ');
  const std::string_view name = to_string(level);
  out.append(name).append(kLevelWidth - name.size(), ' ');
  append_value(out, event, false);
  for (const FieldView& field : fields) {
    out.push_back(' ');
    append_value(out, field.name, false);
    out.push_back('=');
    append_value(out, field.value, false);
  }
  out.push_back('\n');
}

}  // namespace sluice::log
