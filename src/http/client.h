// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "rt/clock.h"
#include "rt/task.h"

namespace sluice::http {

/// A whole request of our own making (a log sink, a JWKS fetch), as opposed to one that is proxied.
struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http:// or https://
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool verify_tls = true;
  std::size_t max_response = 1 << 20;  // octets of content; more is Errc::TooLarge
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Sends whole requests over kept connections. Belongs to its shard. Redirects are not followed.
class Client {
 public:
  virtual ~Client() = default;
  /// Resolves, connects, sends and reads the whole answer before `deadline`.
  virtual Task<Result<ClientResponse>> send(ClientRequest request, rt::Deadline deadline) = 0;
};

}  // namespace sluice::http
