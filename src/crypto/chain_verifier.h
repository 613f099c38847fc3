// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "crypto/pem.h"

struct x509_store_st;

namespace sluice::crypto {

/// A chain that has been verified: from the certificate in question to the authority that it is believed for.
struct VerifiedChain {
  std::vector<Certificate> certificates;
  std::int64_t begins_s = 0;  // wall clock: from when on, and until when, all of them are valid
  std::int64_t ends_s = 0;
};

/// Judges certificates that clients show, by a list of authorities. Immutable; belongs to one thread.
class ChainVerifier {
 public:
  enum class Anchors : std::uint8_t {
    Roots,  // a chain ends in an authority that has signed itself
    All,    // every listed authority is believed as it is, intermediate ones too
  };
  /// None: nobody is believed.
  ChainVerifier(std::span<const Certificate> authorities, Anchors anchors);

  /// Whether `shown` (leaf first, then whatever may help, which nobody believes for being there) leads to an authority,
  /// may authenticate clients, and is valid at `now_s`. The error names OpenSSL's reason.
  [[nodiscard]] Result<VerifiedChain> verify(std::span<const Certificate> shown, std::int64_t now_s) const;

 private:
  struct Free {
    void operator()(x509_store_st* store) const noexcept;
  };
  std::unique_ptr<x509_store_st, Free> store_;
};

}  // namespace sluice::crypto
