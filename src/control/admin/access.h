// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/admin/message.h"
#include "control/iam/token_book.h"
#include "http/server_stream.h"
#include "settings/settings.h"

namespace sluice::control::admin {

/// Who may talk to the Admin API at all: guards against pages that a browser on this machine has open (foreign `Host`
/// after DNS rebinding, foreign `Origin`), and checks the administrator's token.
class Access {
 public:
  /// Both outlive it. `tokens` may be null: then admin_token alone opens.
  Access(const settings::Settings& settings, const iam::TokenBook* tokens);

  /// Fills `who`; or the reply with which the request is refused.
  std::optional<Reply> enter(const http::RequestHead& request, const http::ConnectionInfo& connection,
                             iam::Principal& who) const;
  /// The part of it that also guards what anybody may see.
  [[nodiscard]] std::optional<Reply> check_host(const http::RequestHead& request,
                                                const http::ConnectionInfo& connection) const;
  /// Adds what lets pages of the console, and only those, read the reply.
  void add_cors(const http::RequestHead& request, Reply& reply) const;
  /// The value of Access-Control-Allow-Headers.
  [[nodiscard]] std::string_view allowed_headers() const;

 private:
  [[nodiscard]] bool known_host(std::string_view host) const;
  [[nodiscard]] bool known_origin(std::string_view origin) const;
  [[nodiscard]] bool is_preflight(const http::RequestHead& request) const;

  [[nodiscard]] std::optional<iam::Principal> known(std::string_view token) const;

  const settings::Settings& settings_;
  const iam::TokenBook* tokens_;
};

}  // namespace sluice::control::admin
