// SPDX-License-Identifier: Apache-2.0
#include "crypto/presented_certificate.h"

#include <algorithm>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "base/assert.h"
#include "base/strings.h"
#include "crypto/hash.h"

namespace sluice::crypto {
namespace {

std::string sha1_of(const Certificate& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.handle(), &der);
  SLUICE_ASSERT(size > 0);
  std::string hex = sha1_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return hex;
}

/// A name may hold octets that no header can.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return text;
}

}  // namespace

PresentedCertificate::PresentedCertificate(std::vector<Certificate> chain, std::string verification)
    : chain_(std::move(chain)), verification_(std::move(verification)) {
  SLUICE_ASSERT(!chain_.empty());
  const Certificate& leaf = chain_.front();
  subject_ = printable(leaf.subject());
  issuer_ = printable(leaf.issuer());
  serial_ = to_upper(leaf.serial());
  fingerprint_ = sha1_of(leaf);
  std::string digests;
  for (const Certificate& certificate : chain_) digests += certificate.sha256_hex();
  digest_ = sha256(digests);
  escaped_pem_ = percent_encode(leaf.to_pem());
}

}  // namespace sluice::crypto
