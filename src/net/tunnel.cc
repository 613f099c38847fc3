// SPDX-License-Identifier: Apache-2.0
#include "net/tunnel.h"

#include <cerrno>
#include <string>

#include <fcntl.h>

#include "net/pipe_pool.h"
#include "rt/first_of.h"
#include "rt/reactor.h"

namespace sluice::net {
namespace {

/// A read that fills the scratch buffer promises more: splicing then saves both copies. Less than this at a time, and
/// the pipe costs more than it saves.
constexpr std::size_t kWorthSplicing = 16 * 1024;
/// What one direction may move before the others on the shard have their turn.
constexpr std::size_t kTurnOctets = std::size_t{4} << 20U;

/// Both directions of a tunnel: what either moves keeps the other alive.
struct Tunnel {
  rt::Reactor& reactor;
  TunnelPatience patience;
  std::int64_t moved_ms = reactor.clock().mono_ms();

  void moved() { moved_ms = reactor.clock().mono_ms(); }
  [[nodiscard]] rt::Deadline deadline() const { return {moved_ms + patience.idle_ms}; }
  [[nodiscard]] rt::Deadline write_deadline() const { return reactor.after_ms(patience.write_ms); }
};

/// Borrows the shard's buffer for a read and the write that follows, within one turn.
struct Guest final : rt::InputTenant {
  explicit Guest(rt::Reactor& on) : reactor(on), bytes(on.borrow_input(*this)) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() { reactor.return_input(*this); }
  void evict() override {}

  rt::Reactor& reactor;
  char* bytes;
};

/// One way through the tunnel.
class Direction {
 public:
  Direction(Stream& from, Stream& to, Tunnel& tunnel, std::uint64_t& received, std::uint64_t& sent)
      : from_(from), to_(to), tunnel_(tunnel), received_(received), sent_(sent) {}
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;

  enum class End : std::uint8_t { Closed, Idle, SourceFailed, SinkFailed };
  /// Until the source ends in order, or what went wrong.
  Task<End> run();

 private:
  enum class Step : std::uint8_t { Moved, Drained, WaitsToSend, Ended, SourceFailed, SinkFailed };

  Step copy();
  Step send_held(SplicePipe& pipe);
  Task<Step> splice();
  Task<bool> send_rest();
  [[nodiscard]] bool used_up_turn(std::size_t octets);

  Stream& from_;
  Stream& to_;
  Tunnel& tunnel_;
  std::uint64_t& received_;
  std::uint64_t& sent_;
  std::string rest_;      // read, and not yet taken by the sink
  std::size_t held_ = 0;  // in the pipe
  bool in_bulk_ = false;
  std::uint64_t turn_ = 0;
  std::size_t in_turn_ = 0;
};

bool Direction::used_up_turn(std::size_t octets) {
  if (turn_ != tunnel_.reactor.turns()) {
    turn_ = tunnel_.reactor.turns();
    in_turn_ = 0;
  }
  in_turn_ += octets;
  return in_turn_ >= kTurnOctets;
}

/// Reads once and sends it on at once. What the sink does not take is in rest_.
Direction::Step Direction::copy() {
  const Guest scratch(tunnel_.reactor);
  const Io in = from_.read({scratch.bytes, rt::Reactor::kScratch});
  if (in.blocked()) return Step::Drained;
  if (in.state == Io::State::Closed) return Step::Ended;
  if (!in.moved()) return Step::SourceFailed;
  tunnel_.moved();
  received_ += in.octets;
  in_bulk_ = in.octets == rt::Reactor::kScratch && from_.is_plain() && to_.is_plain();
  const Io out = to_.write(std::string_view(scratch.bytes, in.octets));
  if (!out.moved() && !out.blocked()) return Step::SinkFailed;
  sent_ += out.octets;
  rest_.assign(scratch.bytes + out.octets, in.octets - out.octets);
  return rest_.empty() && to_.is_plain() ? Step::Moved : Step::WaitsToSend;
}

Task<bool> Direction::send_rest() {
  if (rest_.empty()) {  // a layer may hold some of what it took
    const Result<> flushed = co_await to_.flush(tunnel_.write_deadline());
    co_return flushed.has_value();
  }
  const Result<> written = co_await to_.write_all(rest_, tunnel_.write_deadline());
  if (written) sent_ += rest_.size();
  tunnel_.moved();
  std::string().swap(rest_);
  co_return written.has_value();
}

/// From the pipe to the sink, as much as it takes.
Direction::Step Direction::send_held(SplicePipe& pipe) {
  while (held_ > 0) {
    const ssize_t put = ::splice(pipe.read_end(), nullptr, to_.fd(), nullptr, held_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (put > 0) {
      held_ -= static_cast<std::size_t>(put);
      sent_ += static_cast<std::size_t>(put);
      pipe.set_held(held_);
      tunnel_.moved();
    } else if (put < 0 && errno == EAGAIN) {
      to_.source().clear_writable();
      return Step::WaitsToSend;
    } else if (put == 0 || errno != EINTR) {
      return Step::SinkFailed;
    }
  }
  return Step::Moved;
}

/// As long as much comes at a time. The pipe is borrowed for just that.
Task<Direction::Step> Direction::splice() {
  SplicePipe pipe;
  if (!pipe.is_open()) {  // out of descriptors
    in_bulk_ = false;
    co_return Step::Moved;
  }
  for (;;) {
    const ssize_t got = ::splice(from_.fd(), nullptr, pipe.write_end(), nullptr, SplicePipe::kCapacity,
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      from_.source().clear_readable();
      co_return Step::Drained;
    }
    if (got < 0) co_return Step::SourceFailed;
    if (got == 0) co_return Step::Ended;
    held_ = static_cast<std::size_t>(got);
    received_ += held_;
    in_bulk_ = held_ >= kWorthSplicing;
    pipe.set_held(held_);
    tunnel_.moved();
    for (;;) {
      const Step step = send_held(pipe);
      if (step == Step::Moved) break;
      if (step != Step::WaitsToSend) co_return step;
      if (co_await to_.writable(tunnel_.write_deadline()) == rt::Wake::TimedOut) co_return Step::SinkFailed;
    }
    if (!in_bulk_) co_return Step::Moved;
    if (used_up_turn(static_cast<std::size_t>(got))) co_await rt::Sleep(tunnel_.reactor, tunnel_.reactor.after_ms(1));
  }
}

Task<Direction::End> Direction::run() {
  for (;;) {
    if (!from_.has_input() && co_await from_.readable(tunnel_.deadline()) == rt::Wake::TimedOut) {
      if (!tunnel_.deadline().passed(tunnel_.reactor.clock())) continue;  // the other direction was not idle
      co_return End::Idle;
    }
    Step step = Step::Moved;
    if (in_bulk_) {
      step = co_await splice();
    } else {
      const std::uint64_t before = received_;
      step = copy();
      if (used_up_turn(static_cast<std::size_t>(received_ - before))) {
        co_await rt::Sleep(tunnel_.reactor, tunnel_.reactor.after_ms(1));
      }
    }
    if (step == Step::WaitsToSend) {
      const bool sent = co_await send_rest();
      if (!sent) co_return End::SinkFailed;
    }
    if (step == Step::SourceFailed) co_return End::SourceFailed;
    if (step == Step::SinkFailed) co_return End::SinkFailed;
    if (step != Step::Ended) continue;
    to_.shut_down_write();
    co_return End::Closed;
  }
}

TunnelEnd end_of(Direction::End end, bool from_client) {
  switch (end) {
    case Direction::End::Closed:
      return TunnelEnd::Closed;
    case Direction::End::Idle:
      return TunnelEnd::Idle;
    case Direction::End::SourceFailed:
      return from_client ? TunnelEnd::ClientFailed : TunnelEnd::UpstreamFailed;
    case Direction::End::SinkFailed:
      return from_client ? TunnelEnd::UpstreamFailed : TunnelEnd::ClientFailed;
  }
  return TunnelEnd::Closed;
}

}  // namespace

Task<TunnelEnd> run_tunnel(Stream& client, Stream& upstream, TunnelPatience patience, TunnelCounts& counts) {
  Tunnel tunnel{client.reactor(), patience};
  Direction upwards(client, upstream, tunnel, counts.from_client, counts.to_upstream);
  Direction downwards(upstream, client, tunnel, counts.from_upstream, counts.to_client);
  Task<Direction::End> up = upwards.run();
  Task<Direction::End> down = downwards.run();
  co_await rt::FirstOf(up, down);
  const bool up_first = up.ready();
  Task<Direction::End>& first = up_first ? up : down;
  Task<Direction::End>& second = up_first ? down : up;
  const Direction::End end = first.take();
  if (end != Direction::End::Closed) co_return end_of(end, up_first);  // a failure ends both
  const Direction::End last = co_await second;
  co_return end_of(last, !up_first);
}

Task<TunnelEnd> run_tunnel(Stream& client, Stream& upstream, std::int64_t idle_ms, TunnelCounts& counts) {
  return run_tunnel(client, upstream, TunnelPatience{idle_ms, idle_ms}, counts);
}

}  // namespace sluice::net
