// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

// OpenSSL: SSL, SSL_CTX and SSL_SESSION are other names of these.
struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace sluice::bench {

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

/// A TLS client that verifies nothing (the certificate is the benchmark's own) and offers what OPENSSL_CONF says.
/// Throws std::runtime_error.
ContextPtr make_client_context();

/// One client connection, plain or TLS, with at most one request on the way. Knows no clock and no schedule.
class Connection {
 public:
  enum class Progress {
    Pending,  // wait for the socket
    Done,     // the whole reply arrived
    Failed,   // why() says what happened; the connection is closed
  };

  explicit Connection(std::uint16_t port, ssl_ctx_st* context) : port_(port), context_(context) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins a request, on the open connection or on a new one. `head` must outlive the exchange.
  Progress start(std::string_view head);
  /// Goes on after the socket became ready.
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
  enum class Phase { Idle, Connecting, Handshake, Sending, Receiving };

  Progress connect();
  Progress after_connect();
  Progress handshake();
  Progress send();
  Progress receive();
  Progress read_reply(std::string_view bytes);
  Progress finish_head();
  Progress fail(std::string why);
  /// Bytes moved; 0 for "wait", -1 for an end or an error.
  ssize_t write_some(std::string_view bytes);
  ssize_t read_some(char* into, std::size_t size);

  static int remember_session(ssl_st* ssl, ssl_session_st* session);
  friend ContextPtr make_client_context();

  std::uint16_t port_;
  ssl_ctx_st* context_;  // null for plain connections
  int fd_ = -1;
  SslPtr ssl_;
  SessionPtr session_;
  bool keep_session_ = false;
  bool is_new_ = false;
  Phase phase_ = Phase::Idle;
  std::string_view unsent_;
  std::string head_;  // of the reply, until it is complete
  bool in_body_ = false;
  std::uint64_t body_left_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t handshakes_ = 0;
  std::uint64_t resumed_ = 0;
  std::string why_;
};

}  // namespace sluice::bench
