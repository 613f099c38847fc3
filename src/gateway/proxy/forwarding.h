// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "entity/fwd.h"
#include "gateway/exchange.h"
#include "gateway/proxy/gateway_options.h"
#include "http/message.h"
#include "http/server_stream.h"

namespace sluice::gateway {

/// What the balancer's choice adds to the request head.
struct UpstreamTarget {
  std::string_view host;  // of the service, or of the target
  std::uint16_t port = 80;
  bool tls = false;
  std::string_view host_header = {};  // of the upstream entity; empty: none
  bool grpc = false;                  // it waits for trailers to be wanted
};

/// The request as it goes upstream: the client's (and plugins') fields without those that belong to one hop only,
/// and the gateway's own. Reference sections 4.5 and 9.3; RFC 9110, 7.6. Texts are views of the exchange's arena.
http::RequestHead upstream_request(const Exchange& ex, const GatewayOptions& options, const UpstreamTarget& target);

/// Removes from a received response what belongs to that hop only; before plugins see it.
void strip_upstream_response(Exchange& ex, const GatewayOptions& options);
/// Adds the gateway's own fields (Via or Server, latencies, request id); after plugins have seen the response.
void add_gateway_fields(Exchange& ex, const GatewayOptions& options);

/// Says that the port speaks HTTP/3 too, in place of what an upstream says of its own (RFC 7838). Not to those who were
/// asked for a certificate: over HTTP/3 they are not, and would have to come back.
void advertise_http3(Exchange& ex, const http::ConnectionInfo& connection);

/// Value of the Host header: host, and the port unless it is the default of the scheme.
std::string_view host_field(Arena& arena, std::string_view host, std::uint16_t port, bool tls);

/// Decimal digits in the arena.
std::string_view number_text(Arena& arena, std::int64_t value);

}  // namespace sluice::gateway
