// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sluice::gateway {

/// The content of an answer that the gateway makes up, in the format that the client likes best.
struct ErrorBody {
  std::string text;
  std::string_view content_type;  // static text
};

/// A text with one or two `%s`: the message, then the request's id. `%%` stands for a per cent sign.
class ErrorTemplate {
 public:
  /// The empty text gives a template that is_set() denies: the built-in form.
  static Result<ErrorTemplate> parse(std::string_view text);

  [[nodiscard]] bool is_set() const { return !pieces_.empty(); }
  [[nodiscard]] std::string fill(std::string_view message, std::string_view request_id) const;

 private:
  std::vector<std::string> pieces_;  // what stands around the placeholders
};

/// The settings error_template_*: replaces the built-in forms.
struct ErrorTemplates {
  ErrorTemplate html;
  ErrorTemplate json;
  ErrorTemplate xml;
  ErrorTemplate plain;
};

/// Chooses JSON, HTML, XML or plain text by Accept: highest q, the first of equal ones, unknown types ignored. Without
/// a match `fallback` (error_default_type for the gateway's own refusals, JSON for plugins') decides. The message is
/// escaped for the format. `templates` may be null.
ErrorBody error_body(std::string_view accept, std::string_view fallback, std::string_view message,
                     std::string_view request_id, const ErrorTemplates* templates = nullptr);

/// What Kong's clients read when a plugin or the gateway names only a status.
std::string default_message(int status);

}  // namespace sluice::gateway
