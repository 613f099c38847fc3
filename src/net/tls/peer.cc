// SPDX-License-Identifier: Apache-2.0
#include "net/tls/peer.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "net/tls/layer.h"

namespace sluice::net::tls {
namespace {

using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

SSL* session_of(const Stream& stream) {
  const auto* layer = dynamic_cast<const TlsLayer*>(stream.layer());
  return layer != nullptr ? layer->handle() : nullptr;
}

}  // namespace

std::optional<crypto::Certificate> peer_certificate(const Stream& stream) {
  const auto* layer = dynamic_cast<const TlsLayer*>(stream.layer());
  if (layer == nullptr) return std::nullopt;
  auto parsed = crypto::Certificate::parse(layer->peer_certificate_pem());
  return parsed ? std::optional(*std::move(parsed)) : std::nullopt;
}

Result<> verify_client(const Stream& stream, const TrustStore& trust, int depth, Validity validity) {
  SSL* session = session_of(stream);
  X509* leaf = session != nullptr ? SSL_get0_peer_certificate(session) : nullptr;
  if (leaf == nullptr) return fail(Errc::Forbidden, "the client presented no certificate", Blame::Client);
  const StoreContextPtr context(X509_STORE_CTX_new());
  // What came with the leaf may be intermediates, and is trusted by nobody for being there.
  if (context == nullptr ||
      X509_STORE_CTX_init(context.get(), trust.handle(), leaf, SSL_get_peer_cert_chain(session)) != 1) {
    return config_failure("certificate of a client");
  }
  X509_STORE_CTX_set_default(context.get(), "ssl_client");
  X509_STORE_CTX_set_depth(context.get(), depth);
  if (validity == Validity::AnyTime) X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(context.get()) == 1) return {};
  const char* reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  return fail(Errc::Forbidden, std::string("the client's certificate: ") + reason, Blame::Client);
}

Result<> verify_name(const Stream& stream, const std::string& host) {
  SSL* session = session_of(stream);
  X509* leaf = session != nullptr ? SSL_get0_peer_certificate(session) : nullptr;
  if (leaf == nullptr) return fail(Errc::Forbidden, "no certificate was presented", Blame::Upstream);
  if (X509_check_host(leaf, host.data(), host.size(), 0, nullptr) == 1 || X509_check_ip_asc(leaf, host.c_str(), 0) == 1)
    return {};
  return fail(Errc::Forbidden, "the certificate is not for " + host, Blame::Upstream);
}

}  // namespace sluice::net::tls
