// SPDX-License-Identifier: Apache-2.0
#include "net/tls/identity_index.h"

#include <utility>

#include "base/strings.h"

namespace sluice::net::tls {

void IdentityIndex::add(std::string_view pattern, std::shared_ptr<const IdentitySet> identities) {
  by_name_[to_lower(pattern)] = std::move(identities);
}

std::shared_ptr<const IdentitySet> IdentityIndex::find(std::string_view server_name) const {
  auto named = [this](std::string_view name) { return by_name_.find(name); };
  if (!server_name.empty()) {
    if (auto exact = named(server_name); exact != by_name_.end()) return exact->second;
    if (std::size_t first = server_name.find('.'); first != std::string_view::npos) {
      std::string wild = "*" + std::string(server_name.substr(first));
      if (auto match = named(wild); match != by_name_.end()) return match->second;
      wild.assign(server_name.substr(0, server_name.rfind('.'))).append(".*");
      if (auto match = named(wild); match != by_name_.end()) return match->second;
    }
  }
  if (auto any = named("*"); any != by_name_.end()) return any->second;
  return default_;
}

}  // namespace sluice::net::tls
