// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace sluice::objects {

struct Credentials {
  std::string access_key;
  Secret<std::string> secret_key;
  std::string session_token;  // of temporary ones; empty: none
};

/// What AWS Signature Version 4 signs. docs.aws.amazon.com, "Authenticating Requests (AWS Signature Version 4)".
struct SignedRequest {
  std::string_view method;
  std::string_view host;   // as the Host field has it
  std::string_view path;   // percent-encoded, with its leading slash
  std::string_view query;  // canonical already: sorted and encoded; may be empty
  std::string_view content;
  std::string_view region;
  std::string_view service = "s3";
  std::int64_t now = 0;  // Unix seconds
};

/// The fields to add: X-Amz-Date, X-Amz-Content-Sha256, X-Amz-Security-Token where there is a token, Authorization.
std::vector<std::pair<std::string, std::string>> sign(const SignedRequest& request, const Credentials& credentials);

}  // namespace sluice::objects
