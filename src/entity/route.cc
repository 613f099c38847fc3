// SPDX-License-Identifier: Apache-2.0
#include "entity/route.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "entity/route_path.h"

namespace sluice::entity {
namespace {

using schema::ConditionalFields;
using schema::Field;
using schema::RecordBase;

constexpr double kMaxPriority = 70368744177663;  // 2^46-1: what the router packs beside its other sort keys

/// Fields and checks that differ from the general route for one group of protocols.
struct ProtocolCase {
  std::vector<std::string_view> protocols;
  RecordBase record;
};

/// The field as it is, but it must stay null here.
Field forbidden(const RecordBase& general, const char* name, const std::string& protocols) {
  Field field = *general.find_field(name);
  field.required = false;
  field.preset.reset();
  field.rules.clear();
  field.add_rule(schema::must_be_null().err("cannot set '" + std::string(name) + "' when 'protocols' is " + protocols));
  return field;
}

schema::Rule only(schema::Names protocols) {
  return schema::elements(schema::one_of(protocols));
}

ProtocolCase http_case(const RecordBase& general) {
  ProtocolCase result{{"http", "https"}, {}};
  for (const char* name : {"sources", "destinations"}) {
    result.record.add_field(forbidden(general, name, "'http' or 'https'"));
  }
  result.record.check(
      schema::conditional_at_least_one_of("protocols",
                                          {schema::contains("https"),
                                           {"methods", "hosts", "headers", "paths", "snis"},
                                           "must set one of %s when 'protocols' is 'https'"},
                                          ConditionalFields{schema::contains("http"),
                                                            {"methods", "hosts", "headers", "paths"},
                                                            "must set one of %s when 'protocols' is 'http'"}));
  return result;
}

ProtocolCase stream_case(const RecordBase& general) {
  ProtocolCase result{{"tcp", "tls", "udp", "tls_passthrough"}, {}};
  for (const char* name : {"methods", "hosts", "paths", "headers"}) {
    result.record.add_field(forbidden(general, name, "'tcp', 'tls', 'tls_passthrough' or 'udp'"));
  }
  result.record.check(schema::conditional_at_least_one_of(
      "protocols", {only({"tcp", "tls", "udp"}),
                    {"sources", "destinations", "snis"},
                    "must set one of %s when 'protocols' is 'tcp', 'tls' or 'udp'"}));
  result.record.check(schema::conditional_at_least_one_of(
      "protocols", {only({"tls_passthrough"}), {"snis"}, "must set snis when 'protocols' is 'tls_passthrough'"}));
  return result;
}

ProtocolCase grpc_case(const RecordBase& general) {
  ProtocolCase result{{"grpc", "grpcs"}, {}};
  Field strip = *general.find_field("strip_path");
  strip.preset = Json(false);
  strip.add_rule(schema::not_equal_to(true).err("cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'"));
  result.record.add_field(std::move(strip));
  for (const char* name : {"methods", "sources", "destinations"}) {
    result.record.add_field(forbidden(general, name, "'grpc' or 'grpcs'"));
  }
  result.record.check(schema::conditional_at_least_one_of(
      "protocols",
      {schema::contains("grpcs"),
       {"hosts", "headers", "paths", "snis"},
       "must set one of %s when 'protocols' is 'grpcs'"},
      ConditionalFields{
          schema::contains("grpc"), {"hosts", "headers", "paths"}, "must set one of %s when 'protocols' is 'grpc'"}));
  return result;
}

ProtocolCase websocket_case(const RecordBase& general) {
  ProtocolCase result{{"ws", "wss"}, {}};
  for (const char* name : {"methods", "sources", "destinations"}) {
    result.record.add_field(forbidden(general, name, "'ws' or 'wss'"));
  }
  result.record.check(schema::conditional_at_least_one_of(
      "protocols",
      {schema::contains("wss"), {"hosts", "headers", "paths", "snis"}, "must set one of %s when 'protocols' is 'wss'"},
      ConditionalFields{
          schema::contains("ws"), {"hosts", "headers", "paths"}, "must set one of %s when 'protocols' is 'ws'"}));
  return result;
}

/// `protocols` with ws and wss, which join no others.
void allow_websockets(schema::Entity<Route>& e) {
  Field& protocols = *e.find_field("protocols");
  protocols.rules.clear();
  protocols.add_rule(schema::non_empty());
  protocols.add_rule(schema::mutually_exclusive_subsets(
      {{"http", "https"}, {"tcp", "tls", "udp"}, {"tls_passthrough"}, {"grpc", "grpcs"}, {"ws", "wss"}}));
  protocols.element->rules.clear();
  protocols.element->add_rule(
      schema::one_of({"grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp", "ws", "wss"}));
}

/// Picks the case by the first of the route's protocols that has one.
schema::CaseSelector by_protocol(std::vector<ProtocolCase> made) {
  auto cases = std::make_shared<const std::vector<ProtocolCase>>(std::move(made));
  const auto find = [cases](std::string_view protocol) -> const RecordBase* {
    for (const auto& one : *cases) {
      if (std::ranges::find(one.protocols, protocol) != one.protocols.end()) return &one.record;
    }
    return nullptr;
  };
  return [find](const Json::Object& input, schema::Violations& violations) -> const RecordBase* {
    if (const Json* expression = input.find("expression"); expression != nullptr && expression->is_string()) {
      return nullptr;  // an expression says itself what it matches
    }
    const Json* protocols = input.find("protocols");
    if (protocols == nullptr) return find("http");
    const schema::PathView root;
    if (protocols->is_null()) {
      violations.add(root.member("protocols"), "required field missing");
      return nullptr;
    }
    if (!protocols->is_array() || protocols->as_array().empty()) return nullptr;  // the field's own rules say why
    for (const auto& protocol : protocols->as_array()) {
      const RecordBase* found = protocol.is_string() ? find(protocol.as_string()) : nullptr;
      if (found != nullptr) return found;
    }
    const Json& first = protocols->as_array().front();
    if (first.is_string()) violations.add(root.member("protocols"), "unknown type: " + first.as_string());
    return nullptr;
  };
}

schema::EntityCheck snis_need_tls() {
  return conditional(
      "protocols", schema::elements(schema::not_one_of({"grpcs", "https", "tls", "tls_passthrough", "wss"})), "snis",
      schema::len_eq(0), "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'");
}

schema::Rule not_the_host_header() {
  return schema::match_none([](std::string_view name) { return iequals(name, "host"); },
                            "cannot contain 'host' header, which must be specified in the 'hosts' attribute");
}

void describe_matchers(schema::Entity<Route>& e) {
  e.field<&Route::methods>("methods", "HTTP methods; none matches all.")
      .optional()
      .as_set()
      .each(schema::http_method());
  e.field<&Route::hosts>("hosts", "Host names; one `*` may stand for the first or last label.")
      .optional()
      .each(schema::wildcard_host());
  e.field<&Route::paths>("paths", "`/prefix` or `~/regex`.").optional().each(schema::text(check_route_path));
  auto headers = e.field<&Route::headers>("headers", "Headers and the values of which one must be there.").optional();
  headers.keys(schema::header_name());
  headers.keys(not_the_host_header());
}

}  // namespace

void Endpoint::describe(schema::Record<Endpoint>& r) {
  r.field<&Endpoint::ip>("ip", "Address or range.").optional().rule(schema::ip_or_cidr());
  r.field<&Endpoint::port>("port", "Port.").rule(schema::port());
  r.check(schema::at_least_one_of({"ip", "port"}));
}

void Route::describe(schema::Entity<Route>& e) {
  using schema::one_of;
  e.doc("Matches requests and sends them to a service.");
  e.identity<&Route::id, &Route::name>("name", "Its name.").rule(schema::utf8_name());
  e.created_at<&Route::created_at>();
  e.updated_at<&Route::updated_at>();
  e.field<&Route::protocols>("protocols", "Protocols it serves.")
      .as_set()
      .rule(schema::non_empty())
      .rule(schema::mutually_exclusive_subsets(
          {{"http", "https"}, {"tcp", "tls", "udp"}, {"tls_passthrough"}, {"grpc", "grpcs"}}))
      .each(one_of({"grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"}));
  describe_matchers(e);
  e.field<&Route::https_redirect_status_code>("https_redirect_status_code", "Answer to plain HTTP on an HTTPS route.")
      .rule(one_of(Json::Array{426, 301, 302, 307, 308}));
  e.field<&Route::regex_priority>("regex_priority", "Larger values go first among regular expressions.").optional();
  e.field<&Route::strip_path>("strip_path", "Remove the matched prefix on the way to the service.");
  e.field<&Route::path_handling>("path_handling", "How the paths of service, route and request are joined.")
      .optional()
      .rule(one_of({"v0", "v1"}));
  e.field<&Route::preserve_host>("preserve_host", "Keep the client's Host.");
  e.field<&Route::request_buffering>("request_buffering", "Whether a request may be buffered.");
  e.field<&Route::response_buffering>("response_buffering", "Whether a response may be buffered.");
  e.field<&Route::snis>("snis", "Server names of the TLS handshake.").optional().as_set();
  e.field<&Route::sources>("sources", "Where a connection comes from.").optional().as_set();
  e.field<&Route::destinations>("destinations", "Where a connection goes to.").optional().as_set();
  e.tags<&Route::tags>();
  e.belongs_to<&Route::service>("service", schema::OnDelete::Refuse, "Where its requests go.");
  e.check(snis_need_tls());
}

void add_flavor(schema::Entity<Route>& e, RouterFlavor flavor, RouteChecks checks, WebSockets websockets) {
  e.find_field("snis")->element->add_rule(flavor == RouterFlavor::Traditional ? schema::sni() : schema::wildcard_sni());
  if (flavor == RouterFlavor::Expressions) {
    e.field<&Route::expression>("expression", "What it matches, in the router's language.").optional();
    e.field<&Route::priority>("priority", "Larger values go first.").rule(schema::between(0, kMaxPriority));
    e.check(schema::mutually_exclusive_sets(
        {"expression"}, {"methods", "hosts", "paths", "headers", "snis", "sources", "destinations"}));
    e.check(schema::custom_check([](const schema::CheckInput& input) -> std::optional<std::string> {
      const Json* priority = input.find("regex_priority");
      if (!input.has("expression") || priority == nullptr || priority->as_int() == 0) return std::nullopt;
      return "cannot set 'regex_priority' together with 'expression'";
    }));
  }
  std::vector<ProtocolCase> cases = {http_case(e), stream_case(e), grpc_case(e)};
  if (websockets == WebSockets::Yes) {
    allow_websockets(e);
    cases.push_back(websocket_case(e));
  }
  e.cases(by_protocol(std::move(cases)));
  if (checks.regex) {
    e.find_field("paths")->element->add_rule(schema::text([check = checks.regex](std::string_view path) {
      return path.starts_with('~') ? check(path.substr(1)) : std::nullopt;
    }));
  }
  if (checks.expression) {
    e.check(schema::custom_check(
        [check = checks.expression](const schema::CheckInput& input) { return check(input.document); }));
  }
}

}  // namespace sluice::entity
