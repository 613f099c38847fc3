// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/pem.h"

// For tests: authorities, and certificates that they issue, valid when the test wants.
namespace sluice::crypto {

class TestAuthority {
 public:
  /// What a certificate says. `extensions`: by OpenSSL's number and in its words, e.g. NID_subject_alt_name,
  /// "DNS:a.test,email:x@y".
  struct Terms {
    std::string subject = "client";  // common name; empty: the subject is empty
    std::vector<std::pair<int, std::string>> extensions = {};
    std::int64_t begins_s = 1'000'000'000;
    std::int64_t ends_s = 4'000'000'000;
  };

  /// One that has signed itself.
  explicit TestAuthority(const std::string& name) : TestAuthority(name, nullptr) {}
  TestAuthority(const std::string& name, const TestAuthority& above) : TestAuthority(name, &above) {}

  [[nodiscard]] Certificate issue(const Terms& terms) const { return issue(terms, new_key().get()); }
  [[nodiscard]] const Certificate& certificate() const { return certificate_; }
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

 private:
  struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
  static KeyPtr new_key() { return KeyPtr(EVP_EC_gen("P-256")); }

  TestAuthority(const std::string& name, const TestAuthority* above)
      : key_(new_key()), certificate_(make(own_terms(name), key_.get(), above)) {}
  static Terms own_terms(const std::string& name) {
    return {.subject = name, .extensions = {{NID_basic_constraints, "critical,CA:TRUE"}}};
  }
  [[nodiscard]] Certificate issue(const Terms& terms, EVP_PKEY* key) const { return make(terms, key, this); }

  Certificate make(const Terms& terms, EVP_PKEY* key, const TestAuthority* issuer) const {
    static long serial = 0x1000;
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(made.get()), static_cast<std::time_t>(terms.begins_s));
    ASN1_TIME_set(X509_getm_notAfter(made.get()), static_cast<std::time_t>(terms.ends_s));
    if (!terms.subject.empty()) {
      X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(terms.subject.data()),
                                 static_cast<int>(terms.subject.size()), -1, 0);
    }
    X509* above = issuer != nullptr ? issuer->certificate_.handle() : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(above));
    X509_set_pubkey(made.get(), key);
    X509V3_CTX context;
    X509V3_set_ctx(&context, above, made.get(), nullptr, nullptr, 0);
    for (const auto& [name, value] : terms.extensions) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, name, value.c_str());
      X509_add_ext(made.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(made.get(), issuer != nullptr ? issuer->key_.get() : key, EVP_sha256());
    return Certificate::share(made.get());
  }

  KeyPtr key_;
  Certificate certificate_;
};

}  // namespace sluice::crypto
