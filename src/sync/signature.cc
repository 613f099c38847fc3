// SPDX-License-Identifier: Apache-2.0
#include "sync/signature.h"

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/json.h"
#include "crypto/pem.h"

namespace sluice::sync {
namespace {

using crypto::Certificate;
using crypto::KeyType;

constexpr int kDepth = 4;                      // of a chain, as on the link itself
constexpr std::size_t kMostSignature = 8'192;  // octets of base64; a key of 16,384 bits needs 2,732

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }  // borrows the certificates
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool can_sign(KeyType type) {
  return type == KeyType::Rsa || type == KeyType::Ec || type == KeyType::Ed25519 || type == KeyType::Ed448;
}

/// Edwards curves bring their own digest.
const EVP_MD* digest_for(KeyType type) {
  return type == KeyType::Rsa || type == KeyType::Ec ? EVP_sha256() : nullptr;
}

class KeySigner final : public Signer {
 public:
  KeySigner(std::string_view pem, crypto::PrivateKey key) : pem_(pem), key_(std::move(key)) {}

  [[nodiscard]] std::string sign(std::string_view statement) const override {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::string signature;
    std::size_t size = 0;
    const bool done =
        EVP_DigestSignInit(context.get(), nullptr, digest_for(key_.type()), nullptr, key_.handle()) == 1 &&
        EVP_DigestSign(context.get(), nullptr, &size, octets_of(statement), statement.size()) == 1 &&
        (signature.resize(size), EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                                &size, octets_of(statement), statement.size()) == 1);
    if (SLUICE_BUG(!done)) {  // make() has tried it
      ERR_clear_error();
      return {};
    }
    signature.resize(size);
    return base64_encode(signature);
  }

  [[nodiscard]] const std::string& certificate_pem() const override { return pem_; }

 private:
  std::string pem_;
  crypto::PrivateKey key_;
};

std::unexpected<Error> untrusted(std::string why) {
  return fail(Errc::Forbidden, "signature: " + std::move(why), Blame::Upstream);
}

Owned<STACK_OF(X509)> borrowed(const std::vector<Certificate>& chain) {
  Owned<STACK_OF(X509)> stack(sk_X509_new_null());
  for (const Certificate& each : chain) sk_X509_push(stack.get(), each.handle());
  return stack;
}

/// Whether the first of `chain` was issued below one of `trusted`.
Result<> verify_chain(const std::vector<Certificate>& chain, const std::vector<Certificate>& trusted, double now) {
  const Owned<X509_STORE> store(X509_STORE_new());
  for (const Certificate& each : trusted) X509_STORE_add_cert(store.get(), each.handle());
  const auto untrusted_chain = borrowed(chain);
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().handle(), untrusted_chain.get()) != 1) {
    return fail(Errc::Internal, "signature: no memory to check a chain");
  }
  X509_VERIFY_PARAM* terms = X509_STORE_CTX_get0_param(context.get());
  // An intermediate authority that is trusted needs no root above it.
  X509_VERIFY_PARAM_set_flags(terms, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_depth(terms, kDepth);
  X509_VERIFY_PARAM_set_time(terms, static_cast<std::time_t>(now));
  X509_VERIFY_PARAM_set_purpose(terms, X509_PURPOSE_SSL_SERVER);
  const int verified = X509_verify_cert(context.get());
  const int reason = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified == 1) return {};
  return untrusted(std::string("the certificate is not trusted: ") + X509_verify_cert_error_string(reason));
}

}  // namespace

Result<std::shared_ptr<const Signer>> Signer::make(std::string_view certificate_pem,
                                                   const Secret<std::string>& key_pem) {
  TRY(const auto chain, Certificate::parse_chain(certificate_pem));
  TRY(auto key, crypto::PrivateKey::parse(key_pem.reveal()));
  if (!key.belongs_to(chain.front())) return fail(Errc::Invalid, "the key does not belong to the certificate");
  if (!can_sign(key.type())) return fail(Errc::Unsupported, "a key that cannot sign");
  return std::make_shared<const KeySigner>(certificate_pem, std::move(key));
}

Result<> verify(std::string_view statement, std::string_view signature, std::string_view certificate_pem) {
  if (signature.size() > kMostSignature) return untrusted("it is too long");
  TRY(const std::string octets, base64_decode(signature));
  TRY(const auto chain, Certificate::parse_chain(certificate_pem));
  const KeyType type = chain.front().key_type();
  if (!can_sign(type)) return untrusted("a key that cannot sign");
  EVP_PKEY* key = X509_get0_pubkey(chain.front().handle());
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, digest_for(type), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), octets_of(octets), octets.size(), octets_of(statement), statement.size()) == 1;
  ERR_clear_error();
  if (good) return {};
  return untrusted("it is not of this certificate's key, or what was signed has been changed");
}

Result<> verify_issuer(std::string_view certificate_pem, std::string_view trusted_pem, double now,
                       std::string_view server_name) {
  TRY(const auto chain, Certificate::parse_chain(certificate_pem));
  TRY(const auto trusted, Certificate::parse_chain(trusted_pem));
  const Certificate& leaf = chain.front();
  const auto same = [&](const Certificate& each) { return X509_cmp(each.handle(), leaf.handle()) == 0; };
  if (std::ranges::any_of(trusted, same)) return {};
  TRY(verify_chain(chain, trusted, now));
  if (server_name.empty() || X509_check_host(leaf.handle(), server_name.data(), server_name.size(), 0, nullptr) == 1) {
    return {};
  }
  return untrusted("the certificate is not for " + std::string(server_name));
}

std::string statement_of(std::string_view control_plane, std::string_view version, std::string_view hash) {
  // A list in JSON has one reading only; its head keeps it apart from anything else that the key may sign.
  return to_json(Json::Array{"sluice configuration", control_plane, version, hash});
}

}  // namespace sluice::sync
