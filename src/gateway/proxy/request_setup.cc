// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/request_setup.h"

#include <algorithm>
#include <string>

#include "base/strings.h"
#include "gateway/router/path.h"
#include "net/address.h"

namespace sluice::gateway {
namespace {

using http::Known;

/// Lower-case copy in the arena; the text itself when nothing has to change.
std::string_view lower(Arena& arena, std::string_view text) {
  auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (std::none_of(text.begin(), text.end(), is_upper)) return text;
  auto* out = static_cast<char*>(arena.alloc(text.size(), 1));
  std::transform(text.begin(), text.end(), out, [&](char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; });
  return {out, text.size()};
}

/// Splits host[:port]; an IPv6 literal keeps its brackets.
void split_authority(Exchange& ex, std::string_view authority, std::uint16_t listener_port) {
  std::size_t colon = authority.rfind(':');
  bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos &&
                  colon + 1 < authority.size();
  ex.request.host =
      lower(ex.arena, colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos
                          ? authority.substr(0, colon)
                          : authority);
  ex.request.port = listener_port;
  if (has_port) {
    if (auto port = parse_int<std::uint16_t>(authority.substr(colon + 1))) ex.request.port = *port;
  }
}

bool is_trusted(const GatewayOptions& options, const IpAddress& address) {
  return std::any_of(options.trusted_ips.begin(), options.trusted_ips.end(),
                     [&](const Cidr& range) { return range.contains(address); });
}

/// One element of a forwarded list: an address, perhaps with a port.
Result<IpAddress> parse_forwarded(std::string_view token) {
  if (auto address = IpAddress::parse(token)) return address;
  auto with_port = net::Address::parse(token);
  return with_port ? Result<IpAddress>(with_port->ip()) : IpAddress::parse(token);
}

/// The client's own address, as trusted proxies in front of us tell it: from the right end of the list, the first
/// address that is not trusted itself (real_ip_recursive), or the last one.
void find_forwarded_address(Exchange& ex, const GatewayOptions& options) {
  ex.client.forwarded_address = ex.client.address;
  ex.client.forwarded_port = ex.client.port;
  if (!ex.client.trusted) return;
  // Several lines are one list (RFC 9110, 5.3): a proxy may append by adding a line.
  std::vector<std::string_view> chain;
  for (const http::Field& field : ex.request.headers) {
    if (!http::same_name(field.name, options.real_ip_header)) continue;
    http::for_each_token(field.value, [&](std::string_view token) { chain.push_back(token); });
  }
  for (auto token = chain.rbegin(); token != chain.rend(); ++token) {
    auto address = parse_forwarded(*token);
    if (!address) return;  // what stands before it cannot be trusted either
    ex.client.forwarded_address = *address;
    if (!options.real_ip_recursive || !is_trusted(options, *address)) return;
  }
}

/// A trusted proxy in front has named the request already.
void adopt_request_id(Exchange& ex) {
  if (!ex.client.trusted) return;
  auto sent = ex.request.headers.get(Known::XKongRequestId);
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!sent || sent->size() != ex.record.request_id.size() || !std::all_of(sent->begin(), sent->end(), is_hex)) return;
  std::copy(sent->begin(), sent->end(), ex.record.request_id.begin());
}

}  // namespace

std::optional<Reply> set_up_request(Exchange& ex, http::ServerStream& stream, const GatewayOptions& options) {
  const http::RequestHead& head = stream.request();
  const http::ConnectionInfo& connection = stream.connection();
  ex.client.address = connection.peer.ip();
  ex.client.port = connection.peer.port();
  ex.client.local_address = connection.local.ip();
  ex.client.local_port = connection.local.port();
  ex.client.connection = connection.id;
  ex.client.connection_requests = connection.requests + 1;
  ex.client.tls = connection.tls;
  if (connection.tls_info != nullptr) {
    ex.client.sni = connection.tls_info->sni;
    ex.client.tls_version = connection.tls_info->version;
    ex.client.tls_cipher = connection.tls_info->cipher;
    ex.client.certificate = connection.tls_info->client_certificate.get();
  }
  ex.client.trusted = !options.trusted_ips.empty() && is_trusted(options, ex.client.address);

  ex.request.method = head.method;
  ex.request.scheme = connection.tls ? "https" : "http";
  ex.request.forwarded_scheme = ex.request.scheme;
  if (ex.client.trusted) {
    if (auto proto = head.headers.get(Known::XForwardedProto)) ex.request.forwarded_scheme = *proto;
  }
  ex.request.query = head.query;
  ex.request.has_query = head.has_query;
  ex.request.body = stream.body();
  if (!head.headers.empty()) {
    const http::Field& last = *(head.headers.end() - 1);
    ex.request.received_end = last.value.data() + last.value.size() + 1;
  } else {
    ex.request.received_end = head.target.data() + head.target.size() + 1;
  }
  std::uint16_t listener_port = ex.client.local_port;
  if (auto mapped = options.port_maps.find(listener_port); mapped != options.port_maps.end()) {
    listener_port = mapped->second;
  }
  split_authority(ex, head.authority, listener_port);
  find_forwarded_address(ex, options);

  adopt_request_id(ex);
  // TRACE would show a page's scripts what the browser hides from them (cross-site tracing).
  if (head.method == "TRACE") return Reply::failure(405);
  if (head.path == "*") {
    ex.request.path = "/";
    return std::nullopt;
  }
  std::string buffer;
  auto path = router::normalize_path(head.path, buffer);
  if (!path) return Reply::failure(400);
  // A path with escapes is never in normal form as it came.
  ex.request.has_encoded_slash = path->data() == buffer.data() && path->find("%2F") != std::string_view::npos;
  ex.request.path = path->data() == buffer.data() ? ex.arena.copy(*path) : *path;
  return std::nullopt;
}

router::MatchInput match_input(const Exchange& ex, const expr::HeaderSource& headers) {
  router::MatchInput input;
  input.protocol = ex.client.tls ? expr::Protocol::Https : expr::Protocol::Http;
  input.method = ex.request.method;
  input.host = ex.request.host;
  input.path = ex.request.path;
  input.query = ex.request.query;
  input.sni = ex.client.sni;
  input.src_ip = ex.client.forwarded_address;
  input.src_port = ex.client.forwarded_port;
  input.dst_ip = ex.client.local_address;
  input.dst_port = ex.request.port;
  input.headers = &headers;
  return input;
}

std::optional<std::string_view> ExchangeHeaders::value(std::string_view name, std::size_t nth) const {
  for (const http::Field& field : headers_) {
    if (expr::names_header(field.name, name) && nth-- == 0) return field.value;
  }
  return std::nullopt;
}

}  // namespace sluice::gateway
