// SPDX-License-Identifier: Apache-2.0
#include "net/tls/ocsp.h"

#include <ctime>
#include <utility>

#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace sluice::net::tls {
namespace {

constexpr long kClockSkewS = 300;
constexpr long kOldestS = 24L * 60 * 60;   // an answer that names no end: another may have replaced it since
constexpr long kFeatureStatusRequest = 5;  // RFC 7633, 4.2.3.1: the number of the TLS extension

using RequestPtr = std::unique_ptr<OCSP_REQUEST, FreeWith<OCSP_REQUEST_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;
using FeaturesPtr = std::unique_ptr<TLS_FEATURE, FreeWith<TLS_FEATURE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

struct FreeStrings {
  void operator()(STACK_OF(OPENSSL_STRING) * strings) const noexcept { X509_email_free(strings); }
};

/// The first http one: a responder over TLS would need one more certificate to be in order.
std::string responder_of(X509* certificate) {
  const std::unique_ptr<STACK_OF(OPENSSL_STRING), FreeStrings> urls(X509_get1_ocsp(certificate));
  for (int i = 0; i < sk_OPENSSL_STRING_num(urls.get()); ++i) {
    const std::string url = sk_OPENSSL_STRING_value(urls.get(), i);
    if (url.starts_with("http://")) return url;
  }
  return {};
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

std::unexpected<Error> refused(std::string what) {
  return fail(Errc::Refused, std::move(what), Blame::Upstream);
}

std::int64_t seconds_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::int64_t{::timegm(&parts)} : 0;
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

void OcspQuestion::FreeId::operator()(ocsp_cert_id_st* id) const noexcept {
  OCSP_CERTID_free(id);
}

Result<std::shared_ptr<const OcspQuestion>> OcspQuestion::about(const Identity& identity, const TrustStore* trust,
                                                                std::string_view responder) {
  std::shared_ptr<OcspQuestion> question(new OcspQuestion());
  X509* leaf = identity.leaf().handle();
  question->url_ = responder.empty() ? responder_of(leaf) : std::string(responder);
  if (question->url_.empty()) return fail(Errc::NotFound, "the certificate names no responder over http");
  question->issuer_ = issuer_of(identity, trust);
  if (!question->issuer_) return fail(Errc::NotFound, "the issuer is neither in the chain nor among those trusted");

  question->id_.reset(OCSP_cert_to_id(nullptr, leaf, question->issuer_.get()));
  const RequestPtr request(OCSP_REQUEST_new());
  OCSP_CERTID* copy = OCSP_CERTID_dup(question->id_.get());
  if (!request || copy == nullptr || OCSP_request_add0_id(request.get(), copy) == nullptr) {
    OCSP_CERTID_free(copy);
    return config_failure("OCSP request");
  }
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_REQUEST(request.get(), &der);
  if (size <= 0) return config_failure("OCSP request");
  question->der_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);

  // Signed by the issuer, or by whom it has named for that: nobody else may speak for it.
  question->authority_.reset(X509_STORE_new());
  X509_STORE_set_flags(question->authority_.get(), X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_add_cert(question->authority_.get(), question->issuer_.get());
  return question;
}

Result<OcspAnswer> OcspQuestion::judge(std::string_view text) const {
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &data, static_cast<long>(text.size())));
  if (!response) return refused("malformed OCSP response: " + take_error());
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refused(std::string("the responder answers ") + OCSP_response_status_str(status));
  }
  const BasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return refused("malformed OCSP response: " + take_error());
  const auto free_stack = [](STACK_OF(X509) * stack) { sk_X509_free(stack); };
  const std::unique_ptr<STACK_OF(X509), decltype(free_stack)> signers(sk_X509_new_null(), free_stack);
  sk_X509_push(signers.get(), issuer_.get());
  if (OCSP_basic_verify(basic.get(), signers.get(), authority_.get(), 0) != 1) {
    return refused("OCSP response of somebody else: " + take_error());
  }
  int status = 0;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  if (OCSP_resp_find_status(basic.get(), id_.get(), &status, nullptr, nullptr, &this_update, &next_update) != 1) {
    return refused("OCSP response about another certificate");
  }
  const long oldest_s = next_update == nullptr ? kOldestS : -1;
  if (OCSP_check_validity(this_update, next_update, kClockSkewS, oldest_s) != 1) {
    return refused("OCSP response out of date: " + take_error());
  }
  OcspAnswer answer;
  if (status == V_OCSP_CERTSTATUS_GOOD) answer.status = OcspAnswer::Status::Good;
  if (status == V_OCSP_CERTSTATUS_REVOKED) answer.status = OcspAnswer::Status::Revoked;
  if (next_update != nullptr) answer.next_update_s = seconds_of(next_update);
  return answer;
}

}  // namespace sluice::net::tls
