// SPDX-License-Identifier: Apache-2.0
#include "gateway/verdict.h"

#include "base/json.h"

namespace sluice::gateway {

Reply Reply::message(int status_code, std::string_view text) {
  std::string body = R"({"message":)";
  append_json_string(body, text);
  body += '}';
  return exit(status_code, std::move(body), "application/json; charset=utf-8");
}

Verdict::Verdict(Error error)
    : reply_(std::make_unique<Reply>(Reply::message(500, "An unexpected error occurred"))),
      failure_(std::move(error.what)) {}

}  // namespace sluice::gateway
