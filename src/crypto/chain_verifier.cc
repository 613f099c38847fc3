// SPDX-License-Identifier: Apache-2.0
#include "crypto/chain_verifier.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <string>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "base/assert.h"

namespace sluice::crypto {
namespace {

constexpr int kMaxIntermediates = 10;  // as many as handshakes take
constexpr int kSecurityLevel = 1;      // OpenSSL's, as in handshakes: no SHA-1, no RSA below 1024 bits

struct FreeContext {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
struct FreeList {
  void operator()(STACK_OF(X509) * list) const { sk_X509_free(list); }  // the certificates belong to others
};
using ContextPtr = std::unique_ptr<X509_STORE_CTX, FreeContext>;
using ListPtr = std::unique_ptr<STACK_OF(X509), FreeList>;

VerifiedChain read_chain(X509_STORE_CTX* context) {
  VerifiedChain read;
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const Certificate& next = read.certificates.emplace_back(Certificate::share(sk_X509_value(chain, i)));
    read.begins_s = i == 0 ? next.not_before() : std::max(read.begins_s, next.not_before());
    read.ends_s = i == 0 ? next.not_after() : std::min(read.ends_s, next.not_after());
  }
  return read;
}

}  // namespace

void ChainVerifier::Free::operator()(x509_store_st* store) const noexcept {
  X509_STORE_free(store);
}

ChainVerifier::ChainVerifier(std::span<const Certificate> authorities, Anchors anchors) : store_(X509_STORE_new()) {
  if (anchors == Anchors::All) X509_STORE_set_flags(store_.get(), X509_V_FLAG_PARTIAL_CHAIN);
  for (const Certificate& authority : authorities) {
    const int added = X509_STORE_add_cert(store_.get(), authority.handle());
    SLUICE_ASSERT(added == 1);  // fails for want of memory only
  }
}

Result<VerifiedChain> ChainVerifier::verify(std::span<const Certificate> shown, std::int64_t now_s) const {
  SLUICE_ASSERT(!shown.empty());
  const ListPtr others(sk_X509_new_null());
  for (const Certificate& other : shown.subspan(1)) sk_X509_push(others.get(), other.handle());
  const ContextPtr context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store_.get(), shown.front().handle(), others.get()) != 1) {
    return fail(Errc::Internal, "verification of a certificate cannot begin");
  }
  X509_STORE_CTX_set_default(context.get(), "ssl_client");
  X509_VERIFY_PARAM* terms = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_depth(terms, kMaxIntermediates);
  X509_VERIFY_PARAM_set_auth_level(terms, kSecurityLevel);
  X509_VERIFY_PARAM_set_time(terms, static_cast<std::time_t>(now_s));
  if (X509_verify_cert(context.get()) == 1) return read_chain(context.get());
  const int reason = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  return fail(Errc::Forbidden, X509_verify_cert_error_string(reason), Blame::Client);
}

}  // namespace sluice::crypto
