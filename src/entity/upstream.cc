// SPDX-License-Identifier: Apache-2.0
#include "entity/upstream.h"

#include "schema/address.h"

namespace sluice::entity {
namespace {

using schema::conditional;
using schema::equal_to;
using schema::one_of;

std::optional<std::string> check_name(std::string_view name) {
  const auto parsed = schema::parse_host(name);
  if (!parsed.value && parsed.problem == schema::HostProblem::Invalid) return "Invalid name; must be a valid hostname";
  if (parsed.value && parsed.value->kind != schema::HostKind::Name) return "Invalid name; no ip addresses allowed";
  if (!parsed.value || parsed.value->port) return "Invalid name; no port allowed";
  return std::nullopt;
}

schema::Rule hash_input() {
  return one_of({"none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"});
}

/// The field that names what is hashed must be there.
void demand_names(schema::Entity<Upstream>& e) {
  for (const char* input : {"header", "query_arg", "uri_capture"}) {
    for (const char* field : {"hash_on", "hash_fallback"}) {
      e.check(conditional(field, equal_to(input), std::string(field) + "_" + input, schema::required()));
    }
  }
  e.check(conditional("hash_on", equal_to("cookie"), "hash_on_cookie", schema::required()));
  e.check(conditional("hash_fallback", equal_to("cookie"), "hash_on_cookie", schema::required()));
}

void restrict_fallback(schema::Entity<Upstream>& e) {
  e.check(conditional("hash_on", equal_to("none"), "hash_fallback", one_of({"none"})));
  e.check(conditional("hash_on", equal_to("cookie"), "hash_fallback", one_of({"none"})));
  e.check(conditional("hash_on", equal_to("consumer"), "hash_fallback",
                      one_of({"none", "ip", "header", "cookie", "path", "query_arg", "uri_capture"})));
  e.check(conditional("hash_on", equal_to("ip"), "hash_fallback",
                      one_of({"none", "consumer", "header", "cookie", "path", "query_arg", "uri_capture"})));
  e.check(conditional("hash_on", equal_to("path"), "hash_fallback",
                      one_of({"none", "consumer", "ip", "header", "cookie", "query_arg", "uri_capture"})));
  e.check(schema::distinct({"hash_on_header", "hash_fallback_header"}));
  e.check(schema::distinct({"hash_on_query_arg", "hash_fallback_query_arg"}));
  e.check(schema::distinct({"hash_on_uri_capture", "hash_fallback_uri_capture"}));
}

/// `algorithm` and `hash_on` move each other, as they did before `algorithm` existed: reference/gateway.md, 1.2.
void couple_algorithm(schema::Entity<Upstream>& e) {
  schema::Shorthand algorithm;
  algorithm.field.name = "algorithm";
  algorithm.field.type = schema::Type::String;
  algorithm.expand = [](const Json& value) -> std::expected<Json::Object, std::string> {
    Json::Object members{{"algorithm", value}};
    if (value == Json("least-connections") || value == Json("latency") || value == Json("sticky-sessions"))
      members.set("hash_on", nullptr);
    return members;
  };
  e.shorthand(std::move(algorithm));

  schema::Shorthand hash_on;
  hash_on.field.name = "hash_on";
  hash_on.field.type = schema::Type::String;
  hash_on.expand = [](const Json& value) -> std::expected<Json::Object, std::string> {
    if (value.is_null()) return Json::Object{{"hash_on", "none"}};
    return Json::Object{{"hash_on", value},
                        {"algorithm", value == Json("none") ? "round-robin" : "consistent-hashing"}};
  };
  e.shorthand(std::move(hash_on));
}

void describe_hashing(schema::Entity<Upstream>& e) {
  using U = Upstream;
  e.field<&U::hash_on>("hash_on", "What consistent hashing hashes.").optional().rule(hash_input());
  e.field<&U::hash_fallback>("hash_fallback", "What it hashes when that is missing.").optional().rule(hash_input());
  e.field<&U::hash_on_header>("hash_on_header", "Header to hash.").optional().rule(schema::header_name());
  e.field<&U::hash_fallback_header>("hash_fallback_header", "Header to hash otherwise.")
      .optional()
      .rule(schema::header_name());
  e.field<&U::hash_on_cookie>("hash_on_cookie", "Cookie to hash; made when missing.")
      .optional()
      .rule(schema::cookie_name());
  e.field<&U::hash_on_cookie_path>("hash_on_cookie_path", "Path of that cookie.").optional().rule(schema::path());
  e.field<&U::hash_on_query_arg>("hash_on_query_arg", "Query argument to hash.").optional().rule(schema::len_min(1));
  e.field<&U::hash_fallback_query_arg>("hash_fallback_query_arg", "Query argument to hash otherwise.")
      .optional()
      .rule(schema::len_min(1));
  e.field<&U::hash_on_uri_capture>("hash_on_uri_capture", "Capture of the route's path to hash.")
      .optional()
      .rule(schema::len_min(1));
  e.field<&U::hash_fallback_uri_capture>("hash_fallback_uri_capture", "Capture to hash otherwise.")
      .optional()
      .rule(schema::len_min(1));
}

void describe_sticky_sessions(schema::Entity<Upstream>& e) {
  using U = Upstream;
  e.field<&U::sticky_sessions_cookie>("sticky_sessions_cookie", "Cookie that keeps a client with its target.")
      .optional()
      .rule(schema::cookie_name())
      .since(schema::kong(3, 11));
  e.field<&U::sticky_sessions_cookie_path>("sticky_sessions_cookie_path", "Path of that cookie.")
      .optional()
      .rule(schema::path())
      .since(schema::kong(3, 11));
  e.check(conditional("algorithm", equal_to("sticky-sessions"), "sticky_sessions_cookie", schema::required()));
}

}  // namespace

void Upstream::describe(schema::Entity<Upstream>& e) {
  e.doc("A virtual host name that stands for several targets.");
  e.identity<&Upstream::id, &Upstream::name>("name", "The host name.").required().rule(schema::text(check_name));
  e.created_at<&Upstream::created_at>();
  e.updated_at<&Upstream::updated_at>();
  e.find_field("updated_at")->since = {schema::kong(3, 3)};
  e.field<&Upstream::algorithm>("algorithm", "How a target is chosen.")
      .optional()
      .rule(one_of({"consistent-hashing", "least-connections", "round-robin", "latency", "sticky-sessions"}));
  describe_hashing(e);
  describe_sticky_sessions(e);
  e.field<&Upstream::slots>("slots", "Points on the ring of consistent hashing.")
      .optional()
      .rule(schema::between(10, 65536));
  e.field<&Upstream::healthchecks>("healthchecks", "When a target is healthy.");
  e.tags<&Upstream::tags>();
  e.field<&Upstream::host_header>("host_header", "Host to send instead of the target's.")
      .optional()
      .rule(schema::host_with_optional_port());
  e.belongs_to<&Upstream::client_certificate>("client_certificate", schema::OnDelete::Refuse,
                                              "Certificate shown to targets in the TLS handshake.");
  e.field<&Upstream::use_srv_name>("use_srv_name", "Send the name of the SRV record as Host.").optional();
  couple_algorithm(e);
  demand_names(e);
  restrict_fallback(e);
}

}  // namespace sluice::entity
