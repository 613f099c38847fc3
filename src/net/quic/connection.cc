// SPDX-License-Identifier: Apache-2.0
#include "net/quic/connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <ngtcp2/ngtcp2_crypto.h>

#include "base/log.h"
#include "crypto/random.h"
#include "net/quic/addresses.h"
#include "net/quic/endpoint.h"
#include "net/quic/train.h"
#include "rt/reactor.h"

namespace sluice::net::quic {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
// Ids that a client gives us for its addresses to come: so many are asked for, and so many are taken. ngtcp2 0.12
// counts some twice while a path is validated, and would end connections whose clients give all that they may.
constexpr std::uint64_t kClientIdsAsked = 4;
constexpr std::uint64_t kClientIdsTaken = 8;
constexpr std::int64_t kFarewellRounds = 3;  // probe time-outs, RFC 9000, 10.2

}  // namespace

/// What ngtcp2 calls. Nothing but translation.
struct Connection::Callbacks {
  static Connection& of(void* data) { return *static_cast<Connection*>(data); }
  static Application& application(void* data) { return of(data).application_; }
  static int outcome(bool well) { return well ? 0 : NGTCP2_ERR_CALLBACK_FAILURE; }

  static int handshake_completed(ngtcp2_conn* conn, void* data) {
    Connection& connection = of(data);
    connection.established_ = true;
    connection.endpoint_.handshake_ends(connection.first_ip_);
    connection.forget_first_id();
    const ngtcp2_transport_params* local = ::ngtcp2_conn_get_local_transport_params(conn);
    const_cast<ngtcp2_transport_params*>(local)->active_connection_id_limit = kClientIdsTaken;
    return outcome(connection.application_.established());
  }
  static int recv_stream_data(ngtcp2_conn*, std::uint32_t flags, std::int64_t stream, std::uint64_t,
                              const std::uint8_t* octets, std::size_t size, void* data, void*) {
    const std::string_view view(reinterpret_cast<const char*>(octets), size);
    return outcome(application(data).stream_data(stream, view, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0));
  }
  static int acknowledged(ngtcp2_conn*, std::int64_t stream, std::uint64_t, std::uint64_t size, void* data, void*) {
    return outcome(application(data).stream_acknowledged(stream, size));
  }
  static int stream_open(ngtcp2_conn*, std::int64_t stream, void* data) {
    return outcome(application(data).stream_opened(stream));
  }
  static int stream_close(ngtcp2_conn*, std::uint32_t flags, std::int64_t stream, std::uint64_t code, void* data,
                          void*) {
    const bool has_code = (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;
    return outcome(application(data).stream_closed(stream, has_code ? code : 0));
  }
  static int stream_reset(ngtcp2_conn*, std::int64_t stream, std::uint64_t, std::uint64_t, void* data, void*) {
    application(data).stream_reset(stream);
    return 0;
  }
  static int extend_max_stream_data(ngtcp2_conn*, std::int64_t stream, std::uint64_t, void* data, void*) {
    return outcome(application(data).stream_unblocked(stream));
  }
  static void rand(std::uint8_t* to, std::size_t size, const ngtcp2_rand_ctx*) {
    const std::string octets = crypto::random_octets(size);
    std::memcpy(to, octets.data(), size);
  }
  static int get_new_connection_id(ngtcp2_conn*, ngtcp2_cid* id, std::uint8_t* token, std::size_t, void* data) {
    Connection& connection = of(data);
    *id = connection.endpoint_.issue(connection);
    const auto made = connection.endpoint_.group().ids().reset_token(*id);
    std::memcpy(token, made.data(), made.size());
    return 0;
  }
  static int remove_connection_id(ngtcp2_conn*, const ngtcp2_cid* id, void* data) {
    Connection& connection = of(data);
    connection.endpoint_.forget(*id, connection);
    return 0;
  }
  /// ngtcp2 sends to a new address at once, within what may be sent to one that is not certain. What is told of the
  /// client waits until it is.
  static int path_validation(ngtcp2_conn* conn, std::uint32_t, const ngtcp2_path* path,
                             ngtcp2_path_validation_result result, void* data) {
    Connection& connection = of(data);
    const Address proven = address_of(path->remote);
    const bool current = address_of(::ngtcp2_conn_get_path(conn)->remote) == proven;
    if (result != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS || !current || proven == connection.peer_) return 0;
    log::debug("quic.client_moved", {{"from", connection.peer_.to_string()}, {"to", proven.to_string()}});
    connection.peer_ = proven;
    connection.local_ = address_of(path->local);
    connection.application_.peer_moved();
    return 0;
  }

  static const ngtcp2_callbacks& all() {
    static const ngtcp2_callbacks kAll = [] {
      ngtcp2_callbacks made{};
      made.recv_client_initial = ::ngtcp2_crypto_recv_client_initial_cb;
      made.recv_crypto_data = ::ngtcp2_crypto_recv_crypto_data_cb;
      made.encrypt = ::ngtcp2_crypto_encrypt_cb;
      made.decrypt = ::ngtcp2_crypto_decrypt_cb;
      made.hp_mask = ::ngtcp2_crypto_hp_mask_cb;
      made.update_key = ::ngtcp2_crypto_update_key_cb;
      made.delete_crypto_aead_ctx = ::ngtcp2_crypto_delete_crypto_aead_ctx_cb;
      made.delete_crypto_cipher_ctx = ::ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
      made.get_path_challenge_data = ::ngtcp2_crypto_get_path_challenge_data_cb;
      made.version_negotiation = ::ngtcp2_crypto_version_negotiation_cb;
      made.handshake_completed = handshake_completed;
      made.recv_stream_data = recv_stream_data;
      made.acked_stream_data_offset = acknowledged;
      made.stream_open = stream_open;
      made.stream_close = stream_close;
      made.stream_reset = stream_reset;
      made.extend_max_stream_data = extend_max_stream_data;
      made.rand = rand;
      made.get_new_connection_id = get_new_connection_id;
      made.remove_connection_id = remove_connection_id;
      made.path_validation = path_validation;
      return made;
    }();
    return kAll;
  }
};

Connection::Connection(Endpoint& endpoint, const Arrival& arrival, const Limits& limits, Application& application)
    : endpoint_(endpoint),
      application_(application),
      handshake_(endpoint.credentials(), arrival.tls),
      peer_(arrival.peer),
      local_(arrival.local),
      first_ip_(arrival.peer.ip()) {
  endpoint_.handshake_begins(first_ip_);
  if (!open(arrival, limits)) over_ = told_ = true;
}

Connection::~Connection() {
  if (waiting_) endpoint_.do_not_send(*this);
  if (!established_) endpoint_.handshake_ends(first_ip_);
  if (conn_ == nullptr) return;
  forget_first_id();
  for (const ngtcp2_cid& id : ids()) endpoint_.forget(id, *this);
  ::ngtcp2_conn_del(conn_);
}

std::vector<ngtcp2_cid> Connection::ids() const {
  std::vector<ngtcp2_cid> list(::ngtcp2_conn_get_num_scid(conn_));
  list.resize(::ngtcp2_conn_get_scid(conn_, list.data()));
  return list;
}

bool Connection::open(const Arrival& arrival, const Limits& limits) {
  const ngtcp2_cid id = endpoint_.issue(*this);
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = now();
  settings.handshake_timeout = static_cast<std::uint64_t>(limits.handshake_ms) * kNsPerMs;
  settings.token = {reinterpret_cast<std::uint8_t*>(const_cast<char*>(arrival.token.data())), arrival.token.size()};

  ngtcp2_transport_params params;
  ngtcp2_transport_params_default(&params);
  params.initial_max_stream_data_bidi_remote = limits.stream_window;
  params.initial_max_stream_data_uni = limits.stream_window;
  params.initial_max_data = limits.connection_window;
  params.initial_max_streams_bidi = limits.streams;
  params.initial_max_streams_uni = limits.uni_streams;
  params.max_idle_timeout = static_cast<std::uint64_t>(limits.idle_ms) * kNsPerMs;
  params.active_connection_id_limit = kClientIdsAsked;
  params.original_dcid = arrival.first_id;
  if (arrival.retry_id.datalen != 0) {
    params.retry_scid = arrival.retry_id;
    params.retry_scid_present = 1;
  }
  const auto token = endpoint_.group().ids().reset_token(id);
  std::memcpy(params.stateless_reset_token, token.data(), token.size());
  params.stateless_reset_token_present = 1;
  keep_alive_ns_ = params.max_idle_timeout / 3;

  const ngtcp2_path path{address_view(local_), address_view(peer_), nullptr};
  const int failed = ngtcp2_conn_server_new(&conn_, &arrival.client_id, &id, &path, arrival.version, &Callbacks::all(),
                                            &settings, &params, nullptr, this);
  if (failed != 0) {
    conn_ = nullptr;
    endpoint_.forget(id, *this);
    return false;
  }
  first_id_ = arrival.retry_id.datalen != 0 ? arrival.retry_id : arrival.first_id;
  endpoint_.learn(first_id_, *this);
  return handshake_.open(*conn_).has_value();
}

void Connection::forget_first_id() {
  if (first_id_.datalen == 0) return;
  endpoint_.forget(first_id_, *this);
  first_id_.datalen = 0;
}

rt::Reactor& Connection::reactor() const {
  return endpoint_.reactor();
}

std::uint64_t Connection::now() const {
  return static_cast<std::uint64_t>(reactor().clock().mono_ns());
}

std::int64_t Connection::round_trip_ms() const {
  ngtcp2_conn_stat stat{};
  ngtcp2_conn_get_conn_stat(conn_, &stat);
  return static_cast<std::int64_t>(stat.smoothed_rtt / kNsPerMs);
}

// --- what comes in ----------------------------------------------------------------------------------------------

void Connection::receive(const DatagramView& datagram) {
  if (over_) return;
  const ngtcp2_path path{address_view(datagram.local), address_view(datagram.peer), nullptr};
  ngtcp2_pkt_info info{};
  info.ecn = datagram.ecn;
  busy_ = true;
  const int outcome = ngtcp2_conn_read_pkt(
      conn_, &path, &info, reinterpret_cast<const std::uint8_t*>(datagram.bytes.data()), datagram.bytes.size(), now());
  busy_ = false;
  if (outcome != 0) fail(outcome);
  if (!over_) ask_to_send();
  settle();
}

void Connection::expire() {
  if (over_) return;
  busy_ = true;
  const int outcome = ::ngtcp2_conn_handle_expiry(conn_, now());
  busy_ = false;
  if (outcome != 0) {
    fail(outcome);
    return settle();
  }
  send();
}

/// ngtcp2 says that the connection cannot go on: tells the client why, unless it is the client who said so.
void Connection::fail(int error) {
  if (over_) return;
  ngtcp2_connection_close_error reason;
  ::ngtcp2_connection_close_error_default(&reason);
  switch (error) {
    case NGTCP2_ERR_DRAINING:
      finish();
      return retire({});
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
    case NGTCP2_ERR_CLOSING:
    case NGTCP2_ERR_NOMEM:
      return finish();
    case NGTCP2_ERR_CRYPTO:
      ::ngtcp2_connection_close_error_set_transport_error_tls_alert(&reason, ::ngtcp2_conn_get_tls_alert(conn_),
                                                                    nullptr, 0);
      break;
    case NGTCP2_ERR_CALLBACK_FAILURE:
      ::ngtcp2_connection_close_error_set_application_error(&reason, application_.fault(), nullptr, 0);
      break;
    default:
      ::ngtcp2_connection_close_error_set_transport_error_liberr(&reason, error, nullptr, 0);
      break;
  }
  static log::Counted ended(log::Level::Info, "quic.connection_failed");
  ended.hit({{"client", peer_.to_string()}, {"why", ::ngtcp2_strerror(error)}});
  say_goodbye(reason);
}

void Connection::close(std::uint64_t code) {
  if (over_ || SLUICE_BUG(busy_)) return;
  ngtcp2_connection_close_error reason;
  ::ngtcp2_connection_close_error_default(&reason);
  ::ngtcp2_connection_close_error_set_application_error(&reason, code, nullptr, 0);
  say_goodbye(reason);
  settle();
}

void Connection::say_goodbye(const ngtcp2_connection_close_error& reason) {
  std::array<std::uint8_t, NGTCP2_MAX_UDP_PAYLOAD_SIZE> packet;
  ngtcp2_path_storage path;
  ::ngtcp2_path_storage_zero(&path);
  ngtcp2_pkt_info info{};
  const ngtcp2_ssize size =
      ngtcp2_conn_write_connection_close(conn_, &path.path, &info, packet.data(), packet.size(), &reason, now());
  finish();
  if (size <= 0) return;
  const std::string_view words(reinterpret_cast<const char*>(packet.data()), static_cast<std::size_t>(size));
  const Address peer = address_of(path.path.remote);
  const Address local = address_of(path.path.local);
  endpoint_.send({.bytes = words, .peer = &peer, .local = &local});
  retire(words);
}

/// What still comes for this connection is answered without it: with its last packet, or not at all.
void Connection::retire(std::string_view farewell) {
  std::vector<ngtcp2_cid> known = ids();
  if (first_id_.datalen != 0) known.push_back(first_id_);
  const auto pto_ms = static_cast<std::int64_t>(::ngtcp2_conn_get_pto(conn_) / kNsPerMs);
  endpoint_.retire(*this, known, farewell, std::max<std::int64_t>(1, kFarewellRounds * pto_ms));
}

void Connection::finish() {
  over_ = true;
  disarm();
}

/// Whatever has happened is told to the application when nothing of ngtcp2 is on the stack.
void Connection::settle() {
  if (!over_) application_.settled();
  if (over_ && !std::exchange(told_, true)) application_.ended();
}

// --- what goes out ----------------------------------------------------------------------------------------------

void Connection::ask_to_send() {
  if (over_ || std::exchange(waiting_, true)) return;
  endpoint_.want_to_send(*this);
}

int Connection::offer(const Application::Piece& piece, ngtcp2_ssize taken, ngtcp2_ssize written) {
  if (taken >= 0) {
    std::size_t whole = 0;
    for (std::size_t i = 0; i < piece.count; ++i) whole += piece.parts[i].len;
    const auto octets = static_cast<std::size_t>(taken);
    if (!application_.piece_taken(piece.stream, octets, piece.last && octets == whole)) {
      return NGTCP2_ERR_CALLBACK_FAILURE;
    }
  }
  if (written == NGTCP2_ERR_STREAM_DATA_BLOCKED) application_.piece_blocked(piece.stream);
  if (written == NGTCP2_ERR_STREAM_SHUT_WR || written == NGTCP2_ERR_STREAM_NOT_FOUND) {
    application_.piece_refused(piece.stream);
  }
  return 0;
}

ngtcp2_ssize Connection::write_packet(ngtcp2_path& path, ngtcp2_pkt_info& info, std::uint8_t* to) {
  const std::size_t room = ::ngtcp2_conn_get_max_tx_udp_payload_size(conn_);
  for (;;) {
    Application::Piece piece;
    if (established_ && !application_.next_piece(piece)) return NGTCP2_ERR_CALLBACK_FAILURE;
    std::uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_NONE;
    if (piece.stream >= 0) flags |= NGTCP2_WRITE_STREAM_FLAG_MORE;
    if (piece.last) flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
    ngtcp2_ssize taken = -1;
    const ngtcp2_ssize written = ngtcp2_conn_writev_stream(conn_, &path, &info, to, room, &taken, flags, piece.stream,
                                                           piece.parts.data(), piece.count, now());
    if (piece.stream < 0) return written;
    if (const int failed = offer(piece, taken, written); failed != 0) return failed;
    switch (written) {
      case NGTCP2_ERR_WRITE_MORE:
      case NGTCP2_ERR_STREAM_DATA_BLOCKED:
      case NGTCP2_ERR_STREAM_SHUT_WR:
      case NGTCP2_ERR_STREAM_NOT_FOUND:
        continue;
      default:
        return written;
    }
  }
}

/// As much as may leave in one go; the timer, which knows the pace, asks for the rest.
void Connection::send() {
  if (over_) return;
  Train train(endpoint_.train_buffer(), [this](const OutgoingView& view) { endpoint_.send(view); });
  const std::size_t quantum = ::ngtcp2_conn_get_send_quantum(conn_);
  std::size_t sent = 0;
  ngtcp2_ssize written = 0;
  busy_ = true;
  do {
    ngtcp2_path_storage path;
    ::ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    written = write_packet(path.path, info, train.room());
    if (written <= 0) break;
    train.add(static_cast<std::size_t>(written), path.path, info.ecn);
    sent += static_cast<std::size_t>(written);
  } while (sent < quantum);
  busy_ = false;
  train.leave();
  ::ngtcp2_conn_update_pkt_tx_time(conn_, now());
  if (written < 0) fail(static_cast<int>(written));
  if (!over_) arm();
  settle();
}

void Connection::arm() {
  const std::uint64_t at_ns = ::ngtcp2_conn_get_expiry(conn_);
  if (at_ns == UINT64_MAX) return disarm();
  const auto at_ms = static_cast<std::int64_t>((at_ns + kNsPerMs - 1) / kNsPerMs);
  reactor().timers().arm(*this, std::max(at_ms, reactor().clock().mono_ms() + 1));
}

// --- for the application ----------------------------------------------------------------------------------------

std::optional<std::int64_t> Connection::open_uni_stream() {
  std::int64_t id = -1;
  if (::ngtcp2_conn_open_uni_stream(conn_, &id, nullptr) != 0) return std::nullopt;
  return id;
}

void Connection::consumed(std::int64_t stream, std::uint64_t octets) {
  if (over_) return;
  ::ngtcp2_conn_extend_max_stream_offset(conn_, stream, octets);
  consumed(octets);
}

void Connection::consumed(std::uint64_t octets) {
  if (over_) return;
  ::ngtcp2_conn_extend_max_offset(conn_, octets);
  if (!busy_) ask_to_send();
}

void Connection::allow_streams(std::size_t bidirectional, std::size_t unidirectional) {
  if (over_) return;
  if (bidirectional != 0) ::ngtcp2_conn_extend_max_streams_bidi(conn_, bidirectional);
  if (unidirectional != 0) ::ngtcp2_conn_extend_max_streams_uni(conn_, unidirectional);
  if (!busy_) ask_to_send();
}

void Connection::reset_stream(std::int64_t stream, std::uint64_t code) {
  if (over_) return;
  ::ngtcp2_conn_shutdown_stream(conn_, stream, code);
  if (!busy_) ask_to_send();
}

void Connection::stop_stream(std::int64_t stream, std::uint64_t code) {
  if (over_) return;
  ::ngtcp2_conn_shutdown_stream_read(conn_, stream, code);
  if (!busy_) ask_to_send();
}

void Connection::keep_alive(bool wanted) {
  if (over_ || std::exchange(keeps_alive_, wanted) == wanted) return;
  ::ngtcp2_conn_set_keep_alive_timeout(conn_, wanted ? keep_alive_ns_ : 0);
  if (!busy_) ask_to_send();
}

}  // namespace sluice::net::quic
