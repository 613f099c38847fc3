// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "net/tls/openssl.h"

namespace sluice::net::tls {

/// The keys that seal session tickets. A key seals for 12 hours and opens for 12 more; then it is destroyed, so that a
/// stolen memory image opens no older session. One object serves all shards and all listeners of a node.
///
/// It has a lock, although the data plane has none elsewhere: rotation must be seen by all shards at once, and copying
/// a key costs 20 ns in a handshake of 200 µs.
class TicketKeys {
 public:
  static constexpr std::int64_t kLifetimeS = 12L * 60 * 60;

  /// `now_s` gives monotonic seconds; tests turn it.
  explicit TicketKeys(std::function<std::int64_t()> now_s = {});
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
  };
  /// The key to seal with. Rotates when it is time.
  [[nodiscard]] Key current();
  enum class Match : std::uint8_t { None, Current, Previous };
  /// Finds the key named `name` and copies it to `key`.
  [[nodiscard]] Match find(const unsigned char* name, Key& key);

  /// When the key to seal with last changed, by the same clock.
  [[nodiscard]] std::int64_t rotated_at_s();
  /// All that another process on this machine needs to open tickets of this one, and to go on where it stands: octets
  /// that are as secret as the keys.
  [[nodiscard]] Secret<std::string> save();
  /// Takes over what another process saved. False when it is nothing of the kind: then the keys stay as they are.
  bool restore(std::string_view saved);

  /// Makes `context` use these keys. They must outlive it.
  void install(SSL_CTX* context);

 private:
  struct Saved;
  void rotate_if_due();  // under mutex_

  std::function<std::int64_t()> now_s_;
  std::mutex mutex_;
  Key current_;
  Key previous_;
  std::int64_t rotated_at_s_ = 0;
  bool has_previous_ = false;
};

}  // namespace sluice::net::tls
