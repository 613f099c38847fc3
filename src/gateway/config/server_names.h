// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "gateway/config/snapshot.h"
#include "net/tls/identity.h"

namespace sluice::gateway {

/// What handshakes learn from a generation: the certificate of a server name, and what is asked of its clients. Keeps
/// the generation alive.
class ServerNames final : public net::tls::IdentityResolver {
 public:
  explicit ServerNames(Snapshot::Ref snapshot) : snapshot_(std::move(snapshot)) {}

  [[nodiscard]] std::shared_ptr<const net::tls::IdentitySet> find(std::string_view server_name) const override;
  [[nodiscard]] std::shared_ptr<const net::tls::ClientPolicy> clients(std::string_view server_name) const override;

 private:
  const Snapshot::Ref snapshot_;
};

}  // namespace sluice::gateway
