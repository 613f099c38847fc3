// SPDX-License-Identifier: Apache-2.0
#include "net/quic/connection_ids.h"

#include <algorithm>
#include <cstring>

#include <ngtcp2/ngtcp2_crypto.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace sluice::net::quic {
namespace {

constexpr std::size_t kKeyOctets = 32;
constexpr std::size_t kShardOctets = 2;
constexpr std::size_t kRandomOctets = 11;
constexpr std::size_t kProofOctets = 5;
static_assert(kShardOctets + kRandomOctets + kProofOctets == ConnectionIds::kLength);

std::uint8_t octet(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

}  // namespace

ConnectionIds::ConnectionIds()
    : id_key_(crypto::random_octets(kKeyOctets)),
      reset_key_(crypto::random_octets(kKeyOctets)),
      token_key_(crypto::random_octets(kKeyOctets)) {}

std::string ConnectionIds::proof(std::string_view random) const {
  return crypto::hmac_sha256(id_key_.reveal(), random);
}

ngtcp2_cid ConnectionIds::issue(std::size_t shard) const {
  SLUICE_ASSERT(shard <= UINT16_MAX);
  const std::string random = crypto::random_octets(kRandomOctets);
  const std::string mac = proof(random);
  ngtcp2_cid id{};
  id.datalen = kLength;
  // The proof itself is what is seen behind the random octets; the mask comes from another part of the digest.
  id.data[0] = static_cast<std::uint8_t>((shard >> 8U) ^ octet(mac, kProofOctets));
  id.data[1] = static_cast<std::uint8_t>((shard & 0xFFU) ^ octet(mac, kProofOctets + 1));
  std::memcpy(id.data + kShardOctets, random.data(), kRandomOctets);
  std::memcpy(id.data + kShardOctets + kRandomOctets, mac.data(), kProofOctets);
  return id;
}

std::optional<std::size_t> ConnectionIds::owner(std::string_view id) const {
  if (id.size() != kLength) return std::nullopt;
  const std::string mac = proof(id.substr(kShardOctets, kRandomOctets));
  if (id.substr(kShardOctets + kRandomOctets) != std::string_view(mac).substr(0, kProofOctets)) return std::nullopt;
  const unsigned high = octet(id, 0) ^ octet(mac, kProofOctets);
  const unsigned low = octet(id, 1) ^ octet(mac, kProofOctets + 1);
  return (std::size_t{high} << 8U) | low;
}

ConnectionIds::ResetToken ConnectionIds::reset_token(const ngtcp2_cid& id) const {
  const std::string mac = crypto::hmac_sha256(reset_key_.reveal(), octets_of(id));
  ResetToken token;
  std::memcpy(token.data(), mac.data(), token.size());
  return token;
}

}  // namespace sluice::net::quic
