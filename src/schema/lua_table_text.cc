// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "schema/violations.h"

namespace sluice::schema {
namespace {

bool is_identifier(std::string_view text) {
  // The reserved words of Lua 5.1, section 2.1 of its manual: they need brackets too.
  static constexpr std::array<std::string_view, 21> kReserved = {
      "and",   "break", "do",  "else", "elseif", "end",    "false", "for",  "function", "if",   "in",
      "local", "nil",   "not", "or",   "repeat", "return", "then",  "true", "until",    "while"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !letter(text.front())) return false;
  const auto inside = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return std::ranges::all_of(text, inside) && std::ranges::find(kReserved, text) == kReserved.end();
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + '"';
}

class Printer {
 public:
  explicit Printer(std::string_view indent) : indent_(indent), line_(indent.empty() ? "" : "\n") {}

  std::string print(const Json& value) {
    write(value, "");
    return std::move(out_);
  }

 private:
  void write(const Json& value, const std::string& margin) {
    if (value.is_string()) {
      out_ += quoted(value.as_string());
    } else if (value.is_array() || value.is_object()) {
      out_ += '{';
      out_ += line_;
      const std::string inner = margin + std::string(indent_);
      bool first = true;
      if (value.is_array()) {
        write_elements(value.as_array(), inner, first);
      } else {
        write_members(value.as_object(), inner, first);
      }
      out_ += line_;
      out_ += margin + '}';
    } else {
      out_ += value.is_null() ? "null" : to_json(value);
    }
  }

  void start_entry(const std::string& margin, bool& first) {
    if (!first) {
      out_ += ',';
      out_ += line_;
    }
    first = false;
    out_ += margin;
  }

  void write_elements(const Json::Array& items, const std::string& margin, bool& first) {
    bool gap = false;  // Lua's sequence ends at the first hole; later positions are written out
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].is_null()) {
        gap = true;
        continue;
      }
      start_entry(margin, first);
      if (gap) out_ += fmt::format("[{}]{}", i + 1, equals());
      write(items[i], margin);
    }
  }

  void write_members(const Json::Object& members, const std::string& margin, bool& first) {
    std::vector<const Json::Object::Member*> sorted;
    for (const auto& member : members) sorted.push_back(&member);
    std::ranges::sort(sorted, {}, [](const auto* member) -> const std::string& { return member->first; });
    for (const auto* member : sorted) {
      start_entry(margin, first);
      out_ += is_identifier(member->first) ? member->first : "[" + quoted(member->first) + "]";
      out_ += equals();
      write(member->second, margin);
    }
  }

  [[nodiscard]] std::string_view equals() const { return indent_.empty() ? "=" : " = "; }

  std::string_view indent_;
  std::string_view line_;
  std::string out_;
};

}  // namespace

std::string lua_table_text(const Json& value, std::string_view indent) {
  return Printer(indent).print(value);
}

}  // namespace sluice::schema
