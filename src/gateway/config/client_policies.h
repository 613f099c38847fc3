// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/uuid.h"
#include "gateway/plugin.h"
#include "net/stream.h"
#include "net/tls/client_policy.h"

namespace sluice::gateway {

/// What TLS handshakes of one generation ask of clients, by server name. Immutable; shared by shards.
class ClientPolicies {
 public:
  using Policy = std::shared_ptr<const net::tls::ClientPolicy>;

  /// `server_name` in lower case; empty: the client named none. Null: nothing is asked. What a wildcard of a route
  /// matches, it matches here too: `*.a.test` any name below a.test, `a.*` any name that begins with `a.`.
  [[nodiscard]] Policy find(std::string_view server_name) const;

  /// Whether a request for `host` must not be answered on this connection, since `host` asks its clients for what this
  /// connection did not ask for. RFC 9110, 15.5.20.
  [[nodiscard]] bool is_misdirected(std::string_view host, const net::TlsInfo& connection) const;

 private:
  friend class ClientPoliciesBuilder;
  std::map<std::string, Policy, std::less<>> by_pattern_;
};

/// Puts together what several plugin rows want of the same names.
class ClientPoliciesBuilder {
 public:
  /// The PEM text of an authority; empty: there is none of that id.
  using FindAuthority = std::function<std::string(const Uuid& id)>;
  explicit ClientPoliciesBuilder(FindAuthority authority) : authority_(std::move(authority)) {}

  /// `pattern`: a server name, a wildcard, or `*` for all and none.
  void add(std::string_view pattern, const ClientCertificateRequest& request);
  /// Null when nothing was added.
  [[nodiscard]] std::shared_ptr<const ClientPolicies> finish();

 private:
  using Authorities = std::set<Uuid>;
  struct Wish {
    Authorities authorities;
    bool names_them = true;  // as long as nobody takes others too
    void join(const Wish& other);
  };
  [[nodiscard]] ClientPolicies::Policy policy_for(const Wish& wish);
  [[nodiscard]] std::shared_ptr<const net::tls::TrustStore> store_of(const Authorities& authorities);

  FindAuthority authority_;
  std::map<std::string, Wish, std::less<>> wishes_;
  std::map<Authorities, std::shared_ptr<const net::tls::TrustStore>> stores_;
};

}  // namespace sluice::gateway
