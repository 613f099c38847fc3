// SPDX-License-Identifier: Apache-2.0
#include "store_upkeep.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

namespace sluice::apps {
namespace {

using control::iam::Token;
using control::iam::TokenBook;

constexpr std::int64_t kTokensMs = 1000;  // how soon a new token opens, and a revoked one does not
constexpr std::int64_t kAskMs = 1000;
constexpr std::int64_t kNoAnswerMs = 10'000;      // longer than any single piece of work on the store should take
constexpr std::int64_t kFirstCompactMs = 60'000;  // not while everybody waits for the start
constexpr std::int64_t kCompactMs = 3'600'000;

}  // namespace

StoreUpkeep::StoreUpkeep(const settings::Settings& settings, store::AsyncStore& store,
                         control::publish::Publisher& publisher, control::iam::TokenBook& tokens, rt::Reactor& control)
    : settings_(settings), store_(store), tokens_(tokens), control_(control), expiry_(publisher, control) {}

void StoreUpkeep::start() {
  expiry_.start();
  chores_.spawn(compact_history());
  asked_ms_ = control_.clock().mono_ms();
  chores_.spawn(ask_after_store());
  take_tokens(store_.blocking().metas(TokenBook::kMetaPrefix));
  chores_.spawn(refresh_tokens());
}

/// What cannot be read leaves the tokens as they were.
void StoreUpkeep::take_tokens(const Kept& kept) {
  if (!kept) {
    if (std::exchange(tokens_known_, false)) log::warn("store.tokens_not_read", {{"error", kept.error()}});
    return;
  }
  tokens_known_ = true;
  std::vector<Token> tokens;
  for (const auto& [name, text] : *kept) {
    if (auto token = Token::parse(text)) {
      tokens.push_back(*std::move(token));
    } else {
      log::error("store.damaged_token", {{"name", name}, {"error", token.error()}});
    }
  }
  tokens_.set(std::move(tokens));
}

/// `sluice token` writes into the store from a process of its own.
Task<void> StoreUpkeep::refresh_tokens() {
  for (;;) {
    co_await rt::Sleep(control_, control_.after_ms(kTokensMs));
    const std::string prefix(TokenBook::kMetaPrefix);
    const Kept kept = co_await store_.metas(prefix);
    take_tokens(kept);
  }
}

bool StoreUpkeep::reachable() const {
  return reachable_ && control_.clock().mono_ms() - asked_ms_ < kNoAnswerMs;
}

/// For `GET /status`, which must not wait for a database that hangs.
Task<void> StoreUpkeep::ask_after_store() {
  for (;;) {
    co_await rt::Sleep(control_, control_.after_ms(kAskMs));
    asked_ms_ = control_.clock().mono_ms();
    const auto head = co_await store_.head();
    reachable_ = head.has_value();  // who follows the log says why not
  }
}

Task<void> StoreUpkeep::compact_history() {
  co_await rt::Sleep(control_, control_.after_ms(kFirstCompactMs));
  for (;;) {
    const auto now = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
    // With 0 nothing is too old; what is in passing goes all the same.
    const bool for_ever = settings_.change_log_retention == Millis(0);
    const auto too_old = for_ever ? store::SysTime() : now - settings_.change_log_retention;
    const auto done = co_await store_.compact(too_old, settings_.change_log_keep_versions);
    if (!done) log::warn("store.history_not_compacted", {{"error", done.error()}});
    co_await rt::Sleep(control_, control_.after_ms(kCompactMs));
  }
}

}  // namespace sluice::apps
