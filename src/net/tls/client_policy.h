// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "net/tls/trust_store.h"

namespace sluice::net::tls {

/// What a server name asks of its clients. A certificate is asked for, never demanded: who shows none, or one that
/// nobody trusts, gets a connection all the same, on which requests are judged. Sessions are not resumed under such a
/// policy, since a resumed one would show nothing.
struct ClientPolicy {
  std::shared_ptr<const TrustStore> trust = {};  // what is shown is compared with it; null: with nothing
  std::shared_ptr<const TrustStore> named = {};  // whose subjects clients are told, to choose by; null: none
  int verify_depth = 10;                         // intermediate certificates at most

  /// Whether a connection made under `other` has asked for all that this one asks for.
  [[nodiscard]] bool same_as(const ClientPolicy& other) const;
};

}  // namespace sluice::net::tls
