// SPDX-License-Identifier: Apache-2.0
#include "outside_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ip.h"
#include "net/metadata_address.h"
#include "net/tls/trust_store.h"
#include "node_parts.h"

namespace sluice::apps {
namespace {

std::unique_ptr<net::dns::Resolver> open_resolver(rt::Reactor& control, const settings::Settings& settings) {
  auto resolver = net::dns::Resolver::open(control, dns_settings(settings));
  return resolver ? *std::move(resolver) : nullptr;
}

/// Neighbours, and where clouds hand out credentials to whoever asks from within.
bool is_off_limits(const IpAddress& address) {
  static const std::array kBlocks{*Cidr::parse("169.254.0.0/16"), *Cidr::parse("fe80::/10"),
                                  *Cidr::parse("fd00:ec2::/32")};
  return net::is_metadata_address(address) ||
         std::ranges::any_of(kBlocks, [&](const Cidr& block) { return block.contains(address); });
}

std::shared_ptr<const net::tls::TrustStore> system_trust() {
  auto trust = net::tls::TrustStore::system();
  return trust ? *std::move(trust) : nullptr;
}

}  // namespace

OutsideClient::OutsideClient(rt::Reactor& control, const settings::Settings& settings)
    : resolver_(open_resolver(control, settings)),
      dialer_(control, resolver_.get(), system_trust()),
      client_(control,
              [this](net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                     rt::Deadline deadline) { return dial(stream, std::move(host), port, tls, verify, deadline); }) {}

Task<Result<>> OutsideClient::dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                                   rt::Deadline deadline) {
  CO_TRY(co_await dialer_.dial(stream, std::move(host), port, tls, verify, deadline));
  const net::Address peer = stream.peer();
  if (!is_off_limits(peer.ip())) co_return Result<>{};
  stream.close();
  co_return fail(Errc::Forbidden,
                 peer.to_string() + ": link-local addresses, and those of clouds' metadata, are not asked",
                 Blame::Client);
}

}  // namespace sluice::apps
