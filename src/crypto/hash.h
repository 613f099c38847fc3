// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::crypto {

/// MD5 and SHA-1 are here for what the ecosystem's wire formats fixed long ago (ETags, configuration hashes, stored
/// basic-auth passwords); nothing new relies on them.
enum class Hash : std::uint8_t { Md5, Sha1, Sha256, Sha384, Sha512 };

/// Octets of the digest: 16, 20, 32, 48 or 64 of them.
[[nodiscard]] std::string digest(Hash hash, std::string_view data);
/// HMAC, RFC 2104; as many octets.
[[nodiscard]] std::string hmac(Hash hash, std::string_view key, std::string_view data);

[[nodiscard]] std::string md5(std::string_view data);
[[nodiscard]] std::string sha1(std::string_view data);
[[nodiscard]] std::string sha256(std::string_view data);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view data);

/// The same in lower-case hexadecimal digits.
[[nodiscard]] std::string md5_hex(std::string_view data);
[[nodiscard]] std::string sha1_hex(std::string_view data);
[[nodiscard]] std::string sha256_hex(std::string_view data);

/// A digest of data that comes in pieces.
class Digest {
 public:
  explicit Digest(Hash hash);
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  ~Digest();

  Digest& update(std::string_view data);
  /// Ends the digest; afterwards it starts over.
  [[nodiscard]] std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  Hash hash_;
};

/// Whether two texts are equal, in a time that depends on their lengths only.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace sluice::crypto
