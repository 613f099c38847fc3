// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::bench {
namespace {

constexpr std::size_t kScratchBytes = 256 * 1024;
constexpr std::size_t kMaxHead = 64 * 1024;

bool wants_more(const SSL* ssl, int result) {
  const int error = SSL_get_error(ssl, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// The value of a field, found without regard to case; empty when it is absent.
std::string_view field(std::string_view head, std::string_view name) {
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (!same_letters(line.substr(0, name.size()), name)) continue;
    auto value = line.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
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

ContextPtr make_client_context() {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) throw std::runtime_error("cannot make a TLS context");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
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

Connection::Progress Connection::start(std::string_view head) {
  unsent_ = head;
  head_.clear();
  in_body_ = false;
  if (!open()) return connect();
  phase_ = Phase::Sending;
  return send();
}

Connection::Progress Connection::resume() {
  switch (phase_) {
    case Phase::Idle:
      return fail("the server ended an idle connection");
    case Phase::Connecting:
      return after_connect();
    case Phase::Handshake:
      return handshake();
    case Phase::Sending:
      return send();
    case Phase::Receiving:
      return receive();
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
  phase_ = Phase::Idle;
}

Connection::Progress Connection::connect() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(std::string("socket: ") + std::strerror(errno));
  is_new_ = true;
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  phase_ = Phase::Connecting;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return after_connect();
  if (errno != EINPROGRESS) return fail(std::string("connect: ") + std::strerror(errno));
  return Progress::Pending;
}

Connection::Progress Connection::after_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(std::string("connect: ") + std::strerror(error));
  if (context_ == nullptr) {
    phase_ = Phase::Sending;
    return send();
  }
  ssl_.reset(SSL_new(context_));
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_fd(ssl_.get(), fd_);
  SSL_set_tlsext_host_name(ssl_.get(), "localhost");
  if (session_) SSL_set_session(ssl_.get(), session_.get());
  phase_ = Phase::Handshake;
  return handshake();
}

Connection::Progress Connection::handshake() {
  const int result = SSL_connect(ssl_.get());
  if (result != 1) return wants_more(ssl_.get(), result) ? Progress::Pending : fail("the TLS handshake failed");
  ++handshakes_;
  if (SSL_session_reused(ssl_.get()) != 0) ++resumed_;
  phase_ = Phase::Sending;
  return send();
}

Connection::Progress Connection::send() {
  while (!unsent_.empty()) {
    const ssize_t sent = write_some(unsent_);
    if (sent < 0) return fail("the connection broke while sending");
    if (sent == 0) return Progress::Pending;
    unsent_.remove_prefix(static_cast<std::size_t>(sent));
  }
  phase_ = Phase::Receiving;
  return receive();
}

Connection::Progress Connection::receive() {
  static thread_local std::array<char, kScratchBytes> scratch;
  while (true) {
    const ssize_t got = read_some(scratch.data(), scratch.size());
    if (got < 0) return fail("the connection ended before the reply was whole");
    if (got == 0) return Progress::Pending;
    bytes_read_ += static_cast<std::uint64_t>(got);
    const auto progress = read_reply({scratch.data(), static_cast<std::size_t>(got)});
    if (progress != Progress::Pending) return progress;
  }
}

Connection::Progress Connection::read_reply(std::string_view bytes) {
  if (!in_body_) {
    head_.append(bytes);
    const auto end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return head_.size() < kMaxHead ? Progress::Pending : fail("an endless reply head");
    const std::string after = head_.substr(end + 4);
    head_.resize(end);
    const auto progress = finish_head();
    return progress == Progress::Pending ? read_reply(after) : progress;
  }
  if (bytes.size() > body_left_) return fail("more bytes than Content-Length announced");
  body_left_ -= bytes.size();
  if (body_left_ > 0) return Progress::Pending;
  phase_ = Phase::Idle;
  return Progress::Done;
}

Connection::Progress Connection::finish_head() {
  if (!head_.starts_with("HTTP/1.1 2")) return fail(head_.substr(0, head_.find("\r\n")));
  const auto length = field(head_, "content-length");
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), body_left_);
  if (length.empty() || error != std::errc()) return fail("a reply without Content-Length");
  in_body_ = true;
  return Progress::Pending;
}

Connection::Progress Connection::fail(std::string why) {
  why_ = std::move(why);
  close();
  return Progress::Failed;
}

ssize_t Connection::write_some(std::string_view bytes) {
  if (ssl_) {
    const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    return sent > 0 ? sent : wants_more(ssl_.get(), sent) ? 0 : -1;
  }
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
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

}  // namespace sluice::bench
