// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/request_id.h"

#include <cstring>

#include <openssl/evp.h>

#include "base/assert.h"

namespace sluice::gateway {

struct RequestIds::Cipher {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  ~Cipher() { EVP_CIPHER_CTX_free(context); }
};

RequestIds::RequestIds(const std::array<std::uint8_t, 16>& key, const Origin& origin)
    : cipher_(std::make_unique<Cipher>()), origin_(origin) {
  // Single blocks that never repeat: ECB is a permutation here, not a mode for text.
  const int ok = EVP_EncryptInit_ex(cipher_->context, EVP_aes_128_ecb(), nullptr, key.data(), nullptr);
  SLUICE_ASSERT(ok == 1);
  EVP_CIPHER_CTX_set_padding(cipher_->context, 0);
}

RequestIds::~RequestIds() = default;

void RequestIds::refill() {
  for (auto& block : blocks_) {
    std::memcpy(block.data(), &origin_.node, 4);
    std::memcpy(block.data() + 4, &origin_.boot, 4);
    std::uint64_t rest = (static_cast<std::uint64_t>(origin_.shard) << 48U) | counter_++;
    std::memcpy(block.data() + 8, &rest, 8);
  }
  std::array<std::uint8_t, 16 * kBatch> out;
  int size = 0;
  EVP_EncryptUpdate(cipher_->context, out.data(), &size, blocks_[0].data(), static_cast<int>(out.size()));
  std::memcpy(blocks_[0].data(), out.data(), out.size());
  used_ = 0;
}

void RequestIds::next(std::array<char, 32>& out) {
  if (used_ == kBatch) refill();
  static constexpr std::string_view kHex = "0123456789abcdef";
  const auto& block = blocks_[used_++];
  for (std::size_t i = 0; i < block.size(); ++i) {
    out[2 * i] = kHex[block[i] >> 4U];
    out[2 * i + 1] = kHex[block[i] & 15U];
  }
}

}  // namespace sluice::gateway
