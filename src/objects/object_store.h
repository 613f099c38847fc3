// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/client.h"
#include "rt/clock.h"
#include "rt/offload.h"
#include "rt/task.h"

namespace sluice::objects {

/// The beginning of an object, with a tag that says which writing of it that is.
struct Beginning {
  std::string octets;
  std::string tag;
};

/// A few large objects by name, in a folder or a bucket; slashes in names are folders. Belongs to its reactor, which
/// never blocks on it.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// Errc::NotFound: there is none; TooLarge: over `most` octets; Forbidden, Unavailable, Timeout or Io: try again.
  virtual Task<Result<std::string>> get(std::string name, std::size_t most, rt::Deadline deadline) = 0;
  /// The first `size` octets, or fewer where there are no more.
  virtual Task<Result<Beginning>> peek(std::string name, std::size_t size, rt::Deadline deadline) = 0;
  /// Replaces it whole or not at all, and only that writing of it which has `tag`; an empty one: where there is none
  /// yet. Errc::Conflict: another one stands there. A bucket of a kind that knows no conditions replaces whatever is
  /// there.
  virtual Task<Result<>> put(std::string name, std::string octets, std::string tag, rt::Deadline deadline) = 0;
  /// For logs; holds no secret.
  [[nodiscard]] virtual std::string address() const = 0;
};

/// What open_object_store() builds on; all of it outlives the store.
struct StoreParts {
  rt::Reactor& reactor;
  rt::BlockingPool& pool;
  http::Client& client;
};
/// A variable of the environment; nothing: it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// `s3://bucket/prefix`, or the path of a folder, which is made when it is missing. Errc::Invalid for what is neither,
/// or when credentials are missing.
Result<std::unique_ptr<ObjectStore>> open_object_store(std::string_view where, const Environment& environment,
                                                       const StoreParts& parts);

}  // namespace sluice::objects
