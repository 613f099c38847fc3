// SPDX-License-Identifier: Apache-2.0
#include "entity/target.h"

#include <fmt/format.h>

#include "schema/address.h"

namespace sluice::entity {
namespace {

constexpr std::uint16_t kDefaultPort = 8000;  // Kong's, reference/gateway.md, 1.2

std::optional<std::string> check_target(std::string_view text) {
  if (schema::parse_host(text).value) return std::nullopt;
  return fmt::format("Invalid target ('{}'); not a valid hostname or ip address", text);
}

std::string with_port(std::string_view text) {
  const auto parsed = schema::parse_host(text);
  if (!parsed.value) return std::string(text);
  const auto& host = *parsed.value;
  const auto port = host.port.value_or(kDefaultPort);
  if (host.kind == schema::HostKind::Ipv6) return fmt::format("[{}]:{}", host.host, port);
  return fmt::format("{}:{}", host.host, port);
}

}  // namespace

void Target::describe(schema::Entity<Target>& e) {
  e.doc("One address behind an upstream.");
  e.cache_key({"upstream", "target"});
  e.identity<&Target::id>();
  e.endpoint_key("target");
  e.created_at<&Target::created_at>();
  e.updated_at<&Target::updated_at>();
  e.find_field("updated_at")->since = {schema::kong(3, 3)};
  e.belongs_to<&Target::upstream>("upstream", schema::OnDelete::Cascade, "Where it belongs.").required();
  e.field<&Target::target>("target", "Host and port; the port is 8000 unless given.")
      .required()
      .rule(schema::text(check_target));
  e.field<&Target::weight>("weight", "Its share of the requests; 0 sends none.")
      .optional()
      .rule(schema::between(0, 65535));
  e.field<&Target::failover>("failover", "Takes requests only when no other target can.")
      .optional()
      .since(schema::kong(3, 12));
  e.tags<&Target::tags>();
  e.normalize([](Json::Object& document, const Json*, schema::Violations&) {
    Json& target = *document.find("target");
    target = with_port(target.as_string());
  });
}

}  // namespace sluice::entity
