// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "base/yaml.h"

namespace sluice {
namespace {

/// Characters that YAML allows unescaped in a document, tabs and line breaks excepted. YAML 1.2, section 5.1; the BOM
/// is left out, since readers drop it.
bool is_printable(char32_t c) {
  return (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF && c != 0x2028 && c != 0x2029) ||
         (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) || c >= 0x10000;
}

bool all_printable(std::string_view text, bool line_breaks_too) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    const bool line_break = text.front() == '\n' && line_breaks_too;
    if (!line_break && !is_printable(decode_utf8(text.substr(0, length)))) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Words that a YAML 1.1 reader takes for booleans.
bool is_old_boolean(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kWords = {"y", "n", "yes", "no", "on", "off"};
  if (text.size() > 3) return false;
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::find(kWords, lower) != kWords.end();
}

/// Whether a string survives unquoted. Cautious on purpose: a quote too many hurts nobody.
bool may_be_plain(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`=<~";
  if (kIndicators.contains(text.front())) return false;
  if (text.contains(": ") || text.contains(" #") || text.starts_with("---") || text.starts_with("...")) return false;
  // A digit may begin what YAML 1.1 reads as 1_000, 12:30:45 or 2001-12-14, and `.5` or `+1` a number.
  const bool numeric_look = (text.front() >= '0' && text.front() <= '9') || text.front() == '+' || text.front() == '.';
  if (numeric_look && text.find_first_not_of("0123456789+-._:eExXoOabcdfABCDFTtZz ") == text.npos) return false;
  const auto resolved = resolve_yaml_scalar(text);
  return resolved && resolved->is_string() && !is_old_boolean(text) && all_printable(text, false);
}

/// Long texts with line breaks (certificates, templates) read best as literal blocks.
bool may_be_literal(std::string_view text) {
  if (!text.contains('\n') || text.front() == ' ' || text.front() == '\n' || text.ends_with("\n\n")) return false;
  if (text.contains(" \n") || text.back() == ' ') return false;
  return all_printable(text, true);
}

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_sequence(text), 1);
    const bool valid = utf8_sequence(text) != 0;
    const char32_t c = valid ? decode_utf8(text.substr(0, length)) : 0xFFFD;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (is_printable(c)) {
      append_utf8(out, c);
    } else {  // nothing above U+FFFF is unprintable
      out += "\\u";
      for (unsigned shift = 16; shift > 0; shift -= 4) out.push_back(kHex[(c >> (shift - 4)) & 0xFU]);
    }
    text.remove_prefix(length);
  }
  out.push_back('"');
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  /// Writes a value whose first line continues the current one, and the line break after it.
  void write(const Json& value, std::size_t depth) {
    if (value.is_array() && !value.as_array().empty()) {
      write_array(value.as_array(), depth);
    } else if (value.is_object() && !value.as_object().empty()) {
      write_object(value.as_object(), depth);
    } else {
      write_leaf(value, depth);
      out_.push_back('\n');
    }
  }

 private:
  void write_array(const Json::Array& array, std::size_t depth) {
    bool first = true;
    for (const Json& item : array) {
      indent(depth, first);
      out_ += "- ";
      write(item, depth + 1);
      first = false;
    }
  }

  void write_object(const Json::Object& object, std::size_t depth) {
    bool first = true;
    for (const auto& [name, value] : object) {
      indent(depth, first);
      write_string(name);
      out_.push_back(':');
      const bool block =
          (value.is_array() && !value.as_array().empty()) || (value.is_object() && !value.as_object().empty());
      if (block) {
        out_.push_back('\n');
        out_.append((depth + 1) * 2, ' ');
      } else {
        out_.push_back(' ');
      }
      write(value, depth + 1);
      first = false;
    }
  }

  void write_leaf(const Json& value, std::size_t depth) {
    if (!value.is_string()) {
      append_json(out_, value);
    } else if (may_be_literal(value.as_string())) {
      write_literal(value.as_string(), depth);
    } else {
      write_string(value.as_string());
    }
  }

  void write_string(std::string_view text) {
    if (may_be_plain(text)) {
      out_ += text;
    } else {
      append_quoted(out_, text);
    }
  }

  /// Ends without the last line break, which the caller writes.
  void write_literal(std::string_view text, std::size_t depth) {
    const bool ends_line = text.ends_with('\n');
    out_ += ends_line ? "|" : "|-";
    if (ends_line) text.remove_suffix(1);
    while (true) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      out_.push_back('\n');
      if (!line.empty()) out_.append(std::max<std::size_t>(depth, 1) * 2, ' ').append(line);
      if (end == text.npos) return;
      text.remove_prefix(end + 1);
    }
  }

  void indent(std::size_t depth, bool first) {
    if (!first) out_.append(depth * 2, ' ');
  }

  std::string& out_;
};

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  Writer(out).write(value, 0);
  return out;
}

}  // namespace sluice
