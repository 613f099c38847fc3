// SPDX-License-Identifier: Apache-2.0
#include "objects/dialer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "net/tls/handshake.h"

namespace sluice::objects {
namespace {

constexpr int kVerifyDepth = 4;
/// What an address gets of the time while others are left: a route that leads nowhere says nothing for minutes.
constexpr std::int64_t kAddressMs = 3'000;

Task<Result<std::vector<IpAddress>>> addresses_of(net::dns::Resolver* resolver, std::string host,
                                                  rt::Deadline deadline) {
  std::vector<IpAddress> addresses;
  if (auto literal = IpAddress::parse(host)) {
    addresses.push_back(*literal);
    co_return addresses;
  }
  if (resolver == nullptr) co_return fail(Errc::Unavailable, "no name servers for " + host, Blame::Upstream);
  auto answer = co_await resolver->resolve(host, deadline);
  if (!answer) co_return fail("host " + host + ": ", std::move(answer).error());
  for (const net::dns::Endpoint& endpoint : (*answer)->endpoints) addresses.push_back(endpoint.ip);
  if (addresses.empty()) co_return fail(Errc::NotFound, "host " + host + " has no address", Blame::Upstream);
  co_return addresses;
}

}  // namespace

Task<Result<>> connect_to_name(net::Stream& stream, rt::Reactor& reactor, net::dns::Resolver* resolver,
                               std::string host, std::uint16_t port, rt::Deadline deadline) {
  CO_TRY(const auto addresses, co_await addresses_of(resolver, host, deadline));
  Result<> outcome = fail(Errc::Timeout, "no time to connect to " + host, Blame::Upstream);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const bool last = i + 1 == addresses.size();
    const rt::Deadline until = last ? deadline : std::min(deadline, reactor.after_ms(kAddressMs));
    const net::Address address(addresses[i], port);
    outcome = co_await net::connect(stream, reactor, address, until);
    if (outcome) co_return outcome;
    outcome.error().what.insert(0, address.to_string() + ": ");
    stream.close();
  }
  co_return outcome;
}

Dialer::Dialer(rt::Reactor& reactor, net::dns::Resolver* resolver, std::shared_ptr<const net::tls::TrustStore> trust)
    : reactor_(reactor), resolver_(resolver), trust_(std::move(trust)) {}

Task<Result<>> Dialer::dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                            rt::Deadline deadline) {
  CO_TRY(co_await connect_to_name(stream, reactor_, resolver_, host, port, deadline));
  if (!tls) co_return Result<>{};
  auto& context = contexts_[verify];
  if (!context) {
    net::tls::ClientSettings settings;
    settings.verify = verify;
    settings.trust = trust_;
    settings.verify_depth = kVerifyDepth;
    CO_TRY(context, net::tls::ClientContext::make(std::move(settings)));
  }
  co_return co_await net::tls::connect(stream, context, std::move(host), deadline);
}

}  // namespace sluice::objects
