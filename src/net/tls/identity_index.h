// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/tls/identity.h"

namespace sluice::net::tls {

/// Identities by server name, as one configuration has them. Looked up in this order: the name itself, `*.rest` (its
/// first label replaced), `prefix.*` (its last label replaced), `*`, the default.
class IdentityIndex final : public IdentityResolver {
 public:
  /// `pattern` is a name or one of the wildcards above, in any case. A later one replaces an earlier one.
  void add(std::string_view pattern, std::shared_ptr<const IdentitySet> identities);
  /// For names that nothing matches, and for clients that ask for none. May be null.
  void set_default(std::shared_ptr<const IdentitySet> identities) { default_ = std::move(identities); }

  [[nodiscard]] std::shared_ptr<const IdentitySet> find(std::string_view server_name) const override;

 private:
  std::map<std::string, std::shared_ptr<const IdentitySet>, std::less<>> by_name_;
  std::shared_ptr<const IdentitySet> default_;
};

}  // namespace sluice::net::tls
