// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/handshake_line.h"

#include <utility>

#include "base/assert.h"
#include "base/client_network.h"
#include "net/tls/client_hello.h"
#include "rt/reactor.h"

namespace sluice::control::cluster {

HandshakeLine::HandshakeLine(rt::Reactor& reactor, const Limits& limits)
    : reactor_(reactor), limits_(limits), silent_(limits.silent) {}

HandshakeLine::~HandshakeLine() {
  SLUICE_ASSERT(under_way_ == 0 && waiting_ == 0);
}

bool HandshakeLine::is_full_for(const IpAddress& network) const {
  const auto known = networks_.find(network);
  const std::size_t of_one = known != networks_.end() ? known->second.waiting.size() : 0;
  return waiting_ >= limits_.waiting || of_one >= limits_.waiting_of_one;
}

void HandshakeLine::join(Turn& turn) {
  Network& network = networks_[turn.network_];
  turn.state_ = Turn::State::Waiting;
  turn.waiting_ = network.waiting.insert(network.waiting.end(), &turn);
  ++waiting_;
  offer(network);
  advance();
}

/// Whoever waits for a turn of that network's may be called.
void HandshakeLine::offer(Network& network) {
  const bool may_come = !network.waiting.empty() && network.under_way < limits_.under_way_of_one;
  if (may_come && !network.next) network.next = next_.insert(next_.end(), &network);
  if (!may_come && network.next) next_.erase(*std::exchange(network.next, std::nullopt));
}

void HandshakeLine::advance() {
  while (under_way_ < limits_.under_way && !next_.empty()) {
    Network& network = *next_.front();
    next_.erase(*std::exchange(network.next, std::nullopt));
    Turn& turn = *network.waiting.front();
    network.waiting.pop_front();
    --waiting_;
    ++network.under_way;
    ++under_way_;
    offer(network);
    turn.state_ = Turn::State::UnderWay;
    reactor_.timers().arm(turn, reactor_.after_ms(limits_.turn.count()).at_ms);
    turn.called_.wake_soon();  // whoever makes room may be in the midst of anything
  }
}

void HandshakeLine::release(Turn& turn) {
  Network& network = networks_.at(turn.network_);
  --network.under_way;
  --under_way_;
  offer(network);
  advance();
  forget_if_idle(turn.network_);
}

/// It is the other side that takes its time: it may go on, and others come.
void HandshakeLine::pass_on(Turn& turn) {
  turn.state_ = Turn::State::Slow;
  release(turn);
}

void HandshakeLine::leave(Turn& turn) {
  const auto state = std::exchange(turn.state_, Turn::State::Outside);
  if (state == Turn::State::UnderWay) release(turn);
  if (state != Turn::State::Waiting) return;
  Network& network = networks_.at(turn.network_);
  network.waiting.erase(turn.waiting_);
  --waiting_;
  offer(network);
  forget_if_idle(turn.network_);
}

void HandshakeLine::forget_if_idle(const IpAddress& network) {
  const auto at = networks_.find(network);
  if (at != networks_.end() && at->second.under_way == 0 && at->second.waiting.empty()) networks_.erase(at);
}

// One client
// -------------------------------------------------------------------------------------------------------------------

HandshakeLine::Turn::Turn(HandshakeLine& line, net::Stream& stream, const IpAddress& client)
    : line_(line), stream_(stream), network_(client_network(client)), called_(line.reactor_) {}

HandshakeLine::Turn::~Turn() {
  line_.leave(*this);
}

Task<Result<>> HandshakeLine::Turn::come() {
  rt::Reactor& reactor = line_.reactor_;
  auto hearing = net::tls::peek_client_hello(stream_, reactor.after_ms(line_.limits_.hello.count()));
  // Most say it as soon as they are connected. Those are not silent, however long their accepted connection has waited
  // for us.
  stream_.source().mark_readable();
  hearing.start();
  if (!hearing.ready()) line_.silent_.enter(silence_, network_, stream_.fd());
  const auto hello = co_await hearing;
  silence_.leave();
  if (!hello) {
    if (hello.error().code == Errc::Unsupported) co_return Result<>{};  // it is told so, which costs little
    co_return std::unexpected(hello.error());
  }
  if (line_.is_full_for(network_)) {
    co_return fail(Errc::Refused, "too many wait for their handshake", Blame::Client);
  }
  line_.join(*this);
  const rt::Deadline patience = reactor.after_ms(line_.limits_.patience.count());
  if (state_ == State::Waiting && co_await called_.wait(patience) == rt::Wake::TimedOut) {
    line_.leave(*this);
    co_return fail(Errc::Timeout, "its turn for a handshake did not come", Blame::Client);
  }
  if (stream_.source().peer_closed()) co_return fail(Errc::Closed, "it left before its turn came", Blame::Client);
  co_return Result<>{};
}

}  // namespace sluice::control::cluster
