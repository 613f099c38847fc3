// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "base/ip.h"
#include "base/time.h"
#include "control/cluster/crowd.h"
#include "net/stream.h"
#include "rt/task.h"
#include "rt/timer_wheel.h"
#include "rt/waiter.h"

namespace sluice::control::cluster {

/// Where clients of the cluster endpoint stand until their handshake is done. Only a few shake hands at a time: ten
/// thousand that come at once would all be late otherwise, and their work lost. Whoever has said his ClientHello comes
/// in the order of arrival, networks in turn; whoever says nothing, or stops in the middle, keeps nobody out. Belongs
/// to one shard.
class HandshakeLine {
 public:
  /// Thousands of data planes may come from behind one address, and are quick: so one address may have many that wait,
  /// and never all turns.
  struct Limits {
    std::size_t under_way = 64;
    std::size_t under_way_of_one = 48;
    std::size_t waiting = 16'384;
    std::size_t waiting_of_one = 12'288;
    Crowd::Limits silent = {.all = 16'384, .of_one = 12'288};  // nothing, or not enough, said
    Millis hello{2'000};                                       // until the whole ClientHello is there
    /// After which others come, too. Bounds how many begin while all stall, and so, with the time that one has for his
    /// handshake, how many are under way.
    Millis turn{1'000};
    Millis patience{60'000};  // until one's turn comes
  };
  explicit HandshakeLine(rt::Reactor& reactor) : HandshakeLine(reactor, Limits()) {}
  HandshakeLine(rt::Reactor& reactor, const Limits& limits);
  HandshakeLine(const HandshakeLine&) = delete;
  HandshakeLine& operator=(const HandshakeLine&) = delete;
  ~HandshakeLine();

  class Turn;

  [[nodiscard]] std::size_t under_way() const { return under_way_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  [[nodiscard]] std::size_t silent() const { return silent_.size(); }

 private:
  struct Network {
    std::list<Turn*> waiting;
    std::size_t under_way = 0;
    std::optional<std::list<Network*>::iterator> next;  // its place in next_
  };

  [[nodiscard]] bool is_full_for(const IpAddress& network) const;
  void join(Turn& turn);
  void leave(Turn& turn);
  void pass_on(Turn& turn);
  void release(Turn& turn);
  void offer(Network& network);
  void advance();
  void forget_if_idle(const IpAddress& network);

  rt::Reactor& reactor_;
  const Limits limits_;
  Crowd silent_;
  std::map<IpAddress, Network> networks_;
  std::list<Network*> next_;  // where somebody waits who may come; the first one's turn is next
  std::size_t under_way_ = 0;
  std::size_t waiting_ = 0;
};

/// One client's way through the line: made when he is accepted, gone when his handshake is done or has failed. What it
/// is given outlives it.
class HandshakeLine::Turn final : private rt::Timer {
 public:
  Turn(HandshakeLine& line, net::Stream& stream, const IpAddress& client);
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() override;

  /// Done when the handshake may begin, at once for one who speaks no TLS. Refused: too many wait already. Timeout: no
  /// ClientHello, or no turn. Closed: he has gone. Else what is wrong with the ClientHello.
  Task<Result<>> come();

 private:
  friend class HandshakeLine;
  enum class State : std::uint8_t { Outside, Waiting, UnderWay, Slow };

  void expire() override { line_.pass_on(*this); }

  HandshakeLine& line_;
  net::Stream& stream_;
  const IpAddress network_;
  State state_ = State::Outside;
  Crowd::Place silence_;
  std::list<Turn*>::iterator waiting_;  // while it waits
  rt::Waiter called_;
};

}  // namespace sluice::control::cluster
