// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace sluice::net::tls {

/// An OCSP response, as handshakes pass it on.
struct StapledResponse {
  std::string der;
  std::int64_t valid_until_s = 0;  // wall clock: from then on nobody should believe it
};

/// Where handshakes with a certificate find what its authority says of it. Written by whoever asks the authority, read
/// by the handshakes of all shards. It has a lock, which is held to copy a pointer in a handshake of 200 µs, and not
/// for a request.
class Staple {
 public:
  Staple() = default;
  Staple(const Staple&) = delete;
  Staple& operator=(const Staple&) = delete;
  ~Staple() = default;

  void set(std::shared_ptr<const StapledResponse> response) {
    std::lock_guard lock(mutex_);
    response_.swap(response);  // what was there is destroyed without the lock
  }
  /// Null: there is none that is valid.
  [[nodiscard]] std::shared_ptr<const StapledResponse> current(std::int64_t now_s) const {
    std::lock_guard lock(mutex_);
    return response_ && now_s < response_->valid_until_s ? response_ : nullptr;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const StapledResponse> response_;
};

}  // namespace sluice::net::tls
