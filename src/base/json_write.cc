// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/assert.h"
#include "base/json.h"
#include "base/utf8.h"

namespace sluice {
namespace {

void append_int(std::string& out, std::int64_t value) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  out.append(buffer, end);
}

/// Shortest digits that read back as the same double, always recognisable as a fraction. Go's and Lua's readers take
/// `1E2` and `100` for something else than `100.0`, so an exponent appears only where plain digits would be absurd.
void append_double(std::string& out, double value) {
  if (SLUICE_BUG(!std::isfinite(value))) {
    out += "null";
    return;
  }
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e17);
  char buffer[64];
  const auto form = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, form).ptr;
  const std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
  out += digits;
  if (plain && digits.find('.') == digits.npos) out += ".0";
}

constexpr std::array<bool, 256> kPlainInString = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

void append_escape(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  const auto octet = static_cast<std::uint8_t>(c);
  out += "\\u00";
  out.push_back(kHex[octet >> 4U]);
  out.push_back(kHex[octet & 0xFU]);
}

/// Writes a value and all it holds.
class Writer {
 public:
  Writer(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

  void write(const Json& value) {
    if (value.is_null()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.as_bool() ? "true" : "false";
    } else if (value.is_int()) {
      append_int(out_, value.as_int());
    } else if (value.is_double()) {
      append_double(out_, value.number());
    } else if (value.is_string()) {
      append_json_string(out_, value.as_string());
    } else if (value.is_array()) {
      write_array(value.as_array());
    } else {
      write_object(value.as_object());
    }
  }

 private:
  void write_array(const Json::Array& array) {
    if (array.empty()) {
      out_ += "[]";
      return;
    }
    open('[');
    for (std::size_t i = 0; i < array.size(); ++i) {
      separate(i > 0);
      write(array[i]);
    }
    close(']');
  }

  void write_object(const Json::Object& object) {
    if (object.empty()) {
      out_ += "{}";
      return;
    }
    open('{');
    bool follows = false;
    for (const auto& [name, value] : object) {
      separate(follows);
      follows = true;
      append_json_string(out_, name);
      out_ += pretty_ ? ": " : ":";
      write(value);
    }
    close('}');
  }

  void open(char bracket) {
    out_.push_back(bracket);
    ++depth_;
  }
  void separate(bool follows) {
    if (follows) out_.push_back(',');
    new_line();
  }
  void close(char bracket) {
    --depth_;
    new_line();
    out_.push_back(bracket);
  }
  void new_line() {
    if (!pretty_) return;
    out_.push_back('\n');
    out_.append(depth_ * 2, ' ');
  }

  std::string& out_;
  const bool pretty_;
  std::size_t depth_ = 0;
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t copied = 0;
  std::size_t at = 0;
  const auto flush = [&] { out.append(text, copied, at - copied); };
  while (at < text.size()) {
    const char c = text[at];
    if (kPlainInString[static_cast<std::uint8_t>(c)]) {
      ++at;
    } else if (static_cast<std::uint8_t>(c) < 0x80) {
      flush();
      append_escape(out, c);
      copied = ++at;
    } else if (const std::size_t length = utf8_sequence(text.substr(at)); length > 0) {
      at += length;
    } else {
      flush();
      out += kReplacementCharacter;
      copied = ++at;
    }
  }
  flush();
  out.push_back('"');
}

void append_json(std::string& out, const Json& value) {
  Writer(out, false).write(value);
}

std::string to_json(const Json& value) {
  std::string out;
  append_json(out, value);
  return out;
}

std::string to_pretty_json(const Json& value) {
  std::string out;
  Writer(out, true).write(value);
  return out;
}

}  // namespace sluice
