// SPDX-License-Identifier: Apache-2.0
// Levels of the log for a while, and what other products' nodes offer that this one has no need of.
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "control/admin/endpoints.h"
#include "control/admin/errors.h"
#include "rt/reactor.h"
#include "rt/scope.h"

namespace sluice::control::admin {
namespace {

using log::Level;

constexpr std::array kLevels = {Level::Debug, Level::Info, Level::Notice, Level::Warn, Level::Error};
constexpr std::int64_t kDefaultSeconds = 60;

Level current_level() {
  for (const Level level : kLevels) {
    if (log::enabled(level)) return level;
  }
  return Level::Error;
}

/// A level of the log that ends by itself, so that nobody forgets to turn debugging off. Belongs to the control shard.
class PassingLevel {
 public:
  explicit PassingLevel(const settings::Settings& settings) : settings_(settings) {}
  PassingLevel(const PassingLevel&) = delete;
  PassingLevel& operator=(const PassingLevel&) = delete;

  /// 0 seconds: until somebody says otherwise. `reactor` outlives it.
  void set(Level level, std::int64_t seconds, rt::Reactor& reactor) {
    log::set_level(level);
    ++turn_;
    if (seconds > 0) scope_.spawn(end_after(seconds, turn_, reactor));
  }

 private:
  Task<void> end_after(std::int64_t seconds, std::uint64_t turn, rt::Reactor& reactor) {
    co_await rt::Sleep(reactor, reactor.after_ms(seconds * 1000));
    if (turn == turn_) log::set_level(settings_.log_level);
  }

  const settings::Settings& settings_;
  std::uint64_t turn_ = 0;
  rt::TaskScope scope_;  // last: its tasks use everything above
};

Reply change_level(PassingLevel& passing, const Request& request) {
  const auto level = log::parse_level(request.params[0]);
  if (!level) return Reply::message(400, "unknown log level: " + request.params[0]);
  std::int64_t seconds = kDefaultSeconds;
  if (const std::string* given = request.query.find("timeout")) {
    const auto parsed = parse_int<std::int64_t>(*given);
    if (!parsed || *parsed < 0 || *parsed > 86'400) {
      return Reply::message(400, "timeout must be greater than or equal to 0");
    }
    seconds = *parsed;
  }
  if (*level == current_level() && request.query.find("timeout") == nullptr) {
    return Reply::message(200, "log level is already " + request.params[0]);
  }
  if (request.reactor == nullptr) return Reply::message(500, "An unexpected error occurred");
  passing.set(*level, seconds, *request.reactor);
  return Reply::message(200, "log level changed");
}

void add_refusal(RouteTree& tree, std::string_view method, std::string_view pattern, int status,
                 const std::string& message) {
  tree.add(method, pattern, [status, message](const Request&) { return Reply::message(status, message); });
}

/// There is no WebAssembly; clients tell by this answer.
void refuse_filter_chains(RouteTree& tree) {
  for (const char* pattern :
       {"/filter-chains", "/filter-chains/{filter_chains}", "/filter-chains/{filter_chains}/route",
        "/filter-chains/{filter_chains}/service", "/routes/{routes}/filter-chains",
        "/routes/{routes}/filter-chains/{filter_chains}", "/services/{services}/filter-chains",
        "/services/{services}/filter-chains/{filter_chains}", "/routes/{routes}/filters/all",
        "/routes/{routes}/filters/enabled", "/routes/{routes}/filters/disabled"}) {
    for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
      add_refusal(tree, method, pattern, 400, "this endpoint is only available when wasm is enabled");
    }
  }
}

}  // namespace

void add_debug(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/debug/node/log-level", [](const Request&) {
    return Reply::message(200, "log level: " + std::string(log::to_string(current_level())));
  });
  if (parts.storage == Storage::None) {
    add_refusal(tree, "PUT", "/debug/node/log-level/{level}", 405, "cannot change log level when not using a database");
  } else {
    const auto passing = std::make_shared<PassingLevel>(parts.settings);  // lives with the tree
    tree.add("PUT", "/debug/node/log-level/{level}",
             [passing](const Request& request) { return change_level(*passing, request); });
  }
  tree.add("GET", "/timers", [](const Request&) {
    Json::Object timers{{"sys", Json::Object{{"total", 0}, {"running", 0}, {"pending", 0}, {"waiting", 0}}},
                        {"timers", Json::object()}};
    return Reply::json(200,
                       Json::Object{{"worker", Json::Object{{"id", 0}, {"count", 1}}}, {"stats", std::move(timers)}});
  });
  // Nothing is cached apart from the configuration itself, which is never stale.
  tree.add("DELETE", "/cache", [](const Request&) { return Reply::empty(204); });
  tree.add("GET", "/cache/{key}", [](const Request&) { return Reply::not_found(); });
  tree.add("DELETE", "/cache/{key}", [](const Request&) { return Reply::empty(204); });
  refuse_filter_chains(tree);
  tree.add("GET", "/schemas/filters/{name}",
           [](const Request& request) { return Reply::message(404, "No filter named '" + request.params[0] + "'"); });
}

}  // namespace sluice::control::admin
