// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "base/hash.h"
#include "base/ip.h"
#include "net/quic/connection.h"
#include "net/quic/credentials.h"
#include "net/quic/farewells.h"
#include "net/quic/group.h"
#include "net/quic/train.h"
#include "net/succession.h"
#include "net/udp_socket.h"
#include "rt/scope.h"

namespace sluice::net::quic {

/// What becomes of somebody who wants a connection.
enum class Welcome : std::uint8_t {
  Yes,
  Validated,  // only if its address is certain: a Retry goes out
  Later,      // it hears nothing
  No,
};

/// Who decides about new connections, and keeps them.
class Host {
 public:
  /// Before anything is made. `validated`: the address is certain; then the answer is Yes or No.
  [[nodiscard]] virtual Welcome judge(const Address& peer, bool validated) = 0;
  /// Makes a connection of `endpoint`. Null: after all, it is not to be.
  virtual Connection* arrive(Endpoint& endpoint, const Arrival& arrival) = 0;
  /// How handshakes that begin now speak TLS.
  [[nodiscard]] virtual TlsTerms tls() = 0;

 protected:
  ~Host() = default;
};

/// QUIC on one socket of one shard: gives datagrams to the connections that they belong to, on whichever shard those
/// are, answers by itself what needs no connection, and lets new ones in.
///
/// Who floods it with first packets from forged addresses gets, from the point on where many handshakes are under way,
/// a Retry for each, which keeps no state here. Other answers without a connection are limited in number. Of one client
/// (an IPv4 address, or an IPv6 network of 64 bits) the same holds with smaller numbers: whoever forges its address
/// takes no more places than those before the Retry, and it alone takes no place from others.
///
/// Where the process before still has connections, it is asked about packets of which nothing is known here.
class Endpoint final : private Succession::Member {
 public:
  static constexpr std::size_t kHandshakesBeforeRetry = 64;
  static constexpr std::size_t kMostHandshakes = 1024;
  static constexpr std::size_t kHandshakesOfOneBeforeRetry = 16;
  static constexpr std::size_t kMostHandshakesOfOne = 64;  // once half of all are taken

  /// Takes over a bound socket (UdpOptions::tell_local). `group` and `host` outlive it.
  Endpoint(rt::Reactor& reactor, int socket, Group& group, std::size_t shard, Host& host);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint();

  /// Lets nobody in any more. Where another process serves the address it alone reads the socket from now on.
  void drain();
  /// From how many handshakes under way on addresses are validated; for tests.
  void validate_from(std::size_t handshakes) { validate_from_ = handshakes; }

  void receive_forwarded(const DatagramView& datagram) { dispatch(datagram, Origin::Shard); }
  [[nodiscard]] rt::Reactor& reactor() const { return reactor_; }

 private:
  friend class Connection;
  enum class Origin : std::uint8_t {
    Socket,
    Shard,  // another one of this process
    Heir,   // the process that reads now, and that knows nothing of it
    Elder,  // the process that was here before, and that knows nothing of it
  };
  /// What a token of a first packet proves.
  struct TokenCheck {
    bool validated = false;  // that its sender is where it says it is
    bool broken = false;     // a token of ours that is not right here
    ngtcp2_cid first_id{};   // by what the client addressed us before the Retry; length 0: there was none
  };

  Task<void> hear();
  void receive(const DatagramView& train);
  bool dispatch(const DatagramView& datagram, Origin origin);
  bool deliver(const DatagramView& datagram, std::string_view id, bool long_header, Origin origin);
  [[nodiscard]] bool ask_elder(const DatagramView& datagram);
  void begin(const DatagramView& datagram, const ngtcp2_pkt_hd& head);
  [[nodiscard]] Welcome judge(const DatagramView& datagram, bool validated);
  [[nodiscard]] TokenCheck check_token(const DatagramView& datagram, const ngtcp2_pkt_hd& head) const;
  void negotiate_version(const DatagramView& datagram, const ngtcp2_version_cid& head);
  void retry(const DatagramView& datagram, const ngtcp2_pkt_hd& head);
  void refuse(const DatagramView& datagram, const ngtcp2_pkt_hd& head, std::uint64_t code);
  void reset(const DatagramView& datagram, std::string_view id);
  void answer(const DatagramView& datagram, std::span<const std::uint8_t> octets);
  [[nodiscard]] bool may_answer();

  // For connections.
  [[nodiscard]] Group& group() { return group_; }
  [[nodiscard]] std::size_t shard() const { return shard_; }
  [[nodiscard]] Credentials& credentials() { return credentials_; }
  /// Issues an id that leads to `connection`.
  ngtcp2_cid issue(Connection& connection);
  void learn(const ngtcp2_cid& id, Connection& connection) { table_[std::string(octets_of(id))] = &connection; }
  /// Unless it leads elsewhere by now: at first clients choose ids, and two may choose the same one.
  void forget(const ngtcp2_cid& id, const Connection& connection);
  /// The connection, of those ids, is over; what still comes for it is answered with `farewell`, or not at all when
  /// that is empty.
  void retire(const Connection& connection, const std::vector<ngtcp2_cid>& known, std::string_view farewell,
              std::int64_t for_ms);
  void want_to_send(Connection& connection);
  void do_not_send(Connection& connection);
  void send_waiting();
  void send(const OutgoingView& train);
  void handshake_begins(const IpAddress& client);
  void handshake_ends(const IpAddress& client);
  [[nodiscard]] Train::Buffer& train_buffer() { return *train_; }

  // Succession::Member
  [[nodiscard]] bool take_inherited(const DatagramView& datagram) override { return dispatch(datagram, Origin::Heir); }
  void take_back(const DatagramView& datagram) override { dispatch(datagram, Origin::Elder); }
  void stop_reading() override { hearing_.cancel(); }
  void read_again() override;
  [[nodiscard]] bool is_busy() const override { return !table_.empty(); }

  rt::Reactor& reactor_;
  Group& group_;
  const std::size_t shard_;
  Host& host_;
  UdpSocket socket_;
  const Address bound_;
  Succession* const succession_;  // null: there are no other processes
  Credentials credentials_;
  std::unique_ptr<DatagramBatch> incoming_;
  std::unique_ptr<Train::Buffer> train_;  // what one connection is about to send
  std::unordered_map<std::string, Connection*, StringHash, std::equal_to<>> table_;
  Farewells farewells_;
  std::vector<Connection*> waiting_;  // to send; null: has gone meanwhile
  std::shared_ptr<Endpoint*> self_;   // its end says to work that is posted that this has gone
  std::size_t handshakes_ = 0;
  std::unordered_map<IpAddress, std::size_t> handshakes_of_;  // by client_network()
  std::size_t validate_from_ = kHandshakesBeforeRetry;
  std::int64_t answers_since_ms_ = 0;
  unsigned answers_ = 0;
  bool draining_ = false;
  rt::TaskScope hearing_;
};

}  // namespace sluice::net::quic
