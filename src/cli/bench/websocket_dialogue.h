// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/bench/dialogue.h"

namespace sluice::cli::bench {

/// Binary messages over a WebSocket to a server that sends back what it gets. RFC 6455.
class WebSocketDialogue final : public Dialogue {
 public:
  /// `request`: the opening handshake whole, but for Sec-WebSocket-Key and the empty line. `size`: octets of a message.
  WebSocketDialogue(std::string request, std::size_t size);

  void open(std::string& out) override;
  void ask(std::uint64_t turn, std::string& out) override;
  Progress take(std::string_view octets, std::string& out) override;

 private:
  Progress take_frame(std::string& out);

  std::string request_;
  std::string payload_;
  std::string question_;  // waits for the handshake's answer
  std::string arrived_;
  std::string accept_;  // what the server must prove
  bool upgraded_ = false;
};

}  // namespace sluice::cli::bench
