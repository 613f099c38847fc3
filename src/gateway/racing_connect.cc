// SPDX-License-Identifier: Apache-2.0
#include "gateway/racing_connect.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::gateway {
namespace {

constexpr std::int64_t kAloneMs = 250;  // RFC 8305, 8
constexpr std::int64_t kLookMs = 5;

struct Attempt {
  net::Stream stream;
  Task<Result<>> connecting = Result<>{};
};

Task<Result<>> race(net::Stream& stream, rt::Reactor& reactor, std::vector<net::Address> addresses,
                    rt::Deadline deadline) {
  std::vector<std::unique_ptr<Attempt>> attempts;
  std::size_t next = 0;
  rt::Deadline alone = reactor.after_ms(0);
  Error last{.code = Errc::Timeout, .blame = Blame::Upstream, .retry = Retry::Safe, .what = "no address answers"};
  while (!deadline.passed(reactor.clock())) {
    if (next < addresses.size() && alone.passed(reactor.clock())) {
      Attempt& attempt = *attempts.emplace_back(std::make_unique<Attempt>());
      attempt.connecting = net::connect(attempt.stream, reactor, addresses[next++], deadline);
      attempt.connecting.start();
      alone = reactor.after_ms(kAloneMs);
    }
    const auto ended = std::ranges::find_if(attempts, [](const auto& attempt) { return attempt->connecting.ready(); });
    if (ended != attempts.end()) {
      Result<> outcome = (*ended)->connecting.take();
      if (outcome) {
        stream.attach(reactor, (*ended)->stream.release());
        co_return outcome;
      }
      last = std::move(outcome).error();
      attempts.erase(ended);
      alone = reactor.after_ms(0);
      continue;
    }
    if (attempts.empty() && next == addresses.size()) break;
    co_await rt::Sleep(reactor, std::min(deadline, reactor.after_ms(kLookMs)));
  }
  co_return std::unexpected(std::move(last));
}

}  // namespace

std::vector<net::Address> in_racing_order(const std::vector<net::Address>& addresses) {
  std::vector<net::Address> same, other, ordered;
  for (const net::Address& address : addresses) {
    (address.is_v6() == addresses.front().is_v6() ? same : other).push_back(address);
  }
  for (std::size_t i = 0; i < std::max(same.size(), other.size()); ++i) {
    if (i < same.size()) ordered.push_back(same[i]);
    if (i < other.size()) ordered.push_back(other[i]);
  }
  return ordered;
}

Task<Result<>> connect_to_any(net::Stream& stream, rt::Reactor& reactor, std::vector<net::Address> addresses,
                              rt::Deadline deadline) {
  if (addresses.size() == 1) return net::connect(stream, reactor, addresses.front(), deadline);
  return race(stream, reactor, in_racing_order(addresses), deadline);
}

}  // namespace sluice::gateway
