// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"
#include "rt/task.h"
#include "store/async_store.h"

namespace sluice::control::platform {

/// A node of an ingress controller's cluster, as that reports it: itself, and its gateways. reference/konnect.md, 3.5.
struct IngressNode {
  Uuid id;
  std::string hostname;
  std::string version;
  std::string type;             // "ingress-controller" or "kong-proxy"
  std::int64_t last_ping = 0;   // as it says, seconds since 1970
  std::string config_hash;      // empty: it does not say
  std::string status;           // "INGRESS_CONTROLLER_STATE_.."; empty likewise
  Json compatibility_status;    // null likewise
  std::int64_t created_at = 0;  // seconds since 1970
  std::int64_t updated_at = 0;

  /// As clients see it, and as stores keep it.
  [[nodiscard]] Json to_json() const;
  /// From such an object, or a part of one: what is missing stays. Invalid: a member is of another type.
  Result<> read(const Json& object);
};

/// Those of one control plane: beside its versions, since they say themselves again every minute. Replicas read what
/// the others have written.
class IngressNodes {
 public:
  static constexpr std::size_t kMost = 1000;

  /// `store`: of the control plane; outlives every task.
  explicit IngressNodes(store::AsyncStore& store) : store_(store) {}

  /// By id.
  Task<Result<std::vector<IngressNode>>> list() const;
  Task<Result<std::optional<IngressNode>>> find(Uuid id) const;
  Task<Result<>> put(IngressNode node) const;
  Task<Result<>> erase(Uuid id) const;

 private:
  store::AsyncStore& store_;
};

}  // namespace sluice::control::platform
