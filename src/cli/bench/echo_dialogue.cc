// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/echo_dialogue.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::cli::bench {

EchoDialogue::EchoDialogue(std::size_t size) : message_(std::max(size, kNumber), 'x') {}

void EchoDialogue::ask(std::uint64_t turn, std::string& out) {
  fmt::format_to(message_.data(), "{:016x}", turn);
  taken_ = 0;
  out += message_;
}

Dialogue::Progress EchoDialogue::take(std::string_view octets, std::string&) {
  if (octets.size() > message_.size() - taken_) return failed("more octets came back than were sent");
  if (octets != std::string_view(message_).substr(taken_, octets.size()))
    return failed("other octets came back than were sent");
  taken_ += octets.size();
  return taken_ < message_.size() ? Progress::Pending : Progress::Done;
}

}  // namespace sluice::cli::bench
