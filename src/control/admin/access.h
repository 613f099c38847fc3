// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/admin/message.h"
#include "control/iam/credentials.h"
#include "http/server_stream.h"
#include "settings/settings.h"

namespace sluice::control::admin {

/// Who may talk to the Admin API at all: guards against pages that a browser on this machine has open (foreign `Host`
/// after DNS rebinding, foreign `Origin`), and asks who it is from.
class Access {
 public:
  /// Whether a browser's session opens, beside tokens. Only where the console is served: a cookie does not know ports,
  /// so that it would come to the Admin API as well.
  enum class Sessions : std::uint8_t { Ignored, Taken };

  /// All outlive it; see iam::Credentials.
  Access(const settings::Settings& settings, const iam::TokenBook* tokens, const iam::Accounts* accounts,
         Sessions sessions = Sessions::Ignored);

  /// Fills `who`; or the reply with which the request is refused.
  std::optional<Reply> enter(const http::RequestHead& request, const http::ConnectionInfo& connection,
                             iam::Principal& who) const;
  /// The part of it that also guards what anybody may see.
  [[nodiscard]] std::optional<Reply> check_host(const http::RequestHead& request,
                                                const http::ConnectionInfo& connection) const;
  /// Whether a page of our own made the request, or no page at all: what a browser says of its origin. For what changes
  /// something before anybody is known, and for sessions.
  [[nodiscard]] bool is_own_page(const http::RequestHead& request) const;
  /// Adds what lets pages of the console, and only those, read the reply.
  void add_cors(const http::RequestHead& request, Reply& reply) const;
  /// The value of Access-Control-Allow-Headers.
  [[nodiscard]] std::string_view allowed_headers() const;

 private:
  [[nodiscard]] bool known_host(std::string_view host) const;
  [[nodiscard]] bool known_origin(std::string_view origin) const;
  [[nodiscard]] bool is_preflight(const http::RequestHead& request) const;

  std::optional<Reply> identify(const http::RequestHead& request, const http::ConnectionInfo& connection,
                                iam::Principal& who) const;
  std::optional<Reply> enter_with_session(const http::RequestHead& request, const http::ConnectionInfo& connection,
                                          iam::Principal& who) const;

  const settings::Settings& settings_;
  const iam::Credentials credentials_;
  const Sessions sessions_;
};

}  // namespace sluice::control::admin
