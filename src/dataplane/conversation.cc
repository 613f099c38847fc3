// SPDX-License-Identifier: Apache-2.0
#include "dataplane/conversation.h"

#include <algorithm>
#include <utility>

namespace sluice::dataplane {

void Conversation::keep_alive(std::int64_t ping_ms, std::int64_t dead_ms) {
  dead_ms_ = dead_ms;
  tasks_.spawn(ping_for_ever(ping_ms));
}

Task<void> Conversation::ping_for_ever(std::int64_t every_ms) {
  for (;;) {
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(every_ms));
    const auto sent = co_await ping();
    if (!sent) co_return;  // whoever receives learns of it
  }
}

Task<Result<>> Conversation::ping() {
  const std::string payload = ping_payload();
  co_return co_await parts_.link.send(Kind::Ping, payload, parts_.reactor.after_ms(kSendMs));
}

Task<Result<>> Conversation::send(std::string_view payload) {
  co_return co_await parts_.link.send(Kind::Binary, payload, parts_.reactor.after_ms(kSendMs));
}

Task<Result<std::string>> Conversation::receive() {
  for (;;) {
    const std::int64_t since = std::max(parts_.link.last_received_ms(), busy_until_ms_);
    auto message = co_await parts_.link.receive(rt::Deadline{since + dead_ms_});
    if (!message && message.error().code == Errc::Timeout) {
      // Pieces of a long message are signs of life as well.
      if (parts_.link.last_received_ms() > since) continue;
      co_return fail(Errc::Timeout, "no sign of life for " + std::to_string(dead_ms_ / 1000) + " s", Blame::Upstream);
    }
    if (!message) co_return std::unexpected(std::move(message).error());
    if (message->kind == Kind::Close) {
      co_return fail(
          Errc::Closed,
          "the control plane closed the link" + (message->payload.empty() ? std::string() : ": " + message->payload),
          Blame::Upstream);
    }
    if (message->kind == Kind::Binary || message->kind == Kind::Text) co_return std::move(message->payload);
  }
}

Task<std::optional<Refusal>> Conversation::apply(Incoming incoming) {
  auto refusal = co_await parts_.applier.apply(std::move(incoming));
  busy_until_ms_ = parts_.reactor.clock().mono_ms();
  co_return refusal;
}

std::string_view error_name(Refusal::Kind kind) {
  switch (kind) {
    case Refusal::Kind::Invalid:
      return "declarative configuration parse failure";
    case Refusal::Kind::Failed:
      return "configuration reload failed";
    case Refusal::Kind::WrongDigest:
    case Refusal::Kind::OutOfOrder:
    case Refusal::Kind::Stale:
      break;
  }
  return "generic or unknown error";
}

}  // namespace sluice::dataplane
