// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/iam/token_book.h"
#include "control/publish/expiry.h"
#include "control/publish/publisher.h"
#include "rt/scope.h"
#include "settings/settings.h"
#include "store/async_store.h"

namespace sluice::apps {

/// What a node does about its store besides writing into it and following others: it reads administrators' tokens again
/// and again, asks after its health, takes out what has expired, and folds old history away. Until it is destroyed.
/// Lives on the control reactor.
class StoreUpkeep {
 public:
  /// All outlive it. `settings` may change on reload.
  StoreUpkeep(const settings::Settings& settings, store::AsyncStore& store, control::publish::Publisher& publisher,
              control::iam::TokenBook& tokens, rt::Reactor& control);
  StoreUpkeep(const StoreUpkeep&) = delete;
  StoreUpkeep& operator=(const StoreUpkeep&) = delete;

  /// To be called once, before the reactor runs: reads the tokens, which blocks.
  void start();
  /// Whether the store answered when it was last asked, which is about once a second, and not long ago.
  [[nodiscard]] bool reachable() const;

 private:
  using Kept = Result<std::vector<std::pair<std::string, std::string>>>;
  void take_tokens(const Kept& kept);
  Task<void> refresh_tokens();
  Task<void> compact_history();
  Task<void> ask_after_store();

  const settings::Settings& settings_;
  store::AsyncStore& store_;
  control::iam::TokenBook& tokens_;
  rt::Reactor& control_;
  bool tokens_known_ = true;
  bool reachable_ = true;
  std::int64_t asked_ms_ = 0;  // monotonic; when the last question was sent
  control::publish::ExpirySweep expiry_;
  rt::TaskScope chores_;  // last: its tasks use everything above
};

}  // namespace sluice::apps
