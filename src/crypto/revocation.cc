// SPDX-License-Identifier: Apache-2.0
#include "crypto/revocation.h"

#include <climits>
#include <ctime>
#include <utility>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace sluice::crypto {
namespace {

constexpr long kClockSkewS = 300;
constexpr long kOldestS = 24L * 60 * 60;  // an answer that names no end: another may have replaced it since

struct Free {
  void operator()(OCSP_REQUEST* request) const { OCSP_REQUEST_free(request); }
  void operator()(OCSP_RESPONSE* response) const { OCSP_RESPONSE_free(response); }
  void operator()(OCSP_BASICRESP* basic) const { OCSP_BASICRESP_free(basic); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(CRL_DIST_POINTS* points) const { CRL_DIST_POINTS_free(points); }
  void operator()(STACK_OF(OPENSSL_STRING) * strings) const { X509_email_free(strings); }
  void operator()(STACK_OF(X509) * list) const { sk_X509_free(list); }          // the certificates belong to others
  void operator()(STACK_OF(X509_CRL) * list) const { sk_X509_CRL_free(list); }  // likewise the lists
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::unexpected<Error> refused(std::string what) {
  ERR_clear_error();
  return fail(Errc::Refused, std::move(what), Blame::Upstream);
}

/// The first reason in OpenSSL's queue, which is empty afterwards.
std::string take_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::int64_t{::timegm(&parts)} : 0;
}

void add_url(std::vector<std::string>& urls, std::string url) {
  if (url.starts_with("http://") || url.starts_with("https://")) urls.push_back(std::move(url));
}

/// The issuer alone: signed by it, or by whom it has named for that; nobody else may speak for it.
Owned<X509_STORE> store_of(const Certificate& issuer) {
  Owned<X509_STORE> store(X509_STORE_new());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_add_cert(store.get(), issuer.handle());
  return store;
}

Owned<X509_CRL> parse_list(std::string_view text) {
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  Owned<X509_CRL> list(d2i_X509_CRL(nullptr, &data, static_cast<long>(text.size())));
  if (list || text.size() > INT_MAX) return list;
  const Owned<BIO> reader(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  list.reset(PEM_read_bio_X509_CRL(reader.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return list;
}

}  // namespace

RevocationSources revocation_sources(const Certificate& certificate) {
  RevocationSources sources;
  const Owned<STACK_OF(OPENSSL_STRING)> responders(X509_get1_ocsp(certificate.handle()));
  for (int i = 0; i < sk_OPENSSL_STRING_num(responders.get()); ++i) {
    add_url(sources.responders, sk_OPENSSL_STRING_value(responders.get(), i));
  }
  const Owned<CRL_DIST_POINTS> points(static_cast<CRL_DIST_POINTS*>(
      X509_get_ext_d2i(certificate.handle(), NID_crl_distribution_points, nullptr, nullptr)));
  for (int i = 0; i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
    if (point->distpoint == nullptr || point->distpoint->type != 0) continue;  // 1: relative to the issuer's name
    const GENERAL_NAMES* names = point->distpoint->name.fullname;
    for (int j = 0; j < sk_GENERAL_NAME_num(names); ++j) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, j);
      if (name->type != GEN_URI) continue;
      const ASN1_IA5STRING* url = name->d.uniformResourceIdentifier;
      add_url(sources.lists, {reinterpret_cast<const char*>(ASN1_STRING_get0_data(url)),
                              static_cast<std::size_t>(ASN1_STRING_length(url))});
    }
  }
  return sources;
}

void OcspQuestion::FreeId::operator()(ocsp_cert_id_st* id) const noexcept {
  OCSP_CERTID_free(id);
}

Result<std::shared_ptr<const OcspQuestion>> OcspQuestion::about(const Certificate& certificate,
                                                                const Certificate& issuer) {
  std::shared_ptr<OcspQuestion> question(new OcspQuestion(issuer));
  question->id_.reset(OCSP_cert_to_id(nullptr, certificate.handle(), issuer.handle()));
  const Owned<OCSP_REQUEST> request(OCSP_REQUEST_new());
  OCSP_CERTID* copy = question->id_ ? OCSP_CERTID_dup(question->id_.get()) : nullptr;
  if (!request || copy == nullptr || OCSP_request_add0_id(request.get(), copy) == nullptr) {
    OCSP_CERTID_free(copy);
    return fail(Errc::Invalid, "OCSP request: " + take_reason());
  }
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_REQUEST(request.get(), &der);
  if (size <= 0) return fail(Errc::Invalid, "OCSP request: " + take_reason());
  question->der_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return question;
}

Result<RevocationAnswer> OcspQuestion::judge(std::string_view text) const {
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  const Owned<OCSP_RESPONSE> response(d2i_OCSP_RESPONSE(nullptr, &data, static_cast<long>(text.size())));
  if (!response) return refused("malformed OCSP response: " + take_reason());
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refused(std::string("the responder answers ") + OCSP_response_status_str(status));
  }
  const Owned<OCSP_BASICRESP> basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return refused("malformed OCSP response: " + take_reason());
  const Owned<STACK_OF(X509)> signers(sk_X509_new_null());
  sk_X509_push(signers.get(), issuer_.handle());
  const Owned<X509_STORE> authority = store_of(issuer_);
  if (OCSP_basic_verify(basic.get(), signers.get(), authority.get(), 0) != 1) {
    return refused("OCSP response of somebody else: " + take_reason());
  }
  int status = 0;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  if (OCSP_resp_find_status(basic.get(), id_.get(), &status, nullptr, nullptr, &this_update, &next_update) != 1) {
    return refused("OCSP response about another certificate");
  }
  const long oldest_s = next_update == nullptr ? kOldestS : -1;
  if (OCSP_check_validity(this_update, next_update, kClockSkewS, oldest_s) != 1) {
    return refused("OCSP response out of date: " + take_reason());
  }
  RevocationAnswer answer;
  if (status == V_OCSP_CERTSTATUS_GOOD) answer.status = RevocationAnswer::Status::Good;
  if (status == V_OCSP_CERTSTATUS_REVOKED) answer.status = RevocationAnswer::Status::Revoked;
  if (next_update != nullptr) answer.next_update_s = seconds_of(next_update);
  return answer;
}

/// OpenSSL judges the list as a part of the chain: whose it is, for which certificates, and when.
Result<RevocationAnswer> judge_list(std::string_view text, const Certificate& certificate, const Certificate& issuer) {
  const Owned<X509_CRL> list = parse_list(text);
  if (!list) return refused("malformed list of revoked certificates");
  const Owned<STACK_OF(X509_CRL)> lists(sk_X509_CRL_new_null());
  sk_X509_CRL_push(lists.get(), list.get());
  const Owned<X509_STORE> authority = store_of(issuer);
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), authority.get(), certificate.handle(), nullptr) != 1) {
    return refused("list of revoked certificates: " + take_reason());
  }
  X509_STORE_CTX_set0_crls(context.get(), lists.get());
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_CRL_CHECK);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int reason = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (!good && reason != X509_V_ERR_CERT_REVOKED) {
    return refused(std::string("list of revoked certificates: ") + X509_verify_cert_error_string(reason));
  }
  const ASN1_TIME* next_update = X509_CRL_get0_nextUpdate(list.get());
  return RevocationAnswer{.status = good ? RevocationAnswer::Status::Good : RevocationAnswer::Status::Revoked,
                          .next_update_s = next_update != nullptr ? seconds_of(next_update) : 0};
}

}  // namespace sluice::crypto
