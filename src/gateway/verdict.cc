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

Reply Reply::overloaded() {
  // Long enough for a burst to pass, short enough for nobody to notice.
  return Reply{503, "the gateway is overloaded"}.with("Retry-After", "1");
}

namespace {

/// Exchange::read_body() fails so when memory is short: no bug, and worth another try.
bool is_overload(const Error& error) {
  return error.code == Errc::Unavailable && error.blame == Blame::System && error.retry == Retry::Safe;
}

}  // namespace

Verdict::Verdict(Error error)
    : reply_(std::make_unique<Reply>(is_overload(error) ? Reply::overloaded()
                                                        : Reply::message(500, "An unexpected error occurred"))),
      failure_(std::move(error.what)) {}

}  // namespace sluice::gateway
