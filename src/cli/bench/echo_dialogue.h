// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/bench/dialogue.h"

namespace sluice::cli::bench {

/// Octets over TCP or TLS, or a datagram, to a server that sends back what it gets. Each exchange has a number of its
/// own in front, so that a reply to another question does not pass for this one's.
class EchoDialogue final : public Dialogue {
 public:
  /// `size`: octets of each message; at least as many as a number takes (kNumber) are sent.
  explicit EchoDialogue(std::size_t size);

  static constexpr std::size_t kNumber = 16;

  void open(std::string&) override { taken_ = 0; }
  void ask(std::uint64_t turn, std::string& out) override;
  Progress take(std::string_view octets, std::string& out) override;

 private:
  std::string message_;
  std::size_t taken_ = 0;  // octets of the reply
};

}  // namespace sluice::cli::bench
