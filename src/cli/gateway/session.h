// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/gateway/admin_client.h"
#include "cli/gateway/arguments.h"
#include "cli/gateway/plan.h"
#include "cli/gateway/plan_text.h"
#include "cli/gateway/state.h"

namespace sluice::cli {

/// One command's conversation with an Admin API.
class Session {
 public:
  Session(const GatewayArguments& arguments, const MakeCatalog& make_catalog)
      : arguments_(arguments), make_catalog_(make_catalog) {}

  /// Asks who is there; needed before anything else.
  Result<> connect();
  /// The workspace that the next calls mean: the command line's, else the file's.
  Result<> choose_workspace(const std::string& from_file);
  /// Once more, a few times, when the configuration changes while it is read.
  Result<CurrentState> read(ReadOptions options);
  /// Carries a plan out as one change, or has the server check it. The error lists what the server found wrong;
  /// Errc::Conflict: the configuration is not the one that was `seen` any more, nothing was done. Ids that the plan
  /// lacks are filled in.
  Result<> apply(Plan& plan, const CurrentState& seen, bool dry_run);

  [[nodiscard]] const Json& root() const { return root_; }
  [[nodiscard]] const entity::Catalog& catalog() const { return *catalog_; }
  [[nodiscard]] AdminClient& client() { return *client_; }

 private:
  Result<> connect_to_control_plane();
  Result<> find_memberships(Plan& plan);
  Result<AdminReply> send_batch(std::string body, bool dry_run, std::string if_match = {});

  const GatewayArguments& arguments_;
  const MakeCatalog& make_catalog_;
  std::unique_ptr<AdminClient> client_;
  std::unique_ptr<const entity::Catalog> catalog_;
  Json root_;
  bool create_workspace_ = false;
};

/// What an error body of the Admin API says, a line for each problem; those of a batch are named by the plan's changes.
std::string error_text(const AdminReply& reply, const Plan& plan = {});

}  // namespace sluice::cli
