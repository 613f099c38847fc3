// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "rt/task.h"
#include "sync/delta.h"
#include "sync/traffic.h"

namespace sluice::sync {

/// Why an entity cannot be served although its document is valid: a pattern that does not compile, a plugin option
/// that this build does not offer.
struct ConfigProblem {
  std::string type;  // "routes"
  Uuid id;
  std::string field;  // "paths", "config.policy"; empty: the entity as a whole
  std::string message;
};

struct Applied {
  std::uint64_t generation = 0;
  std::string hash;
};

/// What the node says of itself.
struct NodeStatus {
  std::uint64_t generation = 0;
  std::string hash = std::string(32, '0');  // all zeros: no configuration yet
  bool ready = false;                       // a configuration is live on every shard
  bool draining = false;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_active = 0;
  std::uint64_t total_requests = 0;
  Traffic traffic;  // of HTTP requests that were routed or refused; the same requests
};

/// A request that is imagined, for explain().
struct ExplainQuery {
  std::string method = "GET";
  std::string url;  // http://host/path?query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string client_ip = "127.0.0.1";
};

/// Makes a change durable when it is known that it can be served. False: it could not be, and must not be served. The
/// task it makes runs on the control shard. Empty: there is nothing to do.
using CommitStep = std::function<Task<bool>()>;

/// The gateway of this process as the control side sees it. The one place where both meet; apps/ wires it. Called on
/// the control shard; tasks resume there.
class LocalGateway {
 public:
  virtual ~LocalGateway() = default;

  /// Compiles and publishes a change; resumes when it is live on every shard, or with everything that is wrong, and
  /// then nothing has changed. Changes are applied in the order of the calls. Between both `commit` is run; when it
  /// says no, nothing is published, and the list of problems is empty.
  virtual Task<std::expected<Applied, std::vector<ConfigProblem>>> apply(Delta delta, CommitStep commit) = 0;
  Task<std::expected<Applied, std::vector<ConfigProblem>>> apply(Delta delta) { return apply(std::move(delta), {}); }
  [[nodiscard]] virtual NodeStatus status() const = 0;
  /// Prometheus text exposition of the whole node.
  [[nodiscard]] virtual std::string metrics() const = 0;
  /// Which route matches, why the others do not, which plugins run in which order, which upstream is asked.
  [[nodiscard]] virtual Json explain(const ExplainQuery& query) const = 0;
  /// How names are resolved: {worker: {id, count}, stats: {...}}, summed over the shards.
  [[nodiscard]] virtual Json dns() const { return Json::Object{}; }
  /// Health of an upstream's targets by "host:port": HEALTHY, UNHEALTHY, HEALTHCHECKS_OFF or DNS_ERROR, with the
  /// addresses behind each; {} for an upstream that is not known.
  [[nodiscard]] virtual Json upstream_health(const Uuid& upstream) const = 0;
  /// Takes a target ("host:port"), or one of its addresses ("host:port/ip:port"), out of the turns of its upstream, or
  /// puts it back, until told otherwise. A restart forgets it. False: there is no such upstream or target,
  /// or nobody here asks any.
  virtual bool set_health(const Uuid& /*upstream*/, const std::string& /*target*/, bool /*healthy*/) { return false; }
};

}  // namespace sluice::sync
