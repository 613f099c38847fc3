// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::gateway {

/// Makes request ids on one shard: 32 hexadecimal digits that look random, are unique without coordination, and can be
/// decoded by whoever holds the key. Each is the AES-128 encryption of (node, shard, boot, counter); blocks are
/// encrypted in batches, so that one costs a few nanoseconds.
class RequestIds {
 public:
  struct Origin {
    std::uint32_t node = 0;  // of the node id
    std::uint16_t shard = 0;
    std::uint32_t boot = 0;  // differs at every start
  };
  RequestIds(const std::array<std::uint8_t, 16>& key, const Origin& origin);
  ~RequestIds();
  RequestIds(const RequestIds&) = delete;
  RequestIds& operator=(const RequestIds&) = delete;

  void next(std::array<char, 32>& out);

 private:
  struct Cipher;
  static constexpr std::size_t kBatch = 64;
  void refill();

  std::unique_ptr<Cipher> cipher_;
  Origin origin_;
  std::uint64_t counter_ = 0;
  std::size_t used_ = kBatch;
  std::array<std::array<std::uint8_t, 16>, kBatch> blocks_{};
};

}  // namespace sluice::gateway
