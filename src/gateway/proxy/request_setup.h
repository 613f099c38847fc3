// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "gateway/exchange.h"
#include "gateway/proxy/gateway_options.h"
#include "gateway/router/route_table.h"
#include "gateway/verdict.h"
#include "http/server_stream.h"

namespace sluice::gateway {

/// Fills the exchange from the received head: client and forwarded address, host and port, normalised path. A Reply
/// refuses what upstreams could read differently.
std::optional<Reply> set_up_request(Exchange& ex, http::ServerStream& stream, const GatewayOptions& options);

/// What the router looks at. Views of the exchange.
router::MatchInput match_input(const Exchange& ex, const expr::HeaderSource& headers);

/// The exchange's header lines, under the names that the expression language uses.
class ExchangeHeaders final : public expr::HeaderSource {
 public:
  explicit ExchangeHeaders(const http::Headers& headers) : headers_(headers) {}
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name, std::size_t nth) const override;

 private:
  const http::Headers& headers_;
};

}  // namespace sluice::gateway
