// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

struct evp_cipher_ctx_st;

namespace sluice::dataplane {

/// What a data plane's files are sealed under, made from the key of its cluster certificate: whoever copies the disk
/// without that key reads nothing. Another cluster key opens none of the files of this one.
class CacheKey {
 public:
  /// `cluster_key_pem` is the text of the private key.
  static Result<CacheKey> from_cluster_key(const Secret<std::string>& cluster_key_pem);
  /// One that was written down, sealed under another. Errc::Invalid unless it has kSize octets.
  static Result<CacheKey> from_octets(std::string_view octets);
  static constexpr std::size_t kSize = 32;
  [[nodiscard]] const Secret<std::string>& octets() const { return octets_; }
  /// 32 octets for the file that begins with `salt`.
  [[nodiscard]] Secret<std::string> of_file(std::string_view salt) const;
  friend bool operator==(const CacheKey&, const CacheKey&) = default;

 private:
  explicit CacheKey(Secret<std::string> octets) : octets_(std::move(octets)) {}
  Secret<std::string> octets_;
};

/// What a record of a file is. Part of what its seal covers, as its place is.
enum class RecordKind : std::uint8_t { Header = 1, Rows = 2, End = 3, Change = 4, Keys = 5 };

/// Records of one file: a prelude of kPrelude octets (magic and salt), then each record as length (4 octets, little
/// endian), kind, nonce, ciphertext and tag of AES-256-GCM. A record opens only in its file, at its place.
class RecordSeal {
 public:
  static constexpr std::size_t kPrelude = 8 + 32;
  static constexpr std::size_t kOverhead = 4 + 1 + 12 + 16;
  static constexpr std::size_t kMaxRecord = std::size_t{1} << 30;

  /// A new file.
  explicit RecordSeal(const CacheKey& key);
  /// One that begins with `prelude`. Errc::Unsupported when it is another kind of file.
  static Result<RecordSeal> of(const CacheKey& key, std::string_view prelude);
  RecordSeal(RecordSeal&&) noexcept;
  RecordSeal& operator=(RecordSeal&&) noexcept;
  ~RecordSeal();

  [[nodiscard]] const std::string& prelude() const { return prelude_; }
  /// Appends the record number `index` of the file to `out`.
  void seal(std::string& out, std::uint64_t index, RecordKind kind, std::string_view content);

  struct Opened {
    RecordKind kind;
    std::string content;
    std::size_t size;  // octets of the record in the file
  };
  /// The record at the beginning of `octets`. Errc::Closed: it is not all there; Errc::Invalid: it does not open.
  Result<Opened> open(std::string_view octets, std::uint64_t index);

 private:
  RecordSeal(const CacheKey& key, std::string prelude);
  struct FreeContext {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, FreeContext>;

  std::string prelude_;
  Context sealing_;
  Context opening_;
};

}  // namespace sluice::dataplane
