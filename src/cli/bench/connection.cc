// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/connection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::cli::bench {
namespace {

constexpr std::size_t kScratchBytes = 256 * 1024;

bool wants_more(const SSL* ssl, int result) {
  const int error = SSL_get_error(ssl, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

}  // namespace

void FreeSsl::operator()(SSL* ssl) const {
  SSL_free(ssl);
}
void FreeContext::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}
void FreeSession::operator()(SSL_SESSION* session) const {
  SSL_SESSION_free(session);
}

ContextPtr make_client_context(std::string_view alpn) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) throw std::runtime_error("cannot make a TLS context");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!alpn.empty()) {
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned>(alpn.size()));
  }
  // TLS 1.3 sends sessions after the handshake: they arrive through this callback.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), &Connection::remember_session);
  return context;
}

int Connection::remember_session(SSL* ssl, SSL_SESSION* session) {
  auto& self = *static_cast<Connection*>(SSL_get_app_data(ssl));
  if (!self.keep_session_) return 0;
  self.session_.reset(session);
  return 1;  // the session is ours now
}

Connection::Progress Connection::start(std::uint64_t turn) {
  turn_ = turn;
  if (!open()) return connect();
  dialogue_->ask(turn_, unsent_);
  return converse();
}

Connection::Progress Connection::resume() {
  switch (phase_) {
    case Phase::Closed:
      return fail("the connection is closed");
    case Phase::Connecting:
      return after_connect();
    case Phase::Handshake:
      return handshake();
    case Phase::Open:
      return converse();
  }
  return Progress::Pending;
}

void Connection::close() {
  if (ssl_) {
    // Says goodbye without waiting for an answer; without it OpenSSL takes the session for broken.
    SSL_shutdown(ssl_.get());
    ssl_.reset();
  }
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  phase_ = Phase::Closed;
}

Connection::Progress Connection::connect() {
  const net::Address& to = endpoint_.address;
  const int type = endpoint_.datagrams ? SOCK_DGRAM : SOCK_STREAM;
  fd_ = ::socket(to.data()->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(std::string("socket: ") + std::strerror(errno));
  is_new_ = true;
  const int on = 1;
  if (!endpoint_.datagrams) ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  phase_ = Phase::Connecting;
  if (::connect(fd_, to.data(), to.size()) == 0) return after_connect();
  if (errno != EINPROGRESS) return fail(std::string("connect: ") + std::strerror(errno));
  return Progress::Pending;
}

Connection::Progress Connection::after_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(std::string("connect: ") + std::strerror(error));
  if (endpoint_.context == nullptr) return begin();
  ssl_.reset(SSL_new(endpoint_.context));
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_fd(ssl_.get(), fd_);
  if (!endpoint_.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), endpoint_.server_name.c_str());
  if (session_) SSL_set_session(ssl_.get(), session_.get());
  phase_ = Phase::Handshake;
  return handshake();
}

Connection::Progress Connection::handshake() {
  const int result = SSL_connect(ssl_.get());
  if (result != 1) return wants_more(ssl_.get(), result) ? Progress::Pending : fail("the TLS handshake failed");
  ++handshakes_;
  if (SSL_session_reused(ssl_.get()) != 0) ++resumed_;
  return begin();
}

Connection::Progress Connection::begin() {
  phase_ = Phase::Open;
  unsent_.clear();
  sent_ = 0;
  dialogue_->open(unsent_);
  dialogue_->ask(turn_, unsent_);
  return converse();
}

bool Connection::send_all() {
  while (sent_ < unsent_.size()) {
    const ssize_t moved = write_some(std::string_view(unsent_).substr(sent_));
    if (moved < 0) return false;
    if (moved == 0) return true;
    sent_ += static_cast<std::size_t>(moved);
  }
  unsent_.clear();
  sent_ = 0;
  return true;
}

Connection::Progress Connection::converse() {
  static thread_local std::array<char, kScratchBytes> scratch;
  while (true) {
    if (!send_all()) return fail("the connection broke while sending");
    const ssize_t got = read_some(scratch.data(), scratch.size());
    if (got < 0) return fail("the connection ended before the reply was whole");
    if (got == 0) return Progress::Pending;
    bytes_read_ += static_cast<std::uint64_t>(got);
    const auto progress = dialogue_->take({scratch.data(), static_cast<std::size_t>(got)}, unsent_);
    if (progress == Progress::Failed) return fail(dialogue_->why());
    if (progress == Progress::Done) return finish();
  }
}

Connection::Progress Connection::finish() {
  if (!send_all()) return fail("the connection broke behind the reply");
  if (dialogue_->was_last()) close();
  return Progress::Done;
}

Connection::Progress Connection::fail(std::string why) {
  why_ = std::move(why);
  close();
  return Progress::Failed;
}

ssize_t Connection::write_some(std::string_view octets) {
  if (ssl_) {
    const int sent = SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size()));
    return sent > 0 ? sent : wants_more(ssl_.get(), sent) ? 0 : -1;
  }
  const ssize_t sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
  return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

ssize_t Connection::read_some(char* into, std::size_t size) {
  if (ssl_) {
    const int got = SSL_read(ssl_.get(), into, static_cast<int>(size));
    return got > 0 ? got : wants_more(ssl_.get(), got) ? 0 : -1;
  }
  const ssize_t got = ::recv(fd_, into, size, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  return got == 0 ? -1 : got;
}

}  // namespace sluice::cli::bench
