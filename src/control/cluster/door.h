// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/cluster/hub.h"
#include "crypto/pem.h"
#include "net/stream.h"
#include "net/tls/trust_store.h"

namespace sluice::control::cluster {

/// The control planes that nodes may join. Belongs to the control shard.
class Directory {
 public:
  virtual ~Directory() = default;
  /// The one that a server name stands for ("<prefix>.cp.example.com"); null: none.
  [[nodiscard]] virtual std::shared_ptr<Hub> by_server_name(std::string_view name) const = 0;
  /// The one that 8001 serves.
  [[nodiscard]] virtual std::shared_ptr<Hub> standard() const = 0;
  /// Those that have pinned a certificate, by SHA-256 of its DER form in lower-case hexadecimal digits.
  [[nodiscard]] virtual std::vector<std::shared_ptr<Hub>> by_certificate(std::string_view sha256) const = 0;
  /// Certificates (PEM) whose holders may have issued those of a control plane's nodes; empty where nodes are pinned.
  [[nodiscard]] virtual std::vector<std::string> issuers(const Hub& hub) const = 0;
};

/// Decides by a node's certificate whether it may come in, and where. Belongs to the control shard.
class Door {
 public:
  struct Terms {
    bool shared = true;                                 // the cluster's own certificate opens
    std::vector<std::string> own_fingerprints;          // of that, and of others that count while it is being replaced
    std::shared_ptr<const net::tls::TrustStore> trust;  // whose certificates open; null: nobody's
    std::vector<std::string> common_names;              // of those; empty: any
  };
  Door(const Directory& directory, Terms terms) : directory_(directory), terms_(std::move(terms)) {}

  /// For connections that come later.
  void change(Terms terms) { terms_ = std::move(terms); }
  /// The control plane of whoever is at the other end of `stream`, who asked for `server_name`. Errc::Forbidden with
  /// the reason, for our log.
  [[nodiscard]] Result<std::shared_ptr<Hub>> judge(const net::Stream& stream, std::string_view server_name) const;

 private:
  [[nodiscard]] Result<> judge_issued(const net::Stream& stream, const crypto::Certificate& certificate,
                                      const Hub& hub) const;

  const Directory& directory_;
  Terms terms_;
};

}  // namespace sluice::control::cluster
