// SPDX-License-Identifier: Apache-2.0
#include "telemetry/access_log.h"

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <ctime>

#include "base/base64.h"
#include "base/strings.h"

namespace sluice::telemetry {

namespace {

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

void append_number(std::string& out, std::integral auto value) {
  std::array<char, 24> digits;
  auto [end, status] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

void append_address(std::string& out, const IpAddress& address) {
  if (address.is_v6()) {
    out += address.to_string();
    return;
  }
  char separator = 0;
  for (std::uint8_t octet : address.octets()) {
    if (separator != 0) out += separator;
    append_number(out, unsigned{octet});
    separator = '.';
  }
}

/// "-" stands for nothing, as in every web server's log.
void append_or_dash(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
  } else {
    append_escaped(out, text);
  }
}

void append_user(std::string& out, std::string_view authorization) {
  constexpr std::string_view kBasic = "basic ";
  if (!istarts_with(authorization, kBasic)) {
    out += '-';
    return;
  }
  auto decoded = base64_decode(trim(authorization.substr(kBasic.size())));
  std::string_view credentials = decoded ? std::string_view(*decoded) : std::string_view();
  std::size_t colon = credentials.find(':');
  append_or_dash(out, colon == credentials.npos ? std::string_view() : credentials.substr(0, colon));
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (kPlain[c]) [[likely]]
      continue;
    out.append(text, begin, i - begin);
    out.append("\\x");
    out += kHex[c >> 4U];
    out += kHex[c & 15U];
    begin = i + 1;
  }
  out.append(text, begin);
}

void append_access_line(std::string& out, const AccessEntryView& entry, std::string_view local_time) {
  append_address(out, entry.address);
  out.append(" - ");
  append_user(out, entry.authorization);
  out.append(" [").append(local_time).append("] \"");
  append_escaped(out, entry.method);
  out += ' ';
  append_escaped(out, entry.target);
  out += ' ';
  out.append(entry.version).append("\" ");
  append_number(out, entry.status);
  out += ' ';
  append_number(out, entry.body_octets);
  out.append(" \"");
  append_or_dash(out, entry.referer);
  out.append("\" \"");
  append_or_dash(out, entry.user_agent);
  out += '"';
  if (!entry.request_id.empty()) out.append(" kong_request_id: \"").append(entry.request_id).append("\"");
  out += '\n';
}

void append_access_line(std::string& out, const StreamEntryView& entry, std::string_view local_time) {
  append_address(out, entry.address);
  out.append(" [").append(local_time).append("] ").append(entry.protocol).append(" ");
  append_number(out, entry.status);
  out += ' ';
  append_number(out, entry.sent);
  out += ' ';
  append_number(out, entry.received);
  out += ' ';
  append_number(out, entry.session_ms / 1000);
  const std::int64_t milliseconds = entry.session_ms % 1000;
  out.append(milliseconds < 10 ? ".00" : milliseconds < 100 ? ".0" : ".");
  append_number(out, milliseconds);
  out += '\n';
}

void AccessLog::refresh_time() {
  std::int64_t now = reactor_.clock().wall_s();
  if (now == time_s_) return;
  time_s_ = now;
  std::time_t seconds = now;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 40> text;
  time_.assign(text.data(), std::strftime(text.data(), text.size(), "%d/%b/%Y:%H:%M:%S %z", &local));
}

void AccessLog::write(const AccessEntryView& entry) {
  refresh_time();
  append_access_line(buffer_.text(), entry, time_);
  buffer_.commit();
}

void AccessLog::write(const StreamEntryView& entry) {
  refresh_time();
  append_access_line(buffer_.text(), entry, time_);
  buffer_.commit();
}

}  // namespace sluice::telemetry
