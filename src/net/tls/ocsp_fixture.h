// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <initializer_list>
#include <string>
#include <utility>

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crypto/pem.h"
#include "net/tls/identity.h"
#include "net/tls/openssl.h"

// For tests: an authority, a certificate of it that names a responder, and what that responder says.
namespace sluice::net::tls {

inline KeyPtr new_key() {
  return KeyPtr(EVP_EC_gen("P-256"));
}

inline std::string key_pem(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// A certificate of `subject`, signed by an authority; by itself when `authority` is null.
inline X509Ptr certificate(const std::string& subject, EVP_PKEY* key, X509* authority, EVP_PKEY* authority_key,
                           std::initializer_list<std::pair<int, const char*>> extensions) {
  static long serial = 100;
  X509Ptr made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), X509_get_subject_name(authority != nullptr ? authority : made.get()));
  X509_set_pubkey(made.get(), key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, authority != nullptr ? authority : made.get(), made.get(), nullptr, nullptr, 0);
  for (const auto& [name, value] : extensions) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, name, value);
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(made.get(), authority_key != nullptr ? authority_key : key, EVP_sha256());
  return made;
}

inline std::string pem_of(X509* certificate) {
  return crypto::Certificate::share(certificate).to_pem();
}

struct OcspAuthority {
  struct Terms {
    int status = V_OCSP_CERTSTATUS_GOOD;
    long next_update_s = 600;  // 0: none is named
    long age_s = 0;
    bool about_another = false;
  };
  /// What a responder that signs with `key` says.
  std::string response(Terms terms, X509* signer, EVP_PKEY* key) {
    OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
    X509* about = terms.about_another ? signer : leaf.get();
    OCSP_CERTID* id = OCSP_cert_to_id(nullptr, about, ca.get());
    ASN1_TIME* this_update = X509_gmtime_adj(nullptr, -terms.age_s);
    ASN1_TIME* next_update = terms.next_update_s != 0 ? X509_gmtime_adj(nullptr, terms.next_update_s) : nullptr;
    OCSP_basic_add1_status(basic, id, terms.status, OCSP_REVOKED_STATUS_NOSTATUS, this_update, this_update,
                           next_update);
    OCSP_basic_sign(basic, signer, key, EVP_sha256(), nullptr, 0);
    OCSP_RESPONSE* whole = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char* der = nullptr;
    const int size = i2d_OCSP_RESPONSE(whole, &der);
    std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(whole);
    return text;
  }

  KeyPtr ca_key = new_key();
  KeyPtr leaf_key = new_key();
  X509Ptr ca = certificate("ca", ca_key.get(), nullptr, nullptr, {{NID_basic_constraints, "critical,CA:TRUE"}});
  X509Ptr leaf =
      certificate("leaf.test", leaf_key.get(), ca.get(), ca_key.get(),
                  {{NID_info_access, "OCSP;URI:http://127.0.0.1:1/ocsp"}, {NID_tlsfeature, "status_request"}});

  [[nodiscard]] Identity identity(bool with_issuer = true) const {
    return *Identity::from_pem(pem_of(leaf.get()) + (with_issuer ? pem_of(ca.get()) : ""), key_pem(leaf_key.get()));
  }
};

}  // namespace sluice::net::tls
