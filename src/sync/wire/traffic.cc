// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/traffic.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "sync/wire/json_member.h"

namespace sluice::sync::wire {
namespace {

Result<std::uint64_t> count(const Json* value) {
  if (value == nullptr || !value->is_int() || value->as_int() < 0) {
    return fail(Errc::Invalid, "a report of traffic needs counts", Blame::Client);
  }
  return static_cast<std::uint64_t>(value->as_int());
}

}  // namespace

std::string traffic_params(const Traffic& traffic) {
  Json::Array times;
  times.reserve(traffic.times.size());
  for (const std::uint64_t number : traffic.times) times.emplace_back(number);
  return to_json(Json::Array{Json::Object{{"requests", traffic.requests},
                                          {"client_errors", traffic.client_errors},
                                          {"server_errors", traffic.server_errors},
                                          {"times", std::move(times)}}});
}

Result<Traffic> read_traffic(const Json& params) {
  TRY(const Json* report, only_element(params));
  Traffic traffic;
  TRY(traffic.requests, count(report->find("requests")));
  TRY(traffic.client_errors, count(report->find("client_errors")));
  TRY(traffic.server_errors, count(report->find("server_errors")));
  const Json* times = report->find("times");
  if (times == nullptr || !times->is_array()) return traffic;
  const std::size_t known = std::min(times->as_array().size(), traffic.times.size());
  for (std::size_t i = 0; i < known; ++i) {
    TRY(traffic.times[i], count(&times->as_array()[i]));
  }
  return traffic;
}

}  // namespace sluice::sync::wire
