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
#include "rt/offload.h"

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
/// Belongs to the control shard, and leaves to another thread whatever takes as long as the configuration is large.
class KongReader {
 public:
  struct Parts {
    http::Client& client;
    const entity::Catalog& catalog;
    rt::BlockingPool& pool;
    rt::Reactor& reactor;
  };
  /// What the parts name outlives the reader; the catalog outlives the pool, too.
  KongReader(const Parts& parts, KongSource source, rt::Deadline deadline);

  /// As JSON. Errc::Unavailable, Refused or Invalid, with what was asked for; Errc::TooLarge beyond what is taken.
  Task<Result<std::string>> read();

 private:
  struct Page;
  /// All entries of a list, page by page; none where the other side has no such list. With a type they are as its
  /// description has them.
  Task<Result<Json::Array>> list(std::string path, const schema::EntityBase* type);
  /// Nothing for what is not there.
  Task<Result<std::optional<std::string>>> get(std::string target);
  Task<Result<>> read_lists();
  Task<Result<>> read_targets();
  Task<Result<>> read_memberships();
  static Result<Page> understand(const std::string& body, const schema::EntityBase* type);
  [[nodiscard]] std::vector<std::string> ids(std::string_view type) const;

  const Parts parts_;
  const KongSource source_;
  const rt::Deadline deadline_;
  std::size_t octets_ = 0;
  Json::Object found_;
};

}  // namespace sluice::control::platform
