// SPDX-License-Identifier: Apache-2.0
#include "plugins/rate_limiting/config.h"

#include <fmt/format.h>

#include "plugins/rate_limiting/calendar_windows.h"

namespace sluice::plugins::rate_limiting {
namespace {

double number(const Json* value, double otherwise) {
  return value != nullptr && value->is_number() ? value->number() : otherwise;
}

/// A limit that a shorter period's limit keeps from ever being reached is a mistake.
std::optional<std::string> longer_is_tighter(const schema::CheckInput& input) {
  for (std::size_t shorter = 0; shorter < kPeriods; ++shorter) {
    const double low = number(input.find(kPeriodNames[shorter]), 0);
    for (std::size_t longer = shorter + 1; longer < kPeriods && low > 0; ++longer) {
      const double high = number(input.find(kPeriodNames[longer]), low);
      if (high < low) {
        return fmt::format("The limit for {}({:.1f}) cannot be lower than the limit for {}({:.1f})",
                           kPeriodNames[longer], high, kPeriodNames[shorter], low);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> check_sync_rate(const schema::CheckInput& input) {
  constexpr double kOff = -1;
  constexpr double kFastest = 0.02;  // seconds
  const double rate = number(input.find("sync_rate"), kOff);
  if (rate == kOff) return std::nullopt;
  const Json* policy = input.find("policy");
  if (policy == nullptr || !policy->is_string() || policy->as_string() != "redis") {
    return "sync_rate can only be used with the redis policy";
  }
  if (rate < kFastest) return "sync_rate must be greater than 0.02, or -1 to disable";
  return std::nullopt;
}

}  // namespace

void Config::describe(schema::Record<Config>& r) {
  using schema::conditional;
  using schema::equal_to;
  using schema::greater_than;
  r.doc("Limits how many requests a client may make in a second, minute, hour, day, month or year.");
  r.field<&Config::second>("second", "Requests per second.").rule(greater_than(0));
  r.field<&Config::minute>("minute", "Requests per minute.").rule(greater_than(0));
  r.field<&Config::hour>("hour", "Requests per hour.").rule(greater_than(0));
  r.field<&Config::day>("day", "Requests per day.").rule(greater_than(0));
  r.field<&Config::month>("month", "Requests per calendar month.").rule(greater_than(0));
  r.field<&Config::year>("year", "Requests per calendar year.").rule(greater_than(0));
  r.field<&Config::limit_by>("limit_by",
                             "What requests are counted together. Where it is missing: the client's address.")
      .optional();
  r.field<&Config::header_name>("header_name", "Header whose values are counted apart.").rule(schema::header_name());
  r.field<&Config::path>("path", "Path whose requests are counted together.").rule(schema::path());
  r.field<&Config::policy>("policy", "Where counters live: `local` is this node.").optional();
  r.field<&Config::fault_tolerant>("fault_tolerant", "Let requests pass when counters cannot be reached.");
  r.field<&Config::redis>("redis", "Where policy `redis` counts.");
  r.field<&Config::hide_client_headers>("hide_client_headers", "Leave out the headers that tell of limits.");
  r.field<&Config::error_code>("error_code", "Status of a refusal.").optional().rule(greater_than(0));
  r.field<&Config::error_message>("error_message", "Message of a refusal.").optional();
  r.field<&Config::sync_rate>("sync_rate", "Seconds between exchanges with Redis; -1 counts there at once.");
  add_old_redis_names(r);
  r.check(schema::custom_check(longer_is_tighter));
  r.check(schema::custom_check(check_sync_rate));
  r.plugin_check(schema::at_least_one_of(
      {"config.second", "config.minute", "config.hour", "config.day", "config.month", "config.year"}));
  r.plugin_check(conditional("config.policy", equal_to("redis"), "config.redis.host", schema::required()));
  r.plugin_check(conditional("config.policy", equal_to("redis"), "config.redis.port", schema::required()));
  r.plugin_check(conditional("config.policy", equal_to("redis"), "config.redis.timeout", schema::required()));
  r.plugin_check(conditional("config.limit_by", equal_to("header"), "config.header_name", schema::required()));
  r.plugin_check(conditional("config.limit_by", equal_to("path"), "config.path", schema::required()));
}

}  // namespace sluice::plugins::rate_limiting
