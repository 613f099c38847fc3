// SPDX-License-Identifier: Apache-2.0
#include "net/tunnel.h"

#include <memory>
#include <string>

#include "rt/first_of.h"
#include "rt/reactor.h"

namespace sluice::net {
namespace {

constexpr std::size_t kPiece = 16 * 1024;

/// Both directions of a tunnel: what either moves keeps the other alive.
struct Tunnel {
  rt::Reactor& reactor;
  std::int64_t idle_ms;
  std::int64_t moved_ms = reactor.clock().mono_ms();

  void moved() { moved_ms = reactor.clock().mono_ms(); }
  [[nodiscard]] rt::Deadline deadline() const { return {moved_ms + idle_ms}; }
};

/// One direction. True: the source ended in order; false: something failed, or nothing moved for too long.
Task<bool> pump(Stream& from, Stream& to, Tunnel& tunnel, std::uint64_t& count) {
  for (;;) {
    if (!from.has_input() && co_await from.readable(tunnel.deadline()) == rt::Wake::TimedOut) {
      if (!tunnel.deadline().passed(tunnel.reactor.clock())) continue;  // the other direction was not idle
      co_return false;
    }
    // The buffer exists only while octets are under way: an idle tunnel holds none.
    auto buffer = std::make_unique_for_overwrite<char[]>(kPiece);
    for (;;) {
      Io io = from.read({buffer.get(), kPiece});
      if (io.blocked()) break;
      if (io.state == Io::State::Closed) {
        to.shut_down_write();
        co_return true;
      }
      if (!io.moved()) co_return false;
      tunnel.moved();
      count += io.octets;
      if (!co_await to.write_all({buffer.get(), io.octets}, to.reactor().after_ms(tunnel.idle_ms))) co_return false;
    }
  }
}

}  // namespace

Task<void> run_tunnel(Stream& client, Stream& upstream, std::int64_t idle_ms, TunnelCounts& counts) {
  Tunnel tunnel{client.reactor(), idle_ms};
  Task<bool> up = pump(client, upstream, tunnel, counts.from_client);
  Task<bool> down = pump(upstream, client, tunnel, counts.from_upstream);
  co_await rt::FirstOf(up, down);
  Task<bool>& first = up.ready() ? up : down;
  Task<bool>& second = up.ready() ? down : up;
  if (!first.take()) co_return;  // a failure ends both
  co_await second;
}

}  // namespace sluice::net
