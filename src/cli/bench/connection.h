// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include "cli/bench/dialogue.h"
#include "net/address.h"

// OpenSSL: SSL, SSL_CTX and SSL_SESSION are other names of these.
struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace sluice::cli::bench {

struct FreeSsl {
  void operator()(ssl_st* ssl) const;
};
struct FreeContext {
  void operator()(ssl_ctx_st* context) const;
};
struct FreeSession {
  void operator()(ssl_session_st* session) const;
};
using SslPtr = std::unique_ptr<ssl_st, FreeSsl>;
using ContextPtr = std::unique_ptr<ssl_ctx_st, FreeContext>;
using SessionPtr = std::unique_ptr<ssl_session_st, FreeSession>;

/// A TLS client that verifies nothing (whoever measures knows whom) and offers what OPENSSL_CONF says. `alpn` in wire
/// form, or empty. Throws std::runtime_error.
ContextPtr make_client_context(std::string_view alpn);

/// Where connections lead.
struct Endpoint {
  net::Address address;
  std::string server_name;        // for TLS; empty: none is sent
  bool datagrams = false;         // UDP
  ssl_ctx_st* context = nullptr;  // null: no TLS
};

/// One client connection with at most one exchange on the way. Knows no clock and no schedule.
class Connection {
 public:
  using Progress = Dialogue::Progress;

  /// `endpoint` outlives it.
  Connection(const Endpoint& endpoint, std::unique_ptr<Dialogue> dialogue)
      : endpoint_(endpoint), dialogue_(std::move(dialogue)) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins exchange number `turn`, on the open connection or on a new one.
  Progress start(std::uint64_t turn);
  /// Goes on after the socket became ready. Failed: why() says what happened; the connection is closed.
  Progress resume();
  void close();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  /// Set when start() had to make a new socket, which nobody watches yet.
  [[nodiscard]] bool is_new() const { return is_new_; }
  void set_watched() { is_new_ = false; }
  [[nodiscard]] std::string_view why() const { return why_; }
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  [[nodiscard]] std::uint64_t handshakes() const { return handshakes_; }
  [[nodiscard]] std::uint64_t resumed() const { return resumed_; }

  /// Offer the last session when connecting again.
  void resume_sessions() { keep_session_ = true; }

 private:
  enum class Phase : std::uint8_t { Closed, Connecting, Handshake, Open };

  Progress connect();
  Progress after_connect();
  Progress handshake();
  Progress begin();
  Progress converse();
  Progress finish();
  bool send_all();
  Progress fail(std::string why);
  /// Octets moved; 0 for "wait", -1 for an end or an error.
  ssize_t write_some(std::string_view octets);
  ssize_t read_some(char* into, std::size_t size);

  static int remember_session(ssl_st* ssl, ssl_session_st* session);
  friend ContextPtr make_client_context(std::string_view alpn);

  const Endpoint& endpoint_;
  std::unique_ptr<Dialogue> dialogue_;
  int fd_ = -1;
  SslPtr ssl_;
  SessionPtr session_;
  bool keep_session_ = false;
  bool is_new_ = false;
  Phase phase_ = Phase::Closed;
  std::uint64_t turn_ = 0;
  std::string unsent_;
  std::size_t sent_ = 0;  // octets of unsent_
  std::uint64_t bytes_read_ = 0;
  std::uint64_t handshakes_ = 0;
  std::uint64_t resumed_ = 0;
  std::string why_;
};

}  // namespace sluice::cli::bench
