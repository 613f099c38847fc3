// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/gateway/arguments.h"

namespace sluice::cli {

/// A request that is asked about and never sent.
struct ImaginedRequest {
  std::string method;
  std::string url;  // http(s)://host[:port]/path?query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string client_ip = "127.0.0.1";
};

/// What the gateway behind an Admin API would do with a request; read-only tokens suffice. The error says what to try.
Result<Json> ask_gateway(const GatewayArguments& where, const ImaginedRequest& request);

/// The answer to such a question as lines for people: docs/explain.md.
[[nodiscard]] std::string explanation_text(const Json& answer);

}  // namespace sluice::cli
