// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sluice::gateway {

/// An answer that the gateway itself gives.
///
/// Two dialects exist on the wire and clients see the difference: Reply{401, "text"} is the *error* form (body chosen
/// by Accept: JSON with message and request_id, HTML, XML or plain text); Reply::exit(...) sends exactly what it is
/// given (reference: plugins-auth-traffic.md, section 0).
struct Reply {
  enum class Form : unsigned char {
    Error,    // JSON where Accept does not decide
    Failure,  // the exchange itself failed: error_default_type where Accept does not decide
    Exit,
  };

  int status = 500;
  Form form = Form::Error;
  std::string body;          // error forms: the message, empty means the default text of the status
  std::string content_type;  // exit form only; empty: no Content-Type
  std::vector<std::pair<std::string, std::string>> headers;

  Reply(int status_code, std::string message) : status(status_code), body(std::move(message)) {}

  /// Sends `text` as it is. An empty text gives Content-Length: 0.
  static Reply exit(int status_code, std::string text = {}, std::string type = {}) {
    Reply reply(status_code, std::move(text));
    reply.form = Form::Exit;
    reply.content_type = std::move(type);
    return reply;
  }
  /// What a request gets that there is no room for.
  static Reply overloaded();
  /// The error form of what is nobody's policy: a malformed request, an upstream that does not answer.
  static Reply failure(int status_code, std::string message = {}) {
    Reply reply(status_code, std::move(message));
    reply.form = Form::Failure;
    return reply;
  }
  /// exit() with `{"message":"<message>"}` and the JSON content type.
  static Reply message(int status_code, std::string_view text);

  Reply&& with(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
};

/// Go on with the next plugin.
struct Next {};

/// What a hook decided: go on, or answer. An Error becomes a 500 that tells the client nothing more than an id.
class [[nodiscard]] Verdict {
 public:
  Verdict(Next) {}                                                             // NOLINT(google-explicit-constructor)
  Verdict(Reply reply) : reply_(std::make_unique<Reply>(std::move(reply))) {}  // NOLINT(google-explicit-constructor)
  Verdict(Error error);                                                        // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool is_reply() const { return reply_ != nullptr; }
  [[nodiscard]] Reply& reply() { return *reply_; }
  /// Set when the reply stands for an internal failure; for the log.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  std::unique_ptr<Reply> reply_;
  std::string failure_;
};

}  // namespace sluice::gateway
