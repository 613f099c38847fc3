// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "entity/fwd.h"

namespace sluice::crypto {
class Certificate;
}

namespace sluice::gateway {

/// A consumer as the request path sees it. Immutable; lives as long as the snapshot that a request has pinned.
struct Consumer {
  Uuid id;
  std::string id_text;
  std::string username;                         // may be empty
  std::string custom_id;                        // may be empty
  std::vector<std::string> acl_groups;          // in the order of storage
  std::vector<Uuid> consumer_groups;            // sorted by group name: the first one decides (reference 6.2)
  std::shared_ptr<const std::string> document;  // canonical JSON, for log records; may be null
};

/// A row of keyauth_credentials, basicauth_credentials, ...: what identifies a client to an auth plugin.
struct Credential {
  Uuid id;
  std::string id_text;
  Uuid consumer_id;
  std::string identity;                      // the unique column (key, username, ...), or qualified_identity()
  std::string secret;                        // the other half, e.g. the hashed password; may be empty
  std::optional<std::int64_t> expires_at_s;  // wall clock, Unix seconds
};

/// The identity of a credential that is one only in connection with another entity, nil: with any. For the name in a
/// certificate: the authority whose certificates may say it.
[[nodiscard]] std::string qualified_identity(const Uuid& owner, std::string_view name);

/// Which part of the configuration a request belongs to: that of its route. The name lives as long as the request.
struct WorkspaceView {
  Uuid id;
  std::string_view name;  // empty: unknown
};

/// Look-ups that plugins make in the snapshot of the request. Pointers live as long as the request.
class Directory {
 public:
  virtual ~Directory() = default;
  /// `collection` is the DAO name ("keyauth_credentials"), `identity` its unique column. Expired rows are found too:
  /// the caller compares expires_at_s with its clock.
  [[nodiscard]] virtual const Credential* credential(std::string_view collection, std::string_view identity) const = 0;
  [[nodiscard]] virtual const Consumer* consumer(const Uuid& id) const = 0;
  [[nodiscard]] virtual const Consumer* consumer_by_username(std::string_view username) const = 0;
  [[nodiscard]] virtual const Consumer* consumer_by_custom_id(std::string_view /*custom_id*/) const { return nullptr; }
  /// A row of ca_certificates. Null: there is none of that id, or it holds no certificate.
  [[nodiscard]] virtual const crypto::Certificate* authority(const Uuid& /*id*/) const { return nullptr; }
  /// Where these look-ups are made; the default workspace unless told otherwise.
  [[nodiscard]] virtual WorkspaceView workspace() const;
  /// The name of a consumer group; empty when there is none of that id.
  [[nodiscard]] virtual std::string_view consumer_group_name(const Uuid& id) const = 0;
  /// Appends the canonical JSON of an entity of this snapshot, for log records. False when it is not kept: the caller
  /// then writes the struct.
  virtual bool append_document(std::string& /*out*/, const entity::Route& /*route*/) const { return false; }
  virtual bool append_document(std::string& /*out*/, const entity::Service& /*service*/) const { return false; }
};

}  // namespace sluice::gateway
