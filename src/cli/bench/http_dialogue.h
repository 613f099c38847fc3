// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/dialogue.h"

namespace sluice::cli::bench {

/// HTTP/1.1 requests without content; replies need a status of 2xx and a Content-Length.
class HttpDialogue final : public Dialogue {
 public:
  /// `heads`: whole request heads, used in turn.
  explicit HttpDialogue(std::shared_ptr<const std::vector<std::string>> heads) : heads_(std::move(heads)) {}

  void ask(std::uint64_t turn, std::string& out) override;
  Progress take(std::string_view octets, std::string& out) override;
  [[nodiscard]] bool was_last() const override { return closing_; }

 private:
  Progress finish_head();

  std::shared_ptr<const std::vector<std::string>> heads_;
  std::string head_;  // of the reply, until it is complete
  bool in_body_ = false;
  bool closing_ = false;
  std::uint64_t body_left_ = 0;
};

/// The value of a field, found without regard to case; empty when it is absent. `head` begins with its first line.
[[nodiscard]] std::string_view field(std::string_view head, std::string_view name);

}  // namespace sluice::cli::bench
