// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/target.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>

#include <netdb.h>

#include "base/ip.h"

namespace sluice::cli::bench {
namespace {

struct Scheme {
  std::string_view name;
  Protocol protocol;
  bool tls;
  std::uint16_t port;  // 0: there is none by itself
};
constexpr std::array kSchemes = {
    Scheme{"http", Protocol::Http, false, 80},    Scheme{"https", Protocol::Http, true, 443},
    Scheme{"ws", Protocol::WebSocket, false, 80}, Scheme{"wss", Protocol::WebSocket, true, 443},
    Scheme{"grpc", Protocol::Grpc, false, 80},    Scheme{"grpcs", Protocol::Grpc, true, 443},
    Scheme{"tcp", Protocol::Tcp, false, 0},       Scheme{"tls", Protocol::Tcp, true, 0},
    Scheme{"udp", Protocol::Udp, false, 0},
};

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || port == 0)
    return fail(Errc::Invalid, "'" + std::string(text) + "' is no port");
  return port;
}

/// host, host:port, [v6] or [v6]:port.
Result<> parse_authority(std::string_view text, Target& out) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return fail(Errc::Invalid, "an address in brackets without its end");
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (host.empty()) return fail(Errc::Invalid, "the host is missing");
  out.host = host;
  if (rest.empty()) return {};
  if (!rest.starts_with(':')) return fail(Errc::Invalid, "only :PORT may follow the host");
  TRY(out.port, parse_port(rest.substr(1)));
  return {};
}

}  // namespace

Result<Target> Target::parse(std::string_view url) {
  const auto colon = url.find("://");
  const std::string_view name = url.substr(0, colon == std::string_view::npos ? 0 : colon);
  const auto* const scheme =
      std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& one) { return one.name == name; });
  if (scheme == kSchemes.end()) {
    return fail(Errc::Invalid, "'" + std::string(url) +
                                   "' is not SCHEME://HOST:PORT/PATH with a scheme of http, https, ws, wss, grpc, "
                                   "grpcs, tcp, tls or udp");
  }
  Target out;
  out.protocol = scheme->protocol;
  out.tls = scheme->tls;
  out.port = scheme->port;
  const std::string_view rest = url.substr(colon + 3);
  const auto slash = rest.find_first_of("/?");
  if (slash != std::string_view::npos)
    out.path = rest[slash] == '/' ? rest.substr(slash) : "/" + std::string(rest.substr(slash));
  if (auto parsed = parse_authority(rest.substr(0, slash), out); !parsed) return std::unexpected(parsed.error());
  if (out.port == 0) return fail(Errc::Invalid, std::string(url) + ": the port is missing");
  return out;
}

std::string Target::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return name + ":" + std::to_string(port);
}

Result<net::Address> Target::resolve() const {
  if (const auto ip = IpAddress::parse(host)) return net::Address(*ip, port);
  addrinfo hints{};
  hints.ai_socktype = protocol == Protocol::Udp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (code != 0) return fail(Errc::NotFound, host + ": " + ::gai_strerror(code));
  sockaddr_storage storage{};
  std::memcpy(&storage, list->ai_addr, list->ai_addrlen);
  return net::Address::from(storage);
}

}  // namespace sluice::cli::bench
