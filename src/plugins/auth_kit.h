// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "gateway/exchange.h"
#include "gateway/verdict.h"

// What all authentication plugins do alike (reference: plugins-auth-traffic.md, section 0).
namespace sluice::plugins {

/// A consumer that a configuration names, by id or by username.
class NamedConsumer {
 public:
  /// Nothing, or an empty text: none is named.
  explicit NamedConsumer(const std::optional<std::string>& name);

  [[nodiscard]] bool configured() const { return !name_.empty(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Null: there is no such consumer.
  [[nodiscard]] const gateway::Consumer* find(const gateway::Directory& directory) const;

 private:
  std::string name_;
  std::optional<Uuid> id_;
};

/// The consumer that stands in for clients without valid credentials, from the configuration's `anonymous`.
class Anonymous {
 public:
  /// A consumer's id or username. Nothing, or an empty text: strangers are refused.
  explicit Anonymous(const std::optional<std::string>& name) : consumer_(name) {}

  [[nodiscard]] bool configured() const { return consumer_.configured(); }

  /// Whether another plugin has identified the client by a credential already, which is enough where `anonymous` makes
  /// the plugins alternatives. Without it each plugin must be satisfied.
  [[nodiscard]] bool satisfied_by_another(const gateway::Exchange& ex) const {
    return configured() && ex.authenticated.has_credential;
  }

  /// The end of an attempt that failed: the anonymous consumer, or else `refusal`. A consumer that does not exist is a
  /// 500 that names it.
  [[nodiscard]] gateway::Verdict take_over_or(gateway::Exchange& ex, gateway::Reply refusal) const;

 private:
  NamedConsumer consumer_;
};

/// Makes the owner of `credential` the identity of the request; `identifier` is what the upstream is told of the
/// credential and must live as long as the exchange. Fails when there is no such consumer.
[[nodiscard]] gateway::Verdict authenticate_owner(gateway::Exchange& ex, const gateway::Credential& credential,
                                                  std::string_view identifier);

/// The credential of that identity, unless there is none or it has expired.
[[nodiscard]] const gateway::Credential* find_unexpired(const gateway::Exchange& ex, std::string_view collection,
                                                        std::string_view identity);

/// Removes the fields by which the gateway tells an upstream who the client is (X-Consumer-*, X-Authenticated-*, ...)
/// as far as the client sent them, also spelled with underscores, which many frameworks read alike. Once per request:
/// what plugins set afterwards stays.
void strip_claimed_identity(gateway::Exchange& ex);

/// The same for the groups that acl tells the upstream, whenever it is called.
void strip_group_claims(gateway::Exchange& ex);

/// `<scheme>` or `<scheme> realm="<realm>"`, for WWW-Authenticate.
[[nodiscard]] std::string challenge(std::string_view scheme, const std::optional<std::string>& realm);

}  // namespace sluice::plugins
