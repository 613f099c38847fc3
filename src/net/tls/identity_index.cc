// SPDX-License-Identifier: Apache-2.0
#include "net/tls/identity_index.h"

#include <utility>

#include "base/strings.h"
#include "net/tls/name_patterns.h"

namespace sluice::net::tls {

void IdentityIndex::add(std::string_view pattern, std::shared_ptr<const IdentitySet> identities) {
  by_name_[to_lower(pattern)] = std::move(identities);
}

std::shared_ptr<const IdentitySet> IdentityIndex::find(std::string_view server_name) const {
  auto found = find_by_name(server_name, [this](std::string_view pattern) {
    const auto named = by_name_.find(pattern);
    return named != by_name_.end() ? named->second : nullptr;
  });
  return found ? found : default_;
}

}  // namespace sluice::net::tls
