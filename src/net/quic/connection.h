// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include "base/error.h"
#include "net/address.h"
#include "net/quic/application.h"
#include "net/quic/handshake.h"
#include "net/udp_socket.h"
#include "rt/timer_wheel.h"

namespace sluice::net::quic {

class Endpoint;

/// What a server grants a client. Octets and milliseconds.
struct Limits {
  std::uint64_t stream_window = 256 * 1024;
  std::uint64_t connection_window = 1024 * 1024;
  std::uint64_t streams = 100;    // bidirectional ones, at a time
  std::uint64_t uni_streams = 8;  // likewise
  std::int64_t handshake_ms = 10'000;
  std::int64_t idle_ms = 60'000;  // without a packet of the client
};

/// A client's first packet, of somebody who is welcome.
struct Arrival {
  Address peer, local;
  std::uint32_t version = 0;
  ngtcp2_cid client_id{};       // how the client is addressed
  ngtcp2_cid first_id{};        // what it addressed us by at first
  ngtcp2_cid retry_id{};        // what it addresses us by after a Retry; length 0: there was none
  std::string_view token = {};  // that proves the address; valid for the call
  TlsTerms tls;
};

/// One QUIC connection of a client, by ngtcp2. Belongs to its endpoint's shard; the application owns it.
class Connection final : private rt::Timer {
 public:
  /// All outlive it. What fails while it is made ends it at once: is_over().
  Connection(Endpoint& endpoint, const Arrival& arrival, const Limits& limits, Application& application);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  // For the application.

  /// Has what there is to send sent at the end of this loop turn; settled() follows.
  void ask_to_send();
  /// Nothing, when the client does not allow it.
  [[nodiscard]] std::optional<std::int64_t> open_uni_stream();
  /// Octets of a stream have been taken: the client may send as many again.
  void consumed(std::int64_t stream, std::uint64_t octets);
  /// The same of a stream that is no more.
  void consumed(std::uint64_t octets);
  /// Streams of the client have ended: it may open as many again.
  void allow_streams(std::size_t bidirectional, std::size_t unidirectional);
  /// Gives a stream up in both directions, or asks the client to send no more on it.
  void reset_stream(std::int64_t stream, std::uint64_t code);
  void stop_stream(std::int64_t stream, std::uint64_t code);
  /// Something is under way that the client waits for: the connection is kept, though no packets pass.
  void keep_alive(bool wanted);
  /// Says why, and is over. Not while ngtcp2 is on the stack: then false and fault() do it.
  void close(std::uint64_t code);
  /// Over without a word.
  [[nodiscard]] bool is_over() const { return over_; }
  [[nodiscard]] bool is_established() const { return established_; }
  [[nodiscard]] const Address& peer() const { return peer_; }
  [[nodiscard]] const Address& local() const { return local_; }
  [[nodiscard]] Handshake& handshake() { return handshake_; }
  [[nodiscard]] rt::Reactor& reactor() const;
  [[nodiscard]] std::int64_t round_trip_ms() const;

  // For the endpoint.

  /// Valid for this call.
  void receive(const DatagramView& datagram);
  /// What ask_to_send() has asked for.
  void send();

 private:
  struct Callbacks;
  friend struct Callbacks;

  [[nodiscard]] bool open(const Arrival& arrival, const Limits& limits);
  [[nodiscard]] std::uint64_t now() const;
  void expire() override;
  void fail(int error);
  void finish();
  void settle();
  void arm();
  /// One packet; its size, 0 for nothing, or an error of ngtcp2.
  ngtcp2_ssize write_packet(ngtcp2_path& path, ngtcp2_pkt_info& info, std::uint8_t* to);
  [[nodiscard]] int offer(const Application::Piece& piece, ngtcp2_ssize taken, ngtcp2_ssize written);
  void say_goodbye(const ngtcp2_connection_close_error& reason);
  void retire(std::string_view farewell);
  void forget_first_id();
  [[nodiscard]] std::vector<ngtcp2_cid> ids() const;

  Endpoint& endpoint_;
  Application& application_;
  Handshake handshake_;
  ngtcp2_conn* conn_ = nullptr;
  Address peer_, local_;
  const IpAddress first_ip_;  // of the client, while it shook hands
  ngtcp2_cid first_id_{};     // in the endpoint's table until the handshake is complete
  ngtcp2_tstamp keep_alive_ns_ = 0;
  bool keeps_alive_ = false;
  bool established_ = false;
  bool over_ = false;
  bool told_ = false;     // the application knows that it is over
  bool busy_ = false;     // ngtcp2 is on the stack
  bool waiting_ = false;  // in the endpoint's list of those who want to send

  friend class Endpoint;
};

}  // namespace sluice::net::quic
