// SPDX-License-Identifier: Apache-2.0
#include "entity/service.h"

#include <expected>

#include "base/strings.h"

namespace sluice::entity {
namespace {

constexpr double kMaxMillis = 2147483646;  // 2^31-2, as Kong's timers

std::optional<int> default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "grpc" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "grpcs" || scheme == "wss") return 443;
  return std::nullopt;
}

/// `https://example.com:8443/base` as protocol, host, port and path; what the URL lacks becomes null or a default, and
/// the fields' own rules judge it.
std::expected<Json::Object, std::string> expand_url(const Json& value) {
  if (!value.is_string()) return Json::Object{};
  std::string_view rest = value.as_string();
  Json::Object members{{"protocol", nullptr}, {"host", nullptr}, {"path", nullptr}};
  if (const auto mark = rest.find(':'); mark != rest.npos && rest.substr(mark).starts_with("://")) {
    const std::string scheme = to_lower(rest.substr(0, mark));
    members.set("protocol", scheme);
    if (const auto port = default_port(scheme)) members.set("port", *port);
    rest.remove_prefix(mark + 3);
  } else {
    return members;
  }
  const auto end = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, end);
  if (end != rest.npos && rest[end] == '/') {
    const auto path = rest.substr(end);
    members.set("path", path.substr(0, path.find_first_of("?#")));
  }
  if (const auto at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  if (colon != authority.npos && (bracket == authority.npos || colon > bracket)) {
    const auto port = parse_int<int>(authority.substr(colon + 1));
    members.set("port", port ? Json(*port) : Json(authority.substr(colon + 1)));
    authority = authority.substr(0, colon);
  }
  if (!authority.empty()) members.set("host", authority);
  return members;
}

void add_checks(schema::Entity<Service>& e) {
  using namespace schema;
  e.check(conditional("protocol", one_of({"tcp", "tls", "udp", "grpc", "grpcs"}), "path", must_be_null()));
  for (const char* field : {"client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates"}) {
    e.check(conditional("protocol", not_one_of({"https", "tls", "wss"}), field, must_be_null()));
  }
}

}  // namespace

void Service::describe(schema::Entity<Service>& e) {
  using schema::between;
  e.doc("An application that requests are sent to: where it is and how to speak to it.");
  e.identity<&Service::id, &Service::name>("name", "Its name.").rule(schema::utf8_name());
  e.created_at<&Service::created_at>();
  e.updated_at<&Service::updated_at>();
  e.field<&Service::retries>("retries", "Further tries after the first one failed.").optional().rule(between(0, 32767));
  e.field<&Service::protocol>("protocol", "How to speak to it.")
      .rule(schema::one_of({"grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"}));
  e.field<&Service::host>("host", "Its host, or the name of an upstream.").required().rule(schema::host());
  e.field<&Service::port>("port", "Its port.").rule(schema::port());
  e.field<&Service::path>("path", "Path in front of every request's own.").optional().rule(schema::path());
  e.field<&Service::connect_timeout>("connect_timeout", "Milliseconds to connect.")
      .optional()
      .rule(between(1, kMaxMillis));
  e.field<&Service::write_timeout>("write_timeout", "Milliseconds between two writes.")
      .optional()
      .rule(between(1, kMaxMillis));
  e.field<&Service::read_timeout>("read_timeout", "Milliseconds between two reads.")
      .optional()
      .rule(between(1, kMaxMillis));
  e.tags<&Service::tags>();
  e.belongs_to<&Service::client_certificate>("client_certificate", schema::OnDelete::Refuse,
                                             "Certificate shown to it in the TLS handshake.");
  e.field<&Service::tls_verify>("tls_verify", "Whether to verify its certificate; null follows the node's setting.");
  e.field<&Service::tls_verify_depth>("tls_verify_depth", "Longest chain of certificates.").rule(between(0, 64));
  e.field<&Service::ca_certificates>("ca_certificates", "CA certificates to trust for it.").optional();
  e.field<&Service::enabled>("enabled", "Whether its routes are served.");

  schema::Shorthand url;
  url.field.name = "url";
  url.field.doc = "protocol, host, port and path in one.";
  url.field.type = schema::Type::String;
  url.expand = expand_url;
  e.shorthand(std::move(url));
  add_checks(e);
}

void add_websockets(schema::Entity<Service>& e) {
  schema::Field& protocol = *e.find_field("protocol");
  protocol.rules.clear();
  protocol.add_rule(
      schema::one_of({"grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp", "ws", "wss"}));
}

}  // namespace sluice::entity
