// SPDX-License-Identifier: Apache-2.0
#include "net/tls/ocsp.h"

#include <algorithm>
#include <string>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace sluice::net::tls {
namespace {

constexpr long kFeatureStatusRequest = 5;  // RFC 7633, 4.2.3.1: the number of the TLS extension

using FeaturesPtr = std::unique_ptr<TLS_FEATURE, FreeWith<TLS_FEATURE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

/// The first http one: a responder over TLS would need one more certificate to be in order.
std::string responder_of(const crypto::Certificate& certificate) {
  const crypto::RevocationSources sources = crypto::revocation_sources(certificate);
  const auto plain =
      std::ranges::find_if(sources.responders, [](const std::string& url) { return url.starts_with("http://"); });
  return plain != sources.responders.end() ? *plain : std::string();
}

X509Ptr issuer_of(const Identity& identity, const TrustStore* trust) {
  X509* leaf = identity.leaf().handle();
  if (identity.chain().size() > 1) {
    X509* next = identity.chain()[1].handle();
    if (X509_check_issued(next, leaf) == X509_V_OK) {
      X509_up_ref(next);
      return X509Ptr(next);
    }
  }
  if (trust == nullptr) return nullptr;
  const StoreContextPtr context(X509_STORE_CTX_new());
  X509* found = nullptr;
  if (context && X509_STORE_CTX_init(context.get(), trust->handle(), nullptr, nullptr) == 1 &&
      X509_STORE_CTX_get1_issuer(&found, context.get(), leaf) == 1) {
    return X509Ptr(found);
  }
  take_error();
  return nullptr;
}

}  // namespace

bool must_staple(const crypto::Certificate& certificate) {
  const FeaturesPtr features(
      static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate.handle(), NID_tlsfeature, nullptr, nullptr)));
  if (!features) return false;
  for (int i = 0; i < sk_ASN1_INTEGER_num(features.get()); ++i) {
    if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features.get(), i)) == kFeatureStatusRequest) return true;
  }
  return false;
}

Result<std::shared_ptr<const OcspQuestion>> OcspQuestion::about(const Identity& identity, const TrustStore* trust,
                                                                std::string_view responder) {
  std::shared_ptr<OcspQuestion> question(new OcspQuestion());
  question->url_ = responder.empty() ? responder_of(identity.leaf()) : std::string(responder);
  if (question->url_.empty()) return fail(Errc::NotFound, "the certificate names no responder over http");
  const X509Ptr issuer = issuer_of(identity, trust);
  if (!issuer) return fail(Errc::NotFound, "the issuer is neither in the chain nor among those trusted");
  TRY(question->question_, crypto::OcspQuestion::about(identity.leaf(), crypto::Certificate::share(issuer.get())));
  return question;
}

}  // namespace sluice::net::tls
