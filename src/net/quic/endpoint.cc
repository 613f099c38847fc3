// SPDX-License-Identifier: Apache-2.0
#include "net/quic/endpoint.h"

#include <algorithm>
#include <utility>

#include <netinet/in.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <sys/socket.h>

#include "base/client_network.h"
#include "base/log.h"
#include "crypto/random.h"
#include "net/quic/addresses.h"
#include "rt/reactor.h"

namespace sluice::net::quic {
namespace {

constexpr unsigned kBatchesPerTurn = 16;      // then everybody else has their turn
constexpr std::int64_t kPauseMs = 10;         // where the system lacks something, or has an error to tell
constexpr int kSocketOctets = 1024 * 1024;    // that the kernel may keep for us, as far as it allows
constexpr unsigned kAnswersPerSecond = 1000;  // without a connection, on one shard
constexpr std::size_t kSmallestFirst = 1200;  // octets of a datagram with a first packet: RFC 9000, 14.1
constexpr std::size_t kSmallestReset = 43;    // that a reset may answer, which is shorter: RFC 9000, 10.3.3
constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint64_t kTokenLifetime = 10 * kNsPerS;

std::span<const std::uint8_t> octets_of(std::span<const char> bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::string_view text_of(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

/// ALPN's h3 means this version. RFC 9114, 3.1.
bool is_spoken(std::uint32_t version) {
  return version == NGTCP2_PROTO_VER_V1;
}

/// What is not set remains as the kernel has it.
void prepare(int socket) {
  static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kSocketOctets, sizeof kSocketOctets));
  static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSocketOctets, sizeof kSocketOctets));
  // Never fragmented, whatever the kernel knows of the way: how long packets may be is found out above (RFC 8899).
  const int v4 = IP_PMTUDISC_PROBE;
  const int v6 = IPV6_PMTUDISC_PROBE;
  static_cast<void>(::setsockopt(socket, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4));
  static_cast<void>(::setsockopt(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6));
}

}  // namespace

Endpoint::Endpoint(rt::Reactor& reactor, int socket, Group& group, std::size_t shard, Host& host)
    : reactor_(reactor),
      group_(group),
      shard_(shard),
      host_(host),
      bound_(Address::local_of(socket)),
      succession_(group.succession(shard)),
      incoming_(std::make_unique<DatagramBatch>()),
      train_(std::make_unique_for_overwrite<Train::Buffer>()),
      self_(std::make_shared<Endpoint*>(this)) {
  prepare(socket);
  socket_.attach(reactor, socket);
  group_.join(shard_, *this);
  if (succession_ != nullptr) succession_->join(bound_, *this);
  hearing_.spawn(hear());
}

Endpoint::~Endpoint() {
  if (succession_ != nullptr) succession_->leave(*this);
  group_.leave(shard_);
  hearing_.cancel();
  socket_.close();
}

void Endpoint::drain() {
  draining_ = true;
  if (table_.empty() || (succession_ != nullptr && succession_->has_heir())) hearing_.cancel();
}

void Endpoint::read_again() {
  if (hearing_.empty()) hearing_.spawn(hear());
}

// --- what comes in ----------------------------------------------------------------------------------------------

Task<void> Endpoint::hear() {
  for (;;) {
    co_await socket_.readable(rt::Deadline::never());
    for (unsigned batches = 1;; ++batches) {
      const UdpSocket::State state = socket_.receive(*incoming_);
      if (state == UdpSocket::State::Blocked) break;
      if (state == UdpSocket::State::Failed) {
        co_await rt::Sleep(reactor_, reactor_.after_ms(kPauseMs));
        continue;
      }
      for (const DatagramView& train : incoming_->datagrams()) receive(train);
      if (draining_ && table_.empty()) co_return;  // another process may read the same socket
      if (batches % kBatchesPerTurn == 0) co_await rt::Sleep(reactor_, reactor_.after_ms(1));
    }
    if (socket_.is_broken()) co_await rt::Sleep(reactor_, reactor_.after_ms(kPauseMs));
  }
}

void Endpoint::receive(const DatagramView& train) {
  if (train.bytes.empty()) return;
  const std::size_t step = train.segment == 0 ? train.bytes.size() : train.segment;
  for (std::size_t at = 0; at < train.bytes.size(); at += step) {
    DatagramView single = train;
    single.bytes = train.bytes.subspan(at, std::min(step, train.bytes.size() - at));
    dispatch(single, Origin::Socket);
  }
}

/// False: it is of nothing that is here, and is for whoever gave it to us.
bool Endpoint::dispatch(const DatagramView& datagram, Origin origin) {
  const auto octets = octets_of(datagram.bytes);
  ngtcp2_version_cid head{};
  const int outcome = ::ngtcp2_pkt_decode_version_cid(&head, octets.data(), octets.size(), ConnectionIds::kLength);
  const bool long_header = !octets.empty() && (octets.front() & 0x80U) != 0;
  if (long_header && head.version == 0) return true;  // itself an answer about versions: RFC 9000, 6.1
  if (outcome == NGTCP2_ERR_VERSION_NEGOTIATION || (outcome == 0 && long_header && !is_spoken(head.version))) {
    negotiate_version(datagram, head);
    return true;
  }
  if (outcome != 0 || deliver(datagram, text_of(head.dcid, head.dcidlen), long_header, origin)) return true;
  if (origin == Origin::Heir) return false;
  if (origin == Origin::Socket && ask_elder(datagram)) return true;
  ngtcp2_pkt_hd first{};
  if (long_header && ::ngtcp2_accept(&first, octets.data(), octets.size()) == 0) begin(datagram, first);
  return true;
}

/// To the connection with this id, on whichever shard it is, or to what is left of it.
bool Endpoint::deliver(const DatagramView& datagram, std::string_view id, bool long_header, Origin origin) {
  if (const auto found = table_.find(id); found != table_.end()) {
    found->second->receive(datagram);
    return true;
  }
  if (auto* farewell = farewells_.find(id, reactor_.clock().mono_ms())) {
    if (!farewell->words.empty() && farewell->may_answer()) {
      answer(datagram, octets_of(std::span<const char>(farewell->words)));
    }
    return true;
  }
  const std::optional<std::size_t> owner = group_.ids().owner(id);
  if (!owner) return false;
  if (*owner != shard_) {
    if (origin != Origin::Shard && *owner < group_.shards()) static_cast<void>(group_.forward(*owner, datagram));
    return true;
  }
  if (long_header) return false;  // of a first packet this can only be the id of a Retry
  reset(datagram, id);
  return true;
}

bool Endpoint::ask_elder(const DatagramView& datagram) {
  return succession_ != nullptr && succession_->ask(bound_, datagram) != Succession::Answer::Alone;
}

Endpoint::TokenCheck Endpoint::check_token(const DatagramView& datagram, const ngtcp2_pkt_hd& head) const {
  TokenCheck check;
  if (head.token.len == 0 || head.token.base[0] != NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) return check;
  const std::string_view key = group_.ids().token_key();
  const int failed = ::ngtcp2_crypto_verify_retry_token(
      &check.first_id, head.token.base, head.token.len, reinterpret_cast<const std::uint8_t*>(key.data()), key.size(),
      head.version, datagram.peer.data(), datagram.peer.size(), &head.dcid, kTokenLifetime,
      static_cast<std::uint64_t>(reactor_.clock().wall_ns()));
  check.validated = failed == 0;
  check.broken = failed != 0;
  return check;
}

/// A first packet.
void Endpoint::begin(const DatagramView& datagram, const ngtcp2_pkt_hd& head) {
  if (draining_ || datagram.bytes.size() < kSmallestFirst || handshakes_ >= kMostHandshakes) return;
  const TokenCheck token = check_token(datagram, head);
  if (token.broken) return refuse(datagram, head, NGTCP2_INVALID_TOKEN);
  // It addresses us by an id that we have issued: by that of a Retry, or of a connection that is no more.
  if (!token.validated && group_.ids().owner(quic::octets_of(head.dcid))) return;
  switch (judge(datagram, token.validated)) {
    case Welcome::No:
      return refuse(datagram, head, NGTCP2_CONNECTION_REFUSED);
    case Welcome::Validated:
      return retry(datagram, head);
    case Welcome::Later:
      return;
    case Welcome::Yes:
      break;
  }
  Arrival arrival{.peer = datagram.peer,
                  .local = datagram.local,
                  .version = head.version,
                  .client_id = head.scid,
                  .first_id = head.dcid,
                  .tls = host_.tls()};
  if (token.validated) {
    arrival.first_id = token.first_id;
    arrival.retry_id = head.dcid;
    arrival.token = text_of(head.token.base, head.token.len);
  }
  if (arrival.tls.context == nullptr) return;
  if (Connection* made = host_.arrive(*this, arrival)) made->receive(datagram);
}

/// A client that has too many handshakes under way hears nothing: it tries again by itself, and some will have ended.
Welcome Endpoint::judge(const DatagramView& datagram, bool validated) {
  const auto same = handshakes_of_.find(client_network(datagram.peer.ip()));
  const std::size_t of_same = same == handshakes_of_.end() ? 0 : same->second;
  if (of_same >= kMostHandshakesOfOne && handshakes_ >= kMostHandshakes / 2) return Welcome::Later;
  const Welcome welcome = host_.judge(datagram.peer, validated);
  const bool many = handshakes_ >= validate_from_ || of_same >= kHandshakesOfOneBeforeRetry;
  return welcome == Welcome::Yes && !validated && many ? Welcome::Validated : welcome;
}

// --- what is said without a connection --------------------------------------------------------------------------

bool Endpoint::may_answer() {
  const std::int64_t now_ms = reactor_.clock().mono_ms();
  if (now_ms - answers_since_ms_ >= 1000) {
    answers_since_ms_ = now_ms;
    answers_ = 0;
  }
  return ++answers_ <= kAnswersPerSecond;
}

void Endpoint::answer(const DatagramView& datagram, std::span<const std::uint8_t> octets) {
  const OutgoingView view{.bytes = {reinterpret_cast<const char*>(octets.data()), octets.size()},
                          .peer = &datagram.peer,
                          .local = &datagram.local};
  static_cast<void>(socket_.send({&view, 1}));
}

/// Only to what could be a first packet: nobody is to have us send more than they do.
void Endpoint::negotiate_version(const DatagramView& datagram, const ngtcp2_version_cid& head) {
  if (draining_ || datagram.bytes.size() < kSmallestFirst || !may_answer()) return;
  constexpr std::array<std::uint32_t, 1> kSpoken{NGTCP2_PROTO_VER_V1};
  std::array<std::uint8_t, NGTCP2_MAX_UDP_PAYLOAD_SIZE> packet;
  const auto random = static_cast<std::uint8_t>(crypto::random_octets(1).front());
  const ngtcp2_ssize size =
      ::ngtcp2_pkt_write_version_negotiation(packet.data(), packet.size(), random, head.scid, head.scidlen, head.dcid,
                                             head.dcidlen, kSpoken.data(), kSpoken.size());
  if (size > 0) answer(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

/// Whoever wants a connection is asked to come back with what only its address hears. RFC 9000, 8.1.2.
void Endpoint::retry(const DatagramView& datagram, const ngtcp2_pkt_hd& head) {
  const ngtcp2_cid id = group_.ids().issue(shard_);
  const std::string_view key = group_.ids().token_key();
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN> token;
  const ngtcp2_ssize length = ::ngtcp2_crypto_generate_retry_token(
      token.data(), reinterpret_cast<const std::uint8_t*>(key.data()), key.size(), head.version, datagram.peer.data(),
      datagram.peer.size(), &id, &head.dcid, static_cast<std::uint64_t>(reactor_.clock().wall_ns()));
  if (length < 0) return;
  std::array<std::uint8_t, NGTCP2_MAX_UDP_PAYLOAD_SIZE> packet;
  const ngtcp2_ssize size = ::ngtcp2_crypto_write_retry(packet.data(), packet.size(), head.version, &head.scid, &id,
                                                        &head.dcid, token.data(), static_cast<std::size_t>(length));
  if (size > 0) answer(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

void Endpoint::refuse(const DatagramView& datagram, const ngtcp2_pkt_hd& head, std::uint64_t code) {
  if (!may_answer()) return;
  std::array<std::uint8_t, NGTCP2_MAX_UDP_PAYLOAD_SIZE> packet;
  const ngtcp2_ssize size = ::ngtcp2_crypto_write_connection_close(packet.data(), packet.size(), head.version,
                                                                   &head.scid, &head.dcid, code, nullptr, 0);
  if (size > 0) answer(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

/// For a connection that this process had and does not have any more. Shorter than what it answers, so that two who
/// reset each other come to an end.
void Endpoint::reset(const DatagramView& datagram, std::string_view id) {
  if (datagram.bytes.size() < kSmallestReset || !may_answer()) return;
  ngtcp2_cid asked{};
  ::ngtcp2_cid_init(&asked, reinterpret_cast<const std::uint8_t*>(id.data()), id.size());
  const auto token = group_.ids().reset_token(asked);
  const std::string random = crypto::random_octets(kSmallestReset - 1 - token.size());
  std::array<std::uint8_t, kSmallestReset> packet;
  const ngtcp2_ssize size =
      ::ngtcp2_pkt_write_stateless_reset(packet.data(), kSmallestReset - 1, token.data(),
                                         reinterpret_cast<const std::uint8_t*>(random.data()), random.size());
  if (size > 0) answer(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

// --- for connections --------------------------------------------------------------------------------------------

ngtcp2_cid Endpoint::issue(Connection& connection) {
  const ngtcp2_cid id = group_.ids().issue(shard_);
  learn(id, connection);
  return id;
}

void Endpoint::forget(const ngtcp2_cid& id, const Connection& connection) {
  const auto found = table_.find(quic::octets_of(id));
  if (found != table_.end() && found->second == &connection) table_.erase(found);
}

void Endpoint::retire(const Connection& connection, const std::vector<ngtcp2_cid>& known, std::string_view farewell,
                      std::int64_t for_ms) {
  std::vector<std::string> ids;
  for (const ngtcp2_cid& id : known) {
    forget(id, connection);
    ids.emplace_back(quic::octets_of(id));
  }
  farewells_.add(std::move(ids), farewell, reactor_.clock().mono_ms() + for_ms);
}

void Endpoint::handshake_begins(const IpAddress& client) {
  ++handshakes_;
  ++handshakes_of_[client_network(client)];
}

void Endpoint::handshake_ends(const IpAddress& client) {
  --handshakes_;
  const auto found = handshakes_of_.find(client_network(client));
  if (--found->second == 0) handshakes_of_.erase(found);
}

void Endpoint::want_to_send(Connection& connection) {
  waiting_.push_back(&connection);
  if (waiting_.size() > 1) return;
  reactor_.defer([mine = std::weak_ptr(self_)] {
    if (const auto self = mine.lock()) (*self)->send_waiting();
  });
}

void Endpoint::do_not_send(Connection& connection) {
  std::ranges::replace(waiting_, &connection, nullptr);
}

/// Who asks again meanwhile is served in the same pass: it has been resumed by what it has just sent.
void Endpoint::send_waiting() {
  for (std::size_t i = 0; i < waiting_.size(); ++i) {  // grows meanwhile
    Connection* const connection = std::exchange(waiting_[i], nullptr);
    if (connection == nullptr) continue;
    connection->waiting_ = false;
    connection->send();
  }
  waiting_.clear();
}

/// What the socket does not take is lost, as on any way: the connection finds out, and slows down.
void Endpoint::send(const OutgoingView& train) {
  static_cast<void>(socket_.send({&train, 1}));
}

}  // namespace sluice::net::quic
