// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>

#include <sys/socket.h>

#include "base/ip.h"
#include "base/strings.h"

namespace sluice::net {
namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kMagic1 = "PROXY ";
constexpr std::string_view kMagic2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMaxText = 107;   // version 1, line end included
constexpr std::size_t kFixedPart = 16;  // version 2: magic, version and command, family, length

std::unexpected<Error> invalid(std::string_view why) {
  return fail(Errc::Invalid, "PROXY protocol: " + std::string(why), Blame::Client);
}

std::uint8_t octet(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::size_t number16(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(octet(bytes, at) << 8 | octet(bytes, at + 1));
}

/// Takes the text up to the next blank; exactly one blank separates fields.
std::string_view next_field(std::string_view& rest) {
  const std::size_t blank = rest.find(' ');
  const std::string_view field = rest.substr(0, blank);
  rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  return field;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const bool canonical = !text.empty() && text.size() <= 5 && (text.size() == 1 || text[0] != '0');
  if (!canonical || !std::ranges::all_of(text, is_ascii_digit)) return invalid("malformed port");
  auto port = parse_int<std::uint16_t>(text);
  if (!port) return invalid("port out of range");
  return *port;
}

Result<IpAddress> parse_ip(std::string_view text, bool v6) {
  auto ip = IpAddress::parse(text);
  if (!ip || (text.find(':') != std::string_view::npos) != v6) return invalid("malformed address");
  return *ip;
}

/// "PROXY TCP4 192.0.2.1 198.51.100.1 5000 443", without the line end.
Parsed parse_text(std::string_view line, std::size_t size) {
  ProxyHeader header;
  header.size = size;
  line.remove_prefix(kMagic1.size());
  const std::string_view family = line.substr(0, line.find(' '));
  if (family == "UNKNOWN") return header;  // the rest of the line is to be ignored
  if (family != "TCP4" && family != "TCP6") return invalid("unknown family");
  if (std::ranges::count(line, ' ') != 4) return invalid("malformed line");
  const bool v6 = family == "TCP6";
  next_field(line);
  TRY(auto source, parse_ip(next_field(line), v6));
  TRY(auto destination, parse_ip(next_field(line), v6));
  TRY(auto source_port, parse_port(next_field(line)));
  TRY(auto destination_port, parse_port(next_field(line)));
  header.source = Address(source, source_port);
  header.destination = Address(destination, destination_port);
  return header;
}

Parsed parse_version_1(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kMaxText);
  const std::size_t end = window.find('\n');
  if (end == std::string_view::npos) {
    if (window.size() >= kMaxText) return invalid("line too long");
    return std::nullopt;
  }
  if (end == 0 || window[end - 1] != '\r') return invalid("line does not end with CR LF");
  const std::string_view line = window.substr(0, end - 1);
  if (line.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos) return invalid("control character");
  return parse_text(line, end + 1);
}

/// Type-length-value triples fill the rest exactly; we use none of them.
bool are_well_formed(std::string_view triples) {
  while (!triples.empty()) {
    if (triples.size() < 3) return false;
    const std::size_t size = 3 + number16(triples, 1);
    if (size > triples.size()) return false;
    triples.remove_prefix(size);
  }
  return true;
}

template <std::size_t N>
IpAddress ip_at(std::string_view bytes, std::size_t at) {
  std::array<std::uint8_t, N> octets{};
  std::ranges::copy(bytes.substr(at, N), reinterpret_cast<char*>(octets.data()));
  if constexpr (N == 4) {
    return IpAddress::from_v4(octets);
  } else {
    return IpAddress::from_v6(octets);
  }
}

template <std::size_t N>
void read_addresses(std::string_view payload, ProxyHeader& header) {
  header.source = Address(ip_at<N>(payload, 0), static_cast<std::uint16_t>(number16(payload, 2 * N)));
  header.destination = Address(ip_at<N>(payload, N), static_cast<std::uint16_t>(number16(payload, 2 * N + 2)));
}

/// Octets that the address block takes; no value for a family that does not exist.
std::optional<std::size_t> address_size(std::uint8_t family) {
  switch (family) {
    case 0x00:
      return 0;
    case 0x11:
    case 0x12:
      return 12;  // IPv4 over a stream or datagrams
    case 0x21:
    case 0x22:
      return 36;  // IPv6
    case 0x31:
    case 0x32:
      return 216;  // UNIX
    default:
      return std::nullopt;
  }
}

Parsed parse_version_2(std::string_view bytes) {
  if (bytes.size() >= 13 && octet(bytes, 12) >> 4 != 2) return invalid("unknown version");
  if (bytes.size() >= 13 && (octet(bytes, 12) & 0x0F) > 1) return invalid("unknown command");
  if (bytes.size() >= 14 && !address_size(octet(bytes, 13))) return invalid("unknown family");
  if (bytes.size() < kFixedPart) return std::nullopt;
  const std::size_t length = number16(bytes, 14);
  if (kFixedPart + length > kMaxProxyHeader) return invalid("header too long");
  if (bytes.size() < kFixedPart + length) return std::nullopt;

  ProxyHeader header;
  header.size = kFixedPart + length;
  const std::string_view payload = bytes.substr(kFixedPart, length);
  const bool local = (octet(bytes, 12) & 0x0F) == 0;
  if (local) return header;  // its addresses are to be ignored, whatever they are
  const std::uint8_t family = octet(bytes, 13);
  const std::size_t addresses = *address_size(family);
  if (length < addresses) return invalid("addresses are cut off");
  if (!are_well_formed(payload.substr(addresses))) return invalid("malformed extension");
  if (family >> 4 == 1) read_addresses<4>(payload, header);
  if (family >> 4 == 2) read_addresses<16>(payload, header);
  return header;
}

}  // namespace

Parsed parse_proxy_header(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  const std::string_view magic = bytes[0] == kMagic1[0] ? kMagic1 : kMagic2;
  const std::size_t known = std::min(bytes.size(), magic.size());
  if (bytes.substr(0, known) != magic.substr(0, known)) return invalid("header is missing");
  if (known < magic.size()) return std::nullopt;
  return magic == kMagic1 ? parse_version_1(bytes) : parse_version_2(bytes);
}

namespace {

/// One look at what has arrived, without taking it. No value: wait for more.
Parsed look_at(int fd) {
  std::array<char, kMaxProxyHeader> bytes;
  const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), MSG_PEEK);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got < 0) return fail(Errc::Closed, "PROXY protocol: connection broken", Blame::Client);
  if (got == 0) return fail(Errc::Closed, "PROXY protocol: connection closed before the header", Blame::Client);
  TRY(auto header, parse_proxy_header({bytes.data(), static_cast<std::size_t>(got)}));
  if (!header) return std::nullopt;
  static_cast<void>(::recv(fd, bytes.data(), header->size, 0));  // is there, as we just saw
  return header;
}

}  // namespace

Task<Result<ProxyHeader>> read_proxy_header(Stream& stream, rt::Deadline deadline) {
  rt::IoSource& source = stream.source();
  for (;;) {
    if (co_await stream.readable(deadline) == rt::Wake::TimedOut) {
      co_return fail(Errc::Timeout, "PROXY protocol: timed out", Blame::Client);
    }
    CO_TRY(auto header, look_at(stream.fd()));
    if (header) {
      source.mark_readable();  // what follows has arrived already, perhaps, and has had its event
      co_return *header;
    }
    // The next octet is a new event; but after a FIN there is none, and the header never becomes whole.
    if (source.peer_closed()) {
      co_return fail(Errc::Closed, "PROXY protocol: connection closed within the header", Blame::Client);
    }
    source.clear_readable();
  }
}

}  // namespace sluice::net
