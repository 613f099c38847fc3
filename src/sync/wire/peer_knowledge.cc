// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/peer_knowledge.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::sync::wire {
namespace {

using schema::Since;

/// What Kong's community edition lacks of the contract. reference/gateway.md, 1.2 and 1.4.
constexpr std::string_view kEnterprise[] = {
    "licenses",
    "partials",
    "consumer_groups",
    "consumer_group_consumers",
    "mtls_auth_credentials",
    "plugins.consumer_group",
    "plugins.partials",
    "targets.failover",
    "upstreams.sticky_sessions_cookie",
    "upstreams.sticky_sessions_cookie_path",
    "upstreams.algorithm=sticky-sessions",
    "services.protocol=ws",
    "services.protocol=wss",
    "routes.protocols=ws",
    "routes.protocols=wss",
};

bool is_enterprise(std::string_view path) {
  return std::ranges::find(kEnterprise, path) != std::end(kEnterprise);
}

/// Versions of the enterprise edition have four parts: reference/gateway.md, 0.
bool is_enterprise_version(std::string_view version) {
  return std::ranges::count(version, '.') == 3 || version.find("enterprise") != version.npos;
}

/// Whether a value that is taken out is missed by anybody.
bool says_something(const schema::Field& field, const Json& value) {
  if (value.is_null() || field.automatic != schema::Auto::None) return false;
  if (field.preset && *field.preset == value) return false;
  if (field.record && value == field.record->defaults()) return false;
  return !(value.is_array() && value.as_array().empty()) && !(value.is_object() && value.as_object().empty());
}

std::string text_of(const Since& since) {
  return (since.axis == Since::Axis::Kong ? "Kong " : "Sluice ") + std::to_string(since.major) + '.' +
         std::to_string(since.minor);
}

bool is_at_least(const ProductVersion& version, const Since& since) {
  return std::pair(version.major, version.minor) >= std::pair(since.major, since.minor);
}

}  // namespace

PeerKnowledge::PeerKnowledge(const Peer& peer, const ProductVersion& sluice)
    : sluice_(peer.is_sluice()),
      version_(parse_product_version(sluice_ ? peer.sluice_version : peer.kong_version).value_or(ProductVersion{})) {
  community_ = !sluice_ && !is_enterprise_version(peer.kong_version);
  complete_ = sluice_ && std::pair(version_.major, version_.minor) >= std::pair(sluice.major, sluice.minor);
}

std::string PeerKnowledge::name() const {
  return (sluice_ ? "Sluice " : "Kong ") + to_string(version_);
}

std::string PeerKnowledge::key() const {
  const char* product = sluice_ ? "sluice " : community_ ? "kong " : "kong-enterprise ";
  return product + std::to_string(version_.major) + '.' + std::to_string(version_.minor);
}

bool PeerKnowledge::knows(std::string_view path, const std::vector<Since>& marks) const {
  if (community_ && is_enterprise(path)) return false;
  const auto axis = sluice_ ? Since::Axis::Sluice : Since::Axis::Kong;
  bool concerns_it = sluice_ || marks.empty();
  for (const Since& since : marks) {
    if (since.axis != axis) continue;
    concerns_it = true;
    if (!is_at_least(version_, since)) return false;
  }
  return concerns_it;
}

bool PeerKnowledge::knows(const schema::EntityBase& type) const {
  const schema::Field* id = type.find_field("id");
  return knows(type.name(), id != nullptr ? id->since : std::vector<Since>());
}

bool PeerKnowledge::knows_all(const schema::RecordBase& record, const std::string& path) const {
  return std::ranges::all_of(record.fields(), [&](const schema::Field& field) {
    const std::string at = path + '.' + field.name;
    if (!knows(at, field.since)) return false;
    const schema::Field* inner = &field;
    while (inner->element) inner = inner->element.get();
    return inner->record == nullptr || knows_all(*inner->record, at);
  });
}

std::string PeerKnowledge::least(std::string_view path, const std::vector<Since>& marks) const {
  const auto axis = sluice_ ? Since::Axis::Sluice : Since::Axis::Kong;
  for (const Since& since : marks) {
    if (since.axis == axis && !is_at_least(version_, since)) return text_of(since);
  }
  if (community_ && is_enterprise(path)) return "Kong Enterprise";
  return marks.empty() ? "Sluice" : text_of(marks.front());
}

void PeerKnowledge::strip(const schema::RecordBase& record, Json& document, const std::string& path,
                          std::vector<Loss>& losses) const {
  if (!document.is_object()) return;
  for (const schema::Field& field : record.fields()) {
    Json* value = document.find(field.name);
    if (value == nullptr) continue;
    std::string at = path + '.' + field.name;
    if (knows(at, field.since)) {
      strip_below(field, *value, at, losses);
      continue;
    }
    if (says_something(field, *value)) losses.push_back({std::move(at), &field});
    document.as_object().erase(field.name);
  }
}

void PeerKnowledge::strip_below(const schema::Field& field, Json& value, const std::string& path,
                                std::vector<Loss>& losses) const {
  if (field.record) {
    strip(*field.record, value, path, losses);
  } else if (field.element && value.is_array()) {
    for (Json& item : value.as_array()) strip_below(*field.element, item, path, losses);
  } else if (field.element && value.is_object()) {
    for (auto& [name, item] : value.as_object()) strip_below(*field.element, item, path, losses);
  }
}

void PeerKnowledge::strip_cases(const schema::RecordBase& record, Json& document) const {
  record.downgrade(document, sluice_ ? Since::Axis::Sluice : Since::Axis::Kong, version_.major, version_.minor);
}

}  // namespace sluice::sync::wire
