// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/upstream_leg.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace sluice::gateway {
namespace {

std::string_view chosen_protocol(const net::Stream& stream) {
  return stream.is_plain() ? std::string_view{} : stream.layer()->info().alpn;
}

/// An upstream that says nothing about protocols is taken at the service's word.
bool speaks_http2(const net::Stream& stream, UpstreamHttp wanted) {
  const std::string_view chosen = chosen_protocol(stream);
  return chosen == "h2" || (wanted == UpstreamHttp::Http2 && chosen.empty());
}

}  // namespace

Task<Result<>> UpstreamLeg::open(rt::Reactor& reactor, Connector& connector, const Choice& choice,
                                 const LiveService& service, UpstreamHttp http, rt::Deadline deadline) {
  Endpoint& endpoint = *choice.endpoint;
  if (http != UpstreamHttp::Http1) shared_ = endpoint.multiplexed.take();
  if (http != UpstreamHttp::Http2 && shared_ == nullptr) own_ = endpoint.pool.take();
  kept_ = shared_ != nullptr || own_ != nullptr;
  if (shared_ != nullptr && endpoint.multiplexed.wants_another(*shared_)) {
    shared_ = nullptr;
    return open_beside(reactor, connector, choice, service, http, deadline);
  }
  if (kept_) return Result<>{};
  if (http == UpstreamHttp::Http1) return open_own(reactor, connector, choice, service, deadline);
  return open_shared(reactor, connector, choice, service, http, deadline, Way::Only);
}

Task<Result<>> UpstreamLeg::open_own(rt::Reactor& reactor, Connector& connector, const Choice& choice,
                                     const LiveService& service, rt::Deadline deadline) {
  own_ = std::make_unique<http::h1::ClientConnection>(reactor);
  co_return co_await connector.connect(own_->stream(), choice, service, UpstreamHttp::Http1, deadline);
}

/// One request opens a connection and the others wait for it, unless the upstream is known to choose HTTP/1.1.
Task<Result<>> UpstreamLeg::open_shared(rt::Reactor& reactor, Connector& connector, const Choice& choice,
                                        const LiveService& service, UpstreamHttp http, rt::Deadline deadline, Way way) {
  Endpoint& endpoint = *choice.endpoint;
  std::optional<http::MultiplexedPool::Turn> turn;
  while (http == UpstreamHttp::Http2 || !endpoint.chose_http1) {
    if (auto mine = endpoint.multiplexed.begin_dial()) {
      turn.emplace(*std::move(mine));
      break;
    }
    CO_TRY(co_await endpoint.multiplexed.dialed(deadline));
    shared_ = endpoint.multiplexed.take();
    if (shared_ != nullptr) co_return Result<>{};
  }
  auto stream = std::make_unique<net::Stream>();
  Result<> connected = co_await connector.connect(*stream, choice, service, http, deadline);
  const bool http2 = connected && speaks_http2(*stream, http);
  if (connected && !http2 && http == UpstreamHttp::Http2) {
    connected = fail(Errc::Refused, "upstream does not speak HTTP/2", Blame::Upstream, Retry::Safe);
  }
  if (!connected) {
    if (turn && way == Way::Beside) {
      turn->gave_up();
    } else if (turn) {
      turn->failed(connected.error());
    }
    co_return connected;
  }
  endpoint.chose_http1 = !http2;
  if (http2) {
    shared_ = &endpoint.multiplexed.add(std::move(stream));
  } else {
    own_ = std::make_unique<http::h1::ClientConnection>(reactor, std::move(stream));
  }
  co_return Result<>{};
}

/// Not at any price: what there is does it, too, only later.
Task<Result<>> UpstreamLeg::open_beside(rt::Reactor& reactor, Connector& connector, const Choice& choice,
                                        const LiveService& service, UpstreamHttp http, rt::Deadline deadline) {
  const rt::Deadline soon = std::min(deadline, reactor.after_ms(http::MultiplexedPool::kDialBesideMs));
  Result<> opened = co_await open_shared(reactor, connector, choice, service, http, soon, Way::Beside);
  kept_ = false;
  if (opened) co_return opened;
  shared_ = choice.endpoint->multiplexed.take();
  if (shared_ == nullptr)
    co_return co_await open_shared(reactor, connector, choice, service, http, deadline, Way::Only);
  kept_ = true;
  co_return Result<>{};
}

http::ClientStream& UpstreamLeg::begin(Arena& arena, const Limits& limits, bool content_may_be_spliced) {
  SLUICE_ASSERT(shared_ != nullptr || own_ != nullptr);
  if (shared_ != nullptr) {
    auto& exchange = exchange_.emplace<http::h2::ClientExchange>(
        *shared_, arena,
        http::h2::ClientExchange::Limits{limits.send_ms, limits.read_ms, limits.head_octets, limits.deadline});
    stream_ = &exchange;
    return exchange;
  }
  auto& exchange = exchange_.emplace<http::h1::ClientExchange>(
      *own_, arena, http::h1::ClientExchange::Limits{limits.send_ms, limits.read_ms, limits.head_octets});
  if (content_may_be_spliced) exchange.leave_content_for_splicing();
  stream_ = &exchange;
  return exchange;
}

http::Pool::Connection UpstreamLeg::take_tunnel(std::string& early) {
  std::string_view rest;
  if (stream_ == nullptr || stream_->take_tunnel(rest) == nullptr) return nullptr;
  early.assign(rest);
  stream_ = nullptr;
  exchange_.emplace<std::monostate>();
  return std::move(own_);
}

void UpstreamLeg::finish(Endpoint& endpoint) {
  const bool reusable = stream_ != nullptr && stream_->reusable();
  stream_ = nullptr;
  exchange_.emplace<std::monostate>();  // consumes what it has handed out: only then is the connection quiet
  if (reusable && own_ != nullptr) endpoint.pool.put(std::move(own_));
}

void UpstreamLeg::drop() {
  stream_ = nullptr;
  exchange_.emplace<std::monostate>();
  own_.reset();
  shared_ = nullptr;
}

}  // namespace sluice::gateway
