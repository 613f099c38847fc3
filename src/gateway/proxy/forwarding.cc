// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/forwarding.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <vector>

#include "entity/route.h"
#include "entity/service.h"
#include "gateway/balancer/selection.h"
#include "gateway/proxy/websocket_upgrade.h"

namespace sluice::gateway {
namespace {

using http::Field;
using http::Headers;
using http::Known;

std::string_view join(Arena& arena, std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (std::string_view part : parts) size += part.size();
  if (size == 0) return {};
  char* text = static_cast<char*>(arena.alloc(size, 1));
  char* at = text;
  for (std::string_view part : parts) at = std::copy(part.begin(), part.end(), at);
  return {text, size};
}

std::string_view ip_text(Arena& arena, const IpAddress& ip) {
  if (!ip.is_v4()) return arena.copy(ip.to_string());
  std::array<char, 16> text;  // dotted quad by hand: this is in every request
  char* at = text.data();
  for (std::uint8_t octet : ip.octets()) {
    at = std::to_chars(at, text.data() + text.size(), octet).ptr;
    *at++ = '.';
  }
  return arena.copy({text.data(), static_cast<std::size_t>(at - text.data()) - 1});
}

/// Fields that mean one connection only. RFC 9110, 7.6.1, and those that tradition counts among them.
bool is_hop_by_hop(Known field) {
  switch (field) {
    case Known::Connection:
    case Known::KeepAlive:
    case Known::ProxyConnection:
    case Known::Proxy:
    case Known::Te:
    case Known::TransferEncoding:
    case Known::ContentLength:  // written from the framing
    case Known::Upgrade:
    case Known::Http2Settings:
    case Known::Host:
      return true;
    default:
      return false;
  }
}

/// Fields that the gateway makes itself: what the client sent under these names is replaced, never passed on, and a
/// client cannot have them removed by naming them in Connection.
bool is_gateway_made(Known field) {
  switch (field) {
    case Known::XForwardedFor:
    case Known::XForwardedProto:
    case Known::XForwardedHost:
    case Known::XForwardedPort:
    case Known::XForwardedPath:
    case Known::XForwardedPrefix:
    case Known::XRealIp:
    case Known::XKongRequestId:
    case Known::Via:
      return true;
    default:
      return false;
  }
}

bool starts_with_folded(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    char c = name[i] == '_' ? '-' : name[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (c != prefix[i]) return false;
  }
  return true;
}

/// "X_Consumer_ID": some upstreams read '_' and '-' alike, so the twin of an identity or framing field would pass for
/// it.
bool is_dangerous_twin(std::string_view name) {
  if (name.find('_') == std::string_view::npos) return false;
  return starts_with_folded(name, "x-consumer") || starts_with_folded(name, "x-credential") ||
         starts_with_folded(name, "x-anonymous-consumer") || starts_with_folded(name, "x-authenticated") ||
         starts_with_folded(name, "x-forwarded") || starts_with_folded(name, "x-real-ip") ||
         starts_with_folded(name, "x-kong") || starts_with_folded(name, "transfer-encoding") ||
         starts_with_folded(name, "content-length");
}

/// The fields that the message's Connection names: they are for us alone.
struct Listed {
  std::vector<std::string_view> names;  // mostly none, and then nothing is allocated

  explicit Listed(const Headers& headers) {
    headers.each(Known::Connection, [this](std::string_view options) {
      http::for_each_token(options, [this](std::string_view token) {
        if (!http::same_name(token, "close") && !http::same_name(token, "keep-alive")) names.push_back(token);
      });
    });
  }
  [[nodiscard]] bool has(std::string_view name) const {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view listed) { return http::same_name(listed, name); });
  }
};

/// The Upgrade field to pass on, if the request is a WebSocket handshake in full (RFC 6455, 4.1); empty otherwise, for
/// an upgrade that the gateway does not understand would tunnel past its policies.
std::string_view websocket_upgrade(const Exchange& ex) {
  const http::RequestHead& head = ex.request.received;
  if (ex.request.method != "GET" || head.version != http::Version::Http11 || head.framing.has_body()) return {};
  auto upgrade = head.headers.get(Known::Upgrade);
  if (!upgrade || !http::same_name(*upgrade, "websocket")) return {};
  auto connection = head.headers.get(Known::Connection);
  if (!connection || !http::list_has(*connection, "upgrade")) return {};
  return *upgrade;
}

void add_forwarded(const Exchange& ex, Headers& out) {
  Arena& arena = ex.arena;
  const Headers& sent = ex.request.received.headers;
  const bool trusted = ex.client.trusted;
  auto kept = [&](Known field) { return trusted ? sent.get(field).value_or(std::string_view{}) : std::string_view{}; };
  auto put = [&](Known field, std::string_view value) { out.add_view(http::spelling(field), value, field); };

  std::string_view peer = ip_text(arena, ex.client.address);
  std::string_view chain;
  if (trusted) {
    sent.each(Known::XForwardedFor, [&](std::string_view list) {  // several lines are one list: RFC 9110, 5.3
      chain = chain.empty() ? list : join(arena, {chain, ", ", list});
    });
  }
  put(Known::XForwardedFor, chain.empty() ? peer : join(arena, {chain, ", ", peer}));
  std::string_view proto = kept(Known::XForwardedProto);
  put(Known::XForwardedProto, proto.empty() ? ex.request.scheme : proto);
  std::string_view host = kept(Known::XForwardedHost);
  put(Known::XForwardedHost, host.empty() ? ex.request.host : host);
  std::string_view port = kept(Known::XForwardedPort);
  put(Known::XForwardedPort, port.empty() ? number_text(arena, ex.request.port) : port);
  std::string_view path = kept(Known::XForwardedPath);
  put(Known::XForwardedPath, path.empty() ? ex.request.path : path);
  std::string_view prefix = kept(Known::XForwardedPrefix);
  if (prefix.empty()) prefix = ex.request.stripped_prefix;
  if (!prefix.empty()) put(Known::XForwardedPrefix, prefix);
  put(Known::XRealIp,
      ex.client.forwarded_address == ex.client.address ? peer : ip_text(arena, ex.client.forwarded_address));
}

std::string_view protocol_version(http::Version version) {
  switch (version) {
    case http::Version::Http10:
      return "1.0";
    case http::Version::Http11:
      return "1.1";
    case http::Version::Http2:
      return "2";
    case http::Version::Http3:
      return "3";
  }
  return "1.1";
}

/// What the client asked to see with `Kong-Debug: 1`.
void add_debug_fields(Exchange& ex) {
  Headers& headers = ex.response.headers;
  if (ex.route != nullptr) {
    headers.set("Kong-Route-Id", ex.route->id.value.to_string());
    if (!ex.route->name.empty()) headers.set("Kong-Route-Name", ex.route->name);
  }
  if (ex.service != nullptr) {
    headers.set("Kong-Service-Id", ex.service->id.value.to_string());
    if (!ex.service->name.empty()) headers.set("Kong-Service-Name", ex.service->name);
  }
}

void append_to_list(Headers& headers, Known field, std::string_view addition) {
  auto present = headers.get(field);
  headers.set_view(http::spelling(field), present ? join(headers.arena(), {*present, ", ", addition}) : addition,
                   field);
}

}  // namespace

std::string_view number_text(Arena& arena, std::int64_t value) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

std::string_view host_field(Arena& arena, std::string_view host, std::uint16_t port, bool tls) {
  bool v6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  std::string_view open = v6 ? "[" : "";
  std::string_view close = v6 ? "]" : "";
  if (port == (tls ? 443 : 80)) return v6 ? join(arena, {open, host, close}) : host;
  return join(arena, {open, host, close, ":", number_text(arena, port)});
}

http::RequestHead upstream_request(const Exchange& ex, const GatewayOptions& options, const UpstreamTarget& target) {
  Arena& arena = ex.arena;
  http::RequestHead head(arena);
  head.method = ex.request.method;
  head.target =
      ex.request.has_query ? join(arena, {ex.request.upstream_path, "?", ex.request.query}) : ex.request.upstream_path;
  if (ex.request.upstream_host) {
    head.authority = *ex.request.upstream_host;
  } else {
    head.authority =
        !target.host_header.empty() ? target.host_header : host_field(arena, target.host, target.port, target.tls);
  }

  const Listed listed(ex.request.received.headers);
  const std::string_view upgrade = websocket_upgrade(ex);
  const bool without_extensions = wants_frames(ex);
  for (const Field& field : ex.request.headers) {
    if (field.known != Known::None) {
      if (is_hop_by_hop(field.known) || is_gateway_made(field.known)) continue;
    } else if (is_dangerous_twin(field.name)) {
      continue;
    }
    if (without_extensions && http::same_name(field.name, "Sec-WebSocket-Extensions")) continue;
    // What a plugin has set since cannot be dropped by the client's Connection: only received lines are listed.
    if (listed.has(field.name) && ex.request.was_received(field)) continue;
    head.headers.add_view(field.name, field.value, field.known);
  }

  auto te = ex.request.received.headers.get(Known::Te);
  if (target.grpc || (te && http::list_has(*te, "trailers"))) head.headers.add_view("TE", "trailers", Known::Te);
  if (!upgrade.empty()) head.headers.add_view("Upgrade", "websocket", Known::Upgrade);
  add_forwarded(ex, head.headers);
  auto via = ex.request.headers.get(Known::Via);
  std::string_view own_via = join(arena, {protocol_version(ex.request.received.version), " ", options.product});
  head.headers.add_view("Via", via ? join(arena, {*via, ", ", own_via}) : own_via, Known::Via);
  if (options.request_id_upstream) head.headers.add_view("X-Kong-Request-Id", ex.id(), Known::XKongRequestId);

  if (ex.request.body != nullptr) {
    if (ex.request.body_length) {
      head.framing = {http::Framing::Kind::Length, *ex.request.body_length};
    } else {
      head.framing = ex.request.received.framing;
    }
  } else if (ex.request.received.framing.kind == http::Framing::Kind::Length) {
    head.framing = {http::Framing::Kind::Length, 0};  // an announced empty content stays announced
  }
  return head;
}

void strip_upstream_response(Exchange& ex, const GatewayOptions& options) {
  Headers& headers = ex.response.headers;
  const Listed listed(headers);
  const bool wants_trailers = [&] {
    auto te = ex.request.received.headers.get(Known::Te);
    return te && http::list_has(*te, "trailers");
  }();
  headers.remove_if([&](const Field& field) {
    switch (field.known) {
      case Known::KeepAlive:
      case Known::ProxyConnection:
      case Known::TransferEncoding:
      case Known::ContentLength:
      case Known::Connection:
        return true;
      case Known::Upgrade:
        return ex.response.head.status != 101;
      case Known::Trailer:
        return !wants_trailers;
      default:
        return listed.has(field.name);
    }
  });
  if (options.server_tokens && !headers.has(Known::Server)) headers.add_view("Server", options.product, Known::Server);
}

void advertise_http3(Exchange& ex, const http::ConnectionInfo& connection) {
  if (connection.alt_svc.empty() || (connection.tls_info && connection.tls_info->client_policy)) return;
  ex.response.headers.set("Alt-Svc", connection.alt_svc);
}

void add_gateway_fields(Exchange& ex, const GatewayOptions& options) {
  Headers& headers = ex.response.headers;
  if (const auto* cookie = ex.find<AffinityCookie>()) headers.add("Set-Cookie", cookie->field);
  auto put_number = [&](Known field, std::int64_t value) {
    headers.set_view(http::spelling(field), number_text(ex.arena, value), field);
  };
  if (ex.response.from_upstream) {
    if (options.server_tokens) {
      const std::string_view version = ex.response.head.version == http::Version::Http2 ? "2" : "1.1";
      append_to_list(headers, Known::Via, join(ex.arena, {version, " ", options.product}));
    }
    if (options.upstream_status_header) put_number(Known::XKongUpstreamStatus, ex.record.upstream_status);
    if (options.latency_tokens) {
      put_number(Known::XKongUpstreamLatency, ex.record.upstream_latency_ms());
      put_number(Known::XKongProxyLatency, ex.record.gateway_latency_ms());
    }
  } else {
    if (options.server_tokens && !headers.has(Known::Server))
      headers.add_view("Server", options.product, Known::Server);
    if (options.latency_tokens) {
      put_number(Known::XKongResponseLatency, (ex.clock().mono_ns() - ex.record.started_ns) / 1'000'000);
    }
  }
  if (options.request_id_downstream) headers.set_view("X-Kong-Request-Id", ex.id(), Known::XKongRequestId);
  if (options.allow_debug_header && ex.request.headers.get(Known::KongDebug) == "1") add_debug_fields(ex);
}

}  // namespace sluice::gateway
