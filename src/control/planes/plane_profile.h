// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"

namespace sluice::control::planes {

/// What the platform API calls them; other kinds of control planes are kept as they are named.
inline constexpr std::string_view kPlainType = "CLUSTER_TYPE_CONTROL_PLANE";
inline constexpr std::string_view kGroupType = "CLUSTER_TYPE_CONTROL_PLANE_GROUP";
/// Its entities are written by an ingress controller, which shows one of its pinned certificates.
inline constexpr std::string_view kIngressType = "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER";
/// The control plane that the Admin API and the local gateway serve: the name of its rows in the store.
inline constexpr std::string_view kDefaultStore = "default";

/// Where clients reach the data planes; for people.
struct ProxyUrl {
  std::string host;
  std::int64_t port = 0;
  std::string protocol;

  friend bool operator==(const ProxyUrl&, const ProxyUrl&) = default;
};

/// What is said of a control plane, beside the entities that it holds.
struct PlaneProfile {
  Uuid id;
  std::string name;  // unique
  std::string description;
  std::map<std::string, std::string> labels;
  std::string cluster_type{kPlainType};
  std::string auth_type = "pinned_client_certs";  // or "pki_client_certs"
  bool cloud_gateway = false;
  std::vector<ProxyUrl> proxy_urls;
  std::int64_t created_ms = 0;  // by the wall clock
  std::int64_t updated_ms = 0;
  std::string store;  // under which name its rows are kept; empty for a group

  // Of a group: whose entities it shows, and a number that is larger after each change of that.
  std::vector<Uuid> members;
  std::uint64_t members_epoch = 0;

  [[nodiscard]] bool is_group() const { return cluster_type == kGroupType; }
  /// Whether its certificates are those of authorities that issue its nodes', not the nodes' own.
  [[nodiscard]] bool has_authorities() const { return auth_type == "pki_client_certs"; }
  /// Ten hexadecimal digits that name it in host names.
  [[nodiscard]] std::string host_prefix() const;

  /// The form in which stores keep it: a JSON object.
  [[nodiscard]] std::string to_text() const;
  static Result<PlaneProfile> parse(std::string_view text);
};

/// A certificate that data planes of a control plane show: itself, or, with `pki_client_certs`, of their authority.
struct PinnedCertificate {
  Uuid id;
  Uuid control_plane;
  std::string title;
  std::string pem;
  std::string fingerprint;     // SHA-256 of the DER, lower-case hexadecimal
  std::int64_t not_after = 0;  // seconds since 1970, as the rest
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;

  [[nodiscard]] std::string to_text() const;
  static Result<PinnedCertificate> parse(std::string_view text);
  /// From the one certificate of a PEM text; the id is new.
  static Result<PinnedCertificate> of(const Uuid& control_plane, std::string title, std::string_view pem);
};

}  // namespace sluice::control::planes
