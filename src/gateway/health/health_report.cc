// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/health_report.h"

#include <algorithm>
#include <string_view>

#include "gateway/balancer/targets.h"

namespace sluice::gateway {
namespace {

using State = telemetry::TargetHealth::State;

struct AddressHealth {
  IpAddress ip;
  std::uint16_t port;
  State state;
};

std::string_view name_of(State state) {
  switch (state) {
    case State::HealthchecksOff:
      return "HEALTHCHECKS_OFF";
    case State::Healthy:
      return "HEALTHY";
    case State::Unhealthy:
      return "UNHEALTHY";
    case State::DnsError:
      return "DNS_ERROR";
  }
  return "";
}

/// What is known of one target's addresses: of a name, those in use; none when it has not been resolved.
std::vector<AddressHealth> addresses_of(const TargetConfig& target, bool checked, const UpstreamHealth* health) {
  const std::string name = name_of(target);
  const auto judge = [&](bool healthy, bool taken_out) {
    if (taken_out || (checked && !healthy)) return State::Unhealthy;
    return checked ? State::Healthy : State::HealthchecksOff;
  };
  std::vector<AddressHealth> found;
  if (health != nullptr) {
    for (const auto& address : health->addresses()) {
      if (address->target() != name) continue;
      found.push_back(
          {address->where().ip(), address->where().port(), judge(address->healthy(), health->is_out(*address))});
    }
  }
  if (found.empty()) {
    const bool taken_out = health != nullptr && health->is_marked(name);
    if (auto literal = IpAddress::parse(target.host)) found.push_back({*literal, target.port, judge(true, taken_out)});
  }
  return found;
}

/// Addresses that are not in use, and of which somebody has said something: for a name these may come back with any
/// answer. They take no part in what the target is said to be.
std::vector<AddressHealth> marked_and_unused(const TargetConfig& target, bool checked, const UpstreamHealth* health,
                                             const std::vector<AddressHealth>& used) {
  std::vector<AddressHealth> found;
  if (health == nullptr) return found;
  const State well = checked ? State::Healthy : State::HealthchecksOff;
  for (const auto& [text, healthy] : health->marked_addresses(name_of(target))) {
    const auto where = net::Address::parse(text);
    const auto is_same = [&where](const AddressHealth& one) {
      return one.ip == where->ip() && one.port == where->port();
    };
    if (!where || std::ranges::any_of(used, is_same)) continue;
    found.push_back({where->ip(), where->port(), healthy ? well : State::Unhealthy});
  }
  return found;
}

Json shown(const AddressHealth& address, std::int64_t weight) {
  return Json::Object{{"ip", address.ip.to_string()},
                      {"port", static_cast<std::int64_t>(address.port)},
                      {"weight", weight},
                      {"health", std::string(name_of(address.state))}};
}

/// A target is as well as the best of its addresses. A name that nobody has asked for yet is well.
State sum_up(const std::vector<AddressHealth>& addresses, const TargetConfig& target, bool checked,
             const UpstreamHealth* health) {
  if (addresses.empty()) {
    const std::string name = name_of(target);
    if (health != nullptr && health->is_marked(name)) return State::Unhealthy;
    if (health != nullptr && health->is_unresolved(name)) return State::DnsError;
    return checked ? State::Healthy : State::HealthchecksOff;
  }
  for (const AddressHealth& address : addresses) {
    if (address.state != State::Unhealthy) return address.state;
  }
  return State::Unhealthy;
}

/// Of all targets, by name.
Json document_of(const UpstreamConfig& upstream, bool checked, const UpstreamHealth* health) {
  Json::Object targets;
  for (const TargetConfig& target : effective_targets(upstream)) {
    const std::vector<AddressHealth> addresses = addresses_of(target, checked, health);
    Json::Array list;
    for (const AddressHealth& address : addresses) list.push_back(shown(address, target.weight));
    for (const AddressHealth& address : marked_and_unused(target, checked, health, addresses)) {
      list.push_back(shown(address, 0));
    }
    const std::string state(name_of(sum_up(addresses, target, checked, health)));
    targets.set(name_of(target), Json::Object{{"health", state}, {"addresses", std::move(list)}});
  }
  return targets;
}

}  // namespace

void append_target_health(const UpstreamConfig& upstream, const UpstreamHealth* health,
                          std::vector<telemetry::TargetHealth>& targets) {
  const bool checked = upstream.settings->healthchecks.enabled();
  for (const TargetConfig& target : effective_targets(upstream)) {
    const std::string name = name_of(target);
    const std::vector<AddressHealth> addresses = addresses_of(target, checked, health);
    if (addresses.empty()) targets.push_back({upstream.name, name, "", sum_up(addresses, target, checked, health)});
    for (const AddressHealth& address : addresses) {
      targets.push_back({upstream.name, name, net::Address(address.ip, address.port).to_string(), address.state});
    }
  }
}

Json health_document(const UpstreamConfig& upstream, const UpstreamHealth* health) {
  return document_of(upstream, upstream.settings->healthchecks.enabled(), health);
}

Json unasked_health_document(const UpstreamConfig& upstream) {
  return document_of(upstream, false, nullptr);
}

}  // namespace sluice::gateway
