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
std::vector<AddressHealth> addresses_of(const TargetConfig& target, const UpstreamConfig& upstream,
                                        const UpstreamHealth* health) {
  const std::string name = name_of(target);
  const bool checked = upstream.settings->healthchecks.enabled();
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

/// A target is as well as the best of its addresses. A name that nobody has asked for yet is well.
State sum_up(const std::vector<AddressHealth>& addresses, const TargetConfig& target, const UpstreamConfig& upstream,
             const UpstreamHealth* health) {
  if (addresses.empty()) {
    const std::string name = name_of(target);
    if (health != nullptr && health->is_marked(name)) return State::Unhealthy;
    if (health != nullptr && health->is_unresolved(name)) return State::DnsError;
    return upstream.settings->healthchecks.enabled() ? State::Healthy : State::HealthchecksOff;
  }
  for (const AddressHealth& address : addresses) {
    if (address.state != State::Unhealthy) return address.state;
  }
  return State::Unhealthy;
}

}  // namespace

void append_target_health(const UpstreamConfig& upstream, const UpstreamHealth* health,
                          std::vector<telemetry::TargetHealth>& targets) {
  for (const TargetConfig& target : effective_targets(upstream)) {
    const std::string name = name_of(target);
    const std::vector<AddressHealth> addresses = addresses_of(target, upstream, health);
    if (addresses.empty()) targets.push_back({upstream.name, name, "", sum_up(addresses, target, upstream, health)});
    for (const AddressHealth& address : addresses) {
      targets.push_back({upstream.name, name, net::Address(address.ip, address.port).to_string(), address.state});
    }
  }
}

Json health_document(const UpstreamConfig& upstream, const UpstreamHealth* health) {
  Json::Object targets;
  for (const TargetConfig& target : effective_targets(upstream)) {
    const std::vector<AddressHealth> addresses = addresses_of(target, upstream, health);
    Json::Array list;
    for (const AddressHealth& address : addresses) {
      list.push_back(Json::Object{{"ip", address.ip.to_string()},
                                  {"port", static_cast<std::int64_t>(address.port)},
                                  {"weight", static_cast<std::int64_t>(target.weight)},
                                  {"health", std::string(name_of(address.state))}});
    }
    const std::string state(name_of(sum_up(addresses, target, upstream, health)));
    targets.set(name_of(target), Json::Object{{"health", state}, {"addresses", std::move(list)}});
  }
  return targets;
}

}  // namespace sluice::gateway
