// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/udp_socket.h"
#include "rt/io_source.h"
#include "rt/scope.h"

namespace sluice::net {

/// Two processes that serve the same sockets for datagrams, one after the other: the elder still has sessions when its
/// heir begins to read. The kernel cannot tell their datagrams apart, so the heir asks about each one that it knows
/// nothing of; the elder takes it, or gives it back, and then it is a newcomer's. The elder reads nothing any more from
/// the heir's first word on: a datagram is never judged by both at a time. What a session sends to its client leaves by
/// the socket that both have.
///
/// An elder may have an elder of its own; then it passes questions on. Nothing is kept: what a channel does not take is
/// lost, as on any way. One per shard; the shards of both processes are the same in number and have the same sockets.
class Succession {
 public:
  /// Whoever serves one address on this shard.
  class Member {
   public:
    /// The heir knows nothing of it. False: nor does anybody here.
    [[nodiscard]] virtual bool take_inherited(const DatagramView& datagram) = 0;
    /// Nor does the elder.
    virtual void take_back(const DatagramView& datagram) = 0;
    /// The heir reads from now on.
    virtual void stop_reading() = 0;
    /// There is no heir after all.
    virtual void read_again() = 0;
    /// Whether anything is there that datagrams may come for.
    [[nodiscard]] virtual bool is_busy() const = 0;

   protected:
    ~Member() = default;
  };

  explicit Succession(rt::Reactor& reactor);
  Succession(const Succession&) = delete;
  Succession& operator=(const Succession&) = delete;
  ~Succession();

  /// Two ends, closed on exec: for make_way() here, and for follow() in the other process.
  static Result<std::pair<int, int>> make_channel();

  /// `bound` is what the socket is bound to, by which both processes name it. `member` leaves before it goes.
  void join(const Address& bound, Member& member) { members_.emplace_back(bound, &member); }
  void leave(const Member& member);

  // Both take ownership of the channel.

  /// Before any member reads.
  void follow(int elder);
  void make_way(int heir);
  /// Undoes make_way(): the other process does not serve after all.
  void stay();

  enum class Answer : std::uint8_t {
    Asked,
    Lost,   // the elder is too slow for it
    Alone,  // there is no elder
  };
  /// About what came to the socket that is bound to `bound`.
  Answer ask(const Address& bound, const DatagramView& datagram);
  [[nodiscard]] bool has_elder() const { return elder_.is_open() && !elder_is_done_; }
  [[nodiscard]] bool has_heir() const { return heir_.is_open(); }

 private:
  enum class Kind : char;
  struct Head;
  struct Buffer;
  enum class Sent : std::uint8_t { Well, Full, Gone };

  static Sent send(const rt::IoSource& channel, Kind kind, const Address& bound = {},
                   const DatagramView& datagram = {});
  void attach(rt::IoSource& channel, int fd);
  Task<void> hear(rt::IoSource& channel);
  void on_message(const rt::IoSource& channel, std::span<const char> message);
  void on_word_of_heir(Kind kind, const Address& bound, const DatagramView& datagram);
  void on_word_of_elder(Kind kind, const Address& bound, const DatagramView& datagram);
  [[nodiscard]] Member* member(const Address& bound) const;
  [[nodiscard]] bool is_busy() const;
  [[nodiscard]] bool is_silent();
  Task<void> beat();

  rt::Reactor& reactor_;
  std::vector<std::pair<Address, Member*>> members_;
  std::unique_ptr<Buffer> buffer_;  // made with the first channel
  rt::IoSource elder_;
  rt::IoSource heir_;
  std::int64_t heard_ms_ = 0;     // the elder's last word
  std::int64_t doubted_ms_ = -1;  // when it was first missed, if that is later
  bool elder_is_done_ = false;    // it has nothing left, and answers what it was asked before
  bool heir_reads_ = false;
  rt::TaskScope hearing_elder_;
  rt::TaskScope hearing_heir_;
};

}  // namespace sluice::net
