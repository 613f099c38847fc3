// SPDX-License-Identifier: Apache-2.0
#include "net/tls/client_hello.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "base/strings.h"

namespace sluice::net::tls {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kAlertRecord = 21;
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kFatal = 2;
constexpr std::uint8_t kHostName = 0;
constexpr std::uint16_t kServerName = 0;
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMaxRecord = 16 * 1024;
constexpr std::size_t kMessageHeader = 4;

using Parsed = Result<std::optional<ClientHello>>;

std::unexpected<Error> invalid(std::string_view what) {
  return fail(Errc::Invalid, "TLS ClientHello: " + std::string(what), Blame::Client);
}

std::uint8_t octet(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

/// Takes fields off the front. A field that is cut off makes the reader fail, and everything after it empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::size_t number(std::size_t octets) {
    const std::string_view field = take(octets);
    std::size_t value = 0;
    for (std::size_t i = 0; i < field.size(); ++i) value = value << 8U | octet(field, i);
    return value;
  }
  std::string_view take(std::size_t octets) {
    if (octets > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view field = rest_.substr(0, octets);
    rest_.remove_prefix(octets);
    return field;
  }
  /// A field behind its length, which has so many octets.
  std::string_view vector(std::size_t length_octets) { return take(number(length_octets)); }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

/// Letters, digits, hyphens, dots; underscores too, which some names in the wild have.
bool is_host_name(std::string_view name) {
  constexpr std::size_t kLongest = 255;
  if (name.empty() || name.size() > kLongest || name.front() == '.') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == ':';
  });
}

/// The extension's content: a list, of which one name may be a host's.
Result<std::string> read_server_name(std::string_view content) {
  Reader extension(content);
  Reader names(extension.vector(2));
  if (extension.failed() || !extension.at_end() || names.at_end()) return invalid("malformed server_name");
  std::string found;
  while (!names.at_end()) {
    const std::size_t type = names.number(1);
    std::string_view name = names.vector(2);
    if (names.failed() || type != kHostName || !found.empty()) return invalid("malformed server_name");
    if (name.ends_with('.')) name.remove_suffix(1);
    if (!is_host_name(name)) return invalid("server_name is no name of a host");
    found = to_lower(name);
  }
  return found;
}

Result<ClientHello> read_body(std::string_view body) {
  Reader fields(body);
  fields.take(2 + 32);  // legacy_version, random
  const std::string_view session = fields.vector(1);
  const std::string_view ciphers = fields.vector(2);
  const std::string_view compressions = fields.vector(1);
  if (fields.failed() || session.size() > 32 || ciphers.empty() || ciphers.size() % 2 != 0 || compressions.empty()) {
    return invalid("malformed");
  }
  ClientHello hello;
  if (fields.at_end()) return hello;  // no extensions: TLS 1.2 allows that
  Reader extensions(fields.vector(2));
  if (fields.failed() || !fields.at_end()) return invalid("malformed extensions");
  bool named = false;
  while (!extensions.at_end()) {
    const std::size_t type = extensions.number(2);
    const std::string_view content = extensions.vector(2);
    if (extensions.failed()) return invalid("malformed extensions");
    if (type != kServerName) continue;
    if (std::exchange(named, true)) return invalid("two server_name extensions");
    TRY(hello.sni, read_server_name(content));
  }
  return hello;
}

/// Puts the message together from its records. No value: more is needed.
Result<std::optional<std::string>> gather(std::string_view bytes) {
  std::string message;
  for (;;) {
    if (!bytes.empty() && octet(bytes, 0) != kHandshakeRecord) {
      const Errc code = message.empty() ? Errc::Unsupported : Errc::Invalid;
      return fail(code, "TLS ClientHello: not a handshake record", Blame::Client);
    }
    if (bytes.size() > 1 && octet(bytes, 1) != 3) {
      return fail(Errc::Unsupported, "TLS ClientHello: unknown version", Blame::Client);
    }
    if (bytes.size() < kRecordHeader) return std::nullopt;
    const std::size_t length = std::size_t{octet(bytes, 3)} << 8U | octet(bytes, 4);
    if (length == 0 || length > kMaxRecord) return invalid("malformed record");
    const std::string_view fragment = bytes.substr(kRecordHeader, length);
    message.append(fragment);
    if (!message.empty() && octet(message, 0) != kClientHello) return invalid("another message comes first");
    if (message.size() >= kMessageHeader) {
      const std::size_t whole = kMessageHeader + (std::size_t{octet(message, 1)} << 16U |
                                                  std::size_t{octet(message, 2)} << 8U | octet(message, 3));
      if (whole > kMaxClientHello) return fail(Errc::TooLarge, "TLS ClientHello: too large", Blame::Client);
      // Judged by the record's length, not by what has come of it: the answer must not depend on how octets arrive.
      if (message.size() - fragment.size() + length > whole) return invalid("another message in the same record");
      if (message.size() == whole) return message;
    }
    if (fragment.size() < length) return std::nullopt;
    bytes.remove_prefix(kRecordHeader + length);
  }
}

}  // namespace

Parsed parse_client_hello(std::string_view bytes) {
  TRY(const std::optional<std::string> message, gather(bytes.substr(0, kMaxClientHello)));
  if (message) return read_body(std::string_view(*message).substr(kMessageHeader));
  if (bytes.size() >= kMaxClientHello) return fail(Errc::TooLarge, "TLS ClientHello: too large", Blame::Client);
  return std::nullopt;
}

namespace {

/// One look at what has arrived, without taking it. No value: wait for more.
Parsed look_at(int fd) {
  std::array<char, kMaxClientHello> bytes;
  const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), MSG_PEEK);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got < 0) return fail(Errc::Closed, "TLS ClientHello: connection broken", Blame::Client);
  if (got == 0) return fail(Errc::Closed, "TLS ClientHello: connection closed before it", Blame::Client);
  return parse_client_hello({bytes.data(), static_cast<std::size_t>(got)});
}

}  // namespace

Task<Result<ClientHello>> peek_client_hello(Stream& stream, rt::Deadline deadline) {
  rt::IoSource& source = stream.source();
  for (;;) {
    if (co_await stream.readable(deadline) == rt::Wake::TimedOut) {
      co_return fail(Errc::Timeout, "TLS ClientHello: timed out", Blame::Client);
    }
    CO_TRY(auto hello, look_at(stream.fd()));
    if (hello) co_return *std::move(hello);  // the socket stays readable
    // The next octet is a new event; but after a FIN there is none, and the message never becomes whole.
    if (source.peer_closed()) {
      co_return fail(Errc::Closed, "TLS ClientHello: connection closed within it", Blame::Client);
    }
    source.clear_readable();
  }
}

std::string fatal_alert(Alert alert) {
  return {static_cast<char>(kAlertRecord), 3, 3, 0, 2, static_cast<char>(kFatal), static_cast<char>(alert)};
}

}  // namespace sluice::net::tls
