// SPDX-License-Identifier: Apache-2.0
#include "net/tls/handshake.h"

#include <utility>

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "net/tls/layer.h"
#include "net/tls/server_handshake.h"

namespace sluice::net::tls {
namespace {

/// Why OpenSSL gave up, from its error queue.
Error handshake_failure(SSL* ssl) {
  const unsigned long code = ERR_peek_error();
  const long verdict = SSL_get_verify_result(ssl);
  const bool untrusted = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  // Reasons from 1000 on are alerts that the peer sent.
  const bool alert = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET;
  Error error;
  error.code = untrusted ? Errc::Forbidden : alert ? Errc::Refused : Errc::Invalid;
  error.what = "TLS handshake: " + take_error();
  if (untrusted) error.what += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  return error;
}

std::unexpected<Error> ended(Errc code, std::string what) {
  return fail(code, "TLS handshake: " + std::move(what));
}

/// Both sides' handshake; the caller sets the blame.
Task<Result<>> shake_hands(Stream& stream, TlsLayer& layer, rt::Deadline deadline) {
  for (;;) {
    rt::Wake wake = rt::Wake::Ready;
    switch (layer.handshake(stream)) {
      case TlsLayer::Step::Done:
        co_return Result<>{};
      case TlsLayer::Step::NeedsInput:
        wake = co_await stream.readable(deadline);
        break;
      case TlsLayer::Step::NeedsOutput:
        wake = co_await stream.writable(deadline);
        break;
      case TlsLayer::Step::PlainHttp:
        co_return ended(Errc::Unsupported, "plain HTTP request on a TLS port");
      case TlsLayer::Step::Closed:
        co_return ended(Errc::Closed, "connection closed by the peer");
      case TlsLayer::Step::Failed:
        co_return std::unexpected(handshake_failure(layer.handle()));
    }
    if (wake == rt::Wake::TimedOut) co_return ended(Errc::Timeout, "timed out");
  }
}

/// Session tickets wait for the first response, to leave in one send with it. A client that holds small writes back
/// until all it sent is acknowledged (Nagle's algorithm: Java's and Python's default) would then wait with its request
/// for the kernel's delayed acknowledgement, 40 ms.
void acknowledge_now(const Stream& stream) {
  const int on = 1;
  ::setsockopt(stream.fd(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

bool set_peer_name(SSL* ssl, const ClientSettings& settings, const std::string& host) {
  const bool is_ip = IpAddress::parse(host).has_value();
  if (!is_ip && !host.empty() && SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) return false;
  if (!settings.verify || !settings.verify_name) return true;
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_ip) return X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  return !host.empty() && X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1;
}

}  // namespace

Task<Result<>> accept(Stream& stream, std::shared_ptr<const ServerContext> context,
                      std::shared_ptr<const IdentityResolver> resolver, rt::Deadline deadline) {
  ServerHandshake handshake{*context, resolver.get()};
  SslPtr ssl(SSL_new(context->handle()));
  if (!ssl) co_return fail(Errc::Unavailable, "TLS connection: " + take_error(), Blame::System);
  SSL_set_accept_state(ssl.get());
  SSL_set_app_data(ssl.get(), &handshake);
  auto layer = std::make_unique<TlsLayer>(std::move(ssl), context);
  auto outcome = co_await shake_hands(stream, *layer, deadline);
  SSL_set_app_data(layer->handle(), nullptr);
  if (!outcome) {
    outcome.error().blame = Blame::Client;
    co_return outcome;
  }
  const ClientAuth demanded = context->settings().client_auth;
  const bool judged = handshake.clients ? handshake.clients->trust != nullptr
                                        : demanded == ClientAuth::Optional || demanded == ClientAuth::Required;
  layer->note_client(std::move(handshake.clients), judged ? ClientVerdict::Known : ClientVerdict::NotSought);
  stream.set_layer(std::move(layer));
  if (!stream.has_input()) acknowledge_now(stream);
  co_return outcome;
}

Task<Result<>> connect(Stream& stream, std::shared_ptr<const ClientContext> context, std::string host,
                       rt::Deadline deadline) {
  auto binding = std::make_shared<ClientBinding>(context, host + " " + stream.peer().to_string());
  SslPtr ssl(SSL_new(context->handle()));
  if (!ssl) co_return fail(Errc::Unavailable, "TLS connection: " + take_error(), Blame::System);
  SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), binding.get());
  if (!set_peer_name(ssl.get(), context->settings(), host)) {
    ERR_clear_error();
    co_return fail(Errc::Invalid, "TLS server name is not usable: " + host);
  }
  if (auto session = context->sessions().find(binding->peer)) SSL_set_session(ssl.get(), session.get());
  auto layer = std::make_unique<TlsLayer>(std::move(ssl), std::move(binding));
  auto outcome = co_await shake_hands(stream, *layer, deadline);
  if (!outcome) {
    outcome.error().blame = Blame::Upstream;
    outcome.error().retry = Retry::Safe;
    co_return outcome;
  }
  stream.set_layer(std::move(layer));
  co_return outcome;
}

}  // namespace sluice::net::tls
