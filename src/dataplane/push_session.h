// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "dataplane/conversation.h"

namespace sluice::dataplane {

/// Protocol 1: the control plane sends everything after each change; pings carry the hash of what is served.
/// reference: gateway facts, 8.2.
class PushSession final : public Conversation {
 public:
  PushSession(const Parts& parts, const entity::Catalog& catalog) : Conversation(parts), catalog_(catalog) {}

  /// The life of the link; the reason for its end.
  Task<Error> run();

 private:
  Task<Result<>> converse();
  Task<Result<>> take(std::string frame);
  [[nodiscard]] std::string ping_payload() const override;

  const entity::Catalog& catalog_;
};

}  // namespace sluice::dataplane
