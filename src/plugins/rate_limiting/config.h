// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "plugins/redis_settings.h"
#include "schema/record.h"

namespace sluice::plugins::rate_limiting {

enum class LimitBy : std::uint8_t { Consumer, Credential, Ip, Service, Header, Path, ConsumerGroup };
enum class Policy : std::uint8_t { Local, Cluster, Redis };

/// How often requests may come, and whose requests are counted together.
struct Config {
  std::optional<double> second;
  std::optional<double> minute;
  std::optional<double> hour;
  std::optional<double> day;
  std::optional<double> month;
  std::optional<double> year;
  LimitBy limit_by = LimitBy::Consumer;
  std::optional<std::string> header_name;
  std::optional<std::string> path;
  Policy policy = Policy::Local;
  bool fault_tolerant = true;
  RedisSettings redis;
  bool hide_client_headers = false;
  double error_code = 429;
  std::string error_message = "API rate limit exceeded";
  double sync_rate = -1;

  static void describe(schema::Record<Config>& r);

  /// From the shortest period to the longest.
  [[nodiscard]] std::array<std::optional<double>, 6> limits() const { return {second, minute, hour, day, month, year}; }
};

}  // namespace sluice::plugins::rate_limiting

template <>
struct sluice::schema::EnumNames<sluice::plugins::rate_limiting::LimitBy> {
  using LimitBy = plugins::rate_limiting::LimitBy;
  static constexpr std::pair<std::string_view, LimitBy> kNames[] = {
      {"consumer", LimitBy::Consumer},
      {"credential", LimitBy::Credential},
      {"ip", LimitBy::Ip},
      {"service", LimitBy::Service},
      {"header", LimitBy::Header},
      {"path", LimitBy::Path},
      {"consumer-group", LimitBy::ConsumerGroup},
  };
};
template <>
struct sluice::schema::EnumNames<sluice::plugins::rate_limiting::Policy> {
  using Policy = plugins::rate_limiting::Policy;
  static constexpr std::pair<std::string_view, Policy> kNames[] = {
      {"local", Policy::Local}, {"cluster", Policy::Cluster}, {"redis", Policy::Redis}};
};
