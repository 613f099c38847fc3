// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ngtcp2/ngtcp2.h>

#include "base/secret.h"

namespace sluice::net::quic {

/// The octets of a connection id, as a key.
inline std::string_view octets_of(const ngtcp2_cid& id) {
  return {reinterpret_cast<const char*>(id.data), id.datalen};
}

/// The connection ids that one process issues, and what is derived from them. An id says which shard owns the
/// connection, so that a datagram that arrives at another one (the kernel spreads them by addresses, and those of a
/// client may change) finds its way. Whoever has no key cannot read that from an id, nor make one that passes for ours:
///
///     2 octets   the shard, masked by the proof
///     11 octets  random
///     5 octets   proof: HMAC-SHA-256 of the random octets
///
/// Immutable; shared by shards.
class ConnectionIds {
 public:
  static constexpr std::size_t kLength = 18;

  /// Keys of its own, which die with the process.
  ConnectionIds();

  [[nodiscard]] ngtcp2_cid issue(std::size_t shard) const;
  /// The shard that issued it. Nothing: it is not one of ours.
  [[nodiscard]] std::optional<std::size_t> owner(std::string_view id) const;

  using ResetToken = std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN>;
  /// What makes a client believe that we know nothing of its connection any more. RFC 9000, 10.3.
  [[nodiscard]] ResetToken reset_token(const ngtcp2_cid& id) const;
  /// Seals tokens of address validation. RFC 9000, 8.1.
  [[nodiscard]] std::string_view token_key() const { return token_key_.reveal(); }

 private:
  [[nodiscard]] std::string proof(std::string_view random) const;

  Secret<std::string> id_key_;
  Secret<std::string> reset_key_;
  Secret<std::string> token_key_;
};

}  // namespace sluice::net::quic
