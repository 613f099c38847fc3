// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "dataplane/sealed_records.h"
#include "net/stream.h"
#include "net/tls/client_context.h"

namespace sluice::dataplane {

/// Texts of the files by which both sides know each other. Read anew for each attempt, so that they can be replaced
/// while the process runs.
struct ClusterMaterials {
  std::string certificate;               // PEM; when shared, others that count as well may stand behind ours
  Secret<std::string> key;               // PEM
  std::vector<std::string> authorities;  // PEM, of the control plane's certificate; empty: the system's. Not if shared
  friend bool operator==(const ClusterMaterials&, const ClusterMaterials&) = default;
};

/// How this data plane shows who it is, and whom it trusts. Immutable.
class ClusterIdentity {
 public:
  /// The name that a shared certificate is asked for by. Kong's, reference: gateway facts, 8.1.
  static constexpr std::string_view kSharedName = "kong_clustering";

  /// `shared`: the control plane must have the very same certificate, or one that stands behind it, as while it is
  /// being replaced; else one of the authorities must vouch for it. Reads files where the system's authorities count:
  /// not on a reactor.
  static Result<std::shared_ptr<const ClusterIdentity>> make(ClusterMaterials materials, bool shared);

  [[nodiscard]] const ClusterMaterials& materials() const { return materials_; }
  [[nodiscard]] const std::shared_ptr<const net::tls::ClientContext>& context() const { return context_; }
  [[nodiscard]] const CacheKey& cache_key() const { return cache_key_; }
  /// Unix seconds.
  [[nodiscard]] std::int64_t not_after() const { return not_after_; }
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  /// PEM texts of those whose signatures count in snapshots; empty where that cannot be said.
  [[nodiscard]] std::string trusted_pem() const;
  /// After the handshake with who should be `server_name`: the control plane's certificate, in PEM. Errc::Forbidden
  /// when it is not the one it must be.
  [[nodiscard]] Result<std::string> check_peer(const net::Stream& stream, const std::string& server_name) const;

 private:
  ClusterIdentity(ClusterMaterials materials, CacheKey key, bool shared)
      : materials_(std::move(materials)), cache_key_(std::move(key)), shared_(shared) {}

  ClusterMaterials materials_;
  CacheKey cache_key_;
  bool shared_;
  std::shared_ptr<const net::tls::ClientContext> context_;
  std::int64_t not_after_ = 0;
  std::string fingerprint_;
  std::set<std::string> known_;  // of those that need nobody to vouch for them
};

}  // namespace sluice::dataplane
