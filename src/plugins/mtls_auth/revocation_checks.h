// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/revocation.h"
#include "gateway/plugin.h"
#include "plugins/mtls_auth/recently_seen.h"
#include "plugins/mtls_auth/verified_clients.h"
#include "rt/scope.h"
#include "rt/task.h"
#include "rt/waiter.h"

namespace sluice::plugins {

/// Asks authorities whether they have revoked certificates of clients, the responders that a certificate names first,
/// then its lists, and remembers what they say. Requests that show the same certificate at one time share a question.
/// What could not be found out is asked again after a few seconds. Belongs to one plugin instance.
class RevocationChecks {
 public:
  enum class Doubt : std::uint8_t { Admits, Refuses };  // when nobody says anything that can be believed
  struct Terms {
    Doubt doubt = Doubt::Admits;
    std::int64_t timeout_ms = 30'000;  // for everything that is asked about one certificate
    std::int64_t keep_s = 60'000;      // what authorities say is believed no longer than that
  };
  /// The host outlives the object.
  RevocationChecks(Terms terms, const gateway::PluginHost& host) : terms_(terms), host_(host) {}

  /// Whether a client may go on, as far as that is known; nothing: ask. `digest`: the verified client's. When very
  /// many are being asked about, a further one is decided by doubt.
  std::optional<bool> known(const std::string& digest);
  Task<bool> ask(std::string digest, VerifiedClients::Ref client);

 private:
  using Status = crypto::RevocationAnswer::Status;
  struct Answer {
    Status status = Status::Unknown;
    std::int64_t until_s = 0;  // wall clock
  };
  /// A request that waits.
  struct Asker {
    rt::Waiter woken;
    std::optional<bool> admitted = std::nullopt;
  };
  class Listed;

  [[nodiscard]] bool admits(Status status) const;
  Task<void> find_out(std::string digest, VerifiedClients::Ref client);
  Task<crypto::RevocationAnswer> question_all(VerifiedClients::Ref client);
  Task<Result<crypto::RevocationAnswer>> question_responder(std::string url, VerifiedClients::Ref client,
                                                            rt::Deadline deadline);
  Task<Result<crypto::RevocationAnswer>> read_list(std::string url, VerifiedClients::Ref client, rt::Deadline deadline);

  const Terms terms_;
  const gateway::PluginHost& host_;
  RecentlySeen<Answer> answers_;
  std::map<std::string, std::vector<Asker*>> asking_;
  rt::TaskScope questions_;
};

}  // namespace sluice::plugins
