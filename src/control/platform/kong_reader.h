// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "entity/catalog.h"
#include "http/client.h"

namespace sluice::control::platform {

/// A running Kong, or one of ours, by its Admin API.
struct KongSource {
  std::string url;            // http://host:8001, with a path in front where there is one; no slash at the end
  Secret<std::string> token;  // sent as Kong-Admin-Token; empty: none
  bool verify_tls = true;
};

/// Why this is no address of an Admin API; nothing when it is one. Names and passwords have no place in it.
std::optional<std::string> wrong_with(std::string_view url);

/// Reads the whole configuration of a Kong as the entities of a batch, {"services": [..], ..}: publish/batch.h. What
/// the other side answers is taken without trust: bounded, and never repeated in errors. Redirects are not followed.
class KongReader {
 public:
  /// `client` and `catalog` outlive the reader.
  KongReader(http::Client& client, const entity::Catalog& catalog, KongSource source, rt::Deadline deadline);

  /// Errc::Unavailable, Refused or Invalid, with what was asked for; Errc::TooLarge beyond what is taken.
  Task<Result<Json>> read();

 private:
  /// All entries of a list, page by page; none where the other side has no such list.
  Task<Result<Json::Array>> list(std::string path);
  Task<Result<Json>> get(std::string target);
  Task<Result<>> read_lists();
  Task<Result<>> read_targets();
  Task<Result<>> read_memberships();
  void add(const schema::EntityBase& type, Json::Array entries);
  [[nodiscard]] std::vector<std::string> ids(std::string_view type) const;

  http::Client& client_;
  const entity::Catalog& catalog_;
  const KongSource source_;
  const rt::Deadline deadline_;
  std::size_t octets_ = 0;
  Json::Object found_;
};

}  // namespace sluice::control::platform
