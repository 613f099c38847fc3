// SPDX-License-Identifier: Apache-2.0
#include "dataplane/cluster_stream.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/base64.h"
#include "base/strings.h"
#include "net/tls/handshake.h"
#include "net/tunnel.h"
#include "objects/dialer.h"

namespace sluice::dataplane {
namespace {

constexpr std::size_t kMaxAnswer = 16 * 1024;

struct HostPort {
  std::string host;
  std::uint16_t port;
};

Result<HostPort> parse_host_port(std::string_view text, std::uint16_t preset) {
  HostPort parsed{{}, preset};
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool has_port = colon != text.npos && (bracket == text.npos || colon > bracket);
  if (has_port) {
    TRY(parsed.port, parse_int<std::uint16_t>(text.substr(colon + 1)));
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text.empty() || parsed.port == 0) return fail(Errc::Invalid, "expected host:port");
  parsed.host = text;
  return parsed;
}

std::string authority(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

/// Octet by octet would cost a call each; but nothing may be read that belongs to what comes behind the head. A server
/// of TLS says nothing before it is spoken to, so what is there is the head.
Task<Result<std::string>> read_head(net::Stream& stream, rt::Deadline deadline) {
  std::string head;
  std::array<char, 2048> piece{};
  for (;;) {
    const net::Io io = stream.read(piece);
    if (io.moved()) {
      head.append(piece.data(), io.octets);
      const std::size_t end = head.find("\r\n\r\n");
      if (end != std::string::npos && end + 4 == head.size()) co_return head;
      if (end != std::string::npos || head.size() > kMaxAnswer) break;
      continue;
    }
    if (!io.blocked()) co_return fail(Errc::Closed, "forward proxy: closed the connection", Blame::Upstream);
    if (co_await stream.readable(deadline) == rt::Wake::TimedOut) {
      co_return fail(Errc::Timeout, "forward proxy: timed out", Blame::Upstream);
    }
  }
  co_return fail(Errc::Invalid, "forward proxy: not an answer to CONNECT", Blame::Upstream);
}

/// RFC 9110, 9.3.6.
Task<Result<>> ask_to_connect(net::Stream& stream, const ControlPlaneAddress& to, rt::Deadline deadline) {
  const std::string target = authority(to.host, to.port);
  std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!to.proxy->credentials.empty()) {
    request += "Proxy-Authorization: Basic " + base64_encode(to.proxy->credentials.reveal()) + "\r\n";
  }
  request += "\r\n";
  CO_TRY(co_await stream.write_all(request, deadline));
  CO_TRY(const std::string head, co_await read_head(stream, deadline));
  const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
  if (line.starts_with("HTTP/1.") && line.size() >= 12 && line[9] == '2') co_return Result<>{};
  co_return fail(Errc::Refused, "forward proxy: " + std::string(line.substr(0, 200)), Blame::Upstream);
}

/// Small messages, each of which somebody waits for; and a peer whose machine vanished is to be noticed by the kernel
/// too.
void set_options(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

Result<ForwardProxy> parse_forward_proxy(std::string_view url) {
  ForwardProxy proxy;
  if (url.starts_with("https://")) {
    proxy.tls = true;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return fail(Errc::Invalid, "expected http(s)://user:password@host:port");
  }
  if (const std::size_t at = url.rfind('@'); at != url.npos) {
    TRY(std::string credentials, percent_decode(url.substr(0, at)));
    proxy.credentials = Secret(std::move(credentials));
    url.remove_prefix(at + 1);
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  TRY(HostPort parsed, parse_host_port(url, proxy.tls ? 443 : 3128));
  proxy.host = std::move(parsed.host);
  proxy.port = parsed.port;
  return proxy;
}

Result<ControlPlaneAddress> parse_control_plane(std::string_view text) {
  TRY(HostPort parsed, parse_host_port(text, 8005));
  ControlPlaneAddress address;
  address.host = std::move(parsed.host);
  address.port = parsed.port;
  return address;
}

Task<Result<std::string>> ClusterStream::open(const ControlPlaneAddress& to, const ClusterIdentity& identity,
                                              rt::Deadline deadline) {
  CO_TRY(co_await reach(to, deadline));
  CO_TRY(co_await net::tls::connect(stream_, identity.context(), to.server_name, deadline));
  co_return identity.check_peer(stream_, to.server_name);
}

Task<Result<>> ClusterStream::reach(const ControlPlaneAddress& to, rt::Deadline deadline) {
  if (!to.proxy) {
    CO_TRY(co_await objects::connect_to_name(stream_, reactor_, resolver_, to.host, to.port, deadline));
    set_options(stream_.fd());
    co_return Result<>{};
  }
  if (to.proxy->tls) co_return co_await reach_through_tls(to, deadline);
  CO_TRY(co_await objects::connect_to_name(stream_, reactor_, resolver_, to.proxy->host, to.proxy->port, deadline));
  set_options(stream_.fd());
  co_return co_await ask_to_connect(stream_, to, deadline);
}

Task<Result<>> ClusterStream::reach_through_tls(const ControlPlaneAddress& to, rt::Deadline deadline) {
  auto trust = net::tls::TrustStore::system();
  if (!trust) co_return std::unexpected(std::move(trust).error());
  objects::Dialer dialer(reactor_, resolver_, *std::move(trust));
  CO_TRY(co_await dialer.dial(to_proxy_, to.proxy->host, to.proxy->port, true, to.proxy->verify, deadline));
  set_options(to_proxy_.fd());
  CO_TRY(co_await ask_to_connect(to_proxy_, to, deadline));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    co_return fail(Errc::Unavailable, std::string("socketpair: ") + std::strerror(errno), Blame::System);
  }
  inner_.attach(reactor_, ends[0]);
  stream_.attach(reactor_, ends[1]);
  carrying_.spawn(carry());
  co_return Result<>{};
}

Task<void> ClusterStream::carry() {
  net::TunnelCounts counts;
  co_await net::run_tunnel(inner_, to_proxy_, std::numeric_limits<std::int32_t>::max(), counts);
  inner_.close();
}

}  // namespace sluice::dataplane
