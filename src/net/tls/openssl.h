// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"

namespace sluice::net::tls {

/// Deleter for what OpenSSL frees with a function of its own.
template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, FreeWith<SSL_SESSION_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

/// The reason of the earliest error in this thread's OpenSSL queue, which is emptied. "unknown failure" if there is
/// none.
std::string take_error();

/// A BIO that reads `text`, which must live as long. Null only when memory is exhausted.
BioPtr view_bio(std::string_view text);

/// A failure of the configuration: `what` and OpenSSL's reason.
[[nodiscard]] std::unexpected<Error> config_failure(std::string_view what);

}  // namespace sluice::net::tls
