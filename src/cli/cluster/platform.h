// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "cli/gateway/admin_client.h"
#include "cli/gateway/arguments.h"

namespace CLI {
class App;
}

namespace sluice::cli {

/// Where the platform API is, and which control plane is meant.
struct PlatformArguments {
  GatewayArguments where;
  std::string control_plane = "default";  // name or UUID
};

/// `--platform`, `--control-plane`, and how the API is spoken to; `arguments` outlive the command.
void add_platform_options(CLI::App& command, PlatformArguments& arguments);

/// What commands need to know of a control plane.
struct PlaneInfo {
  std::string id;
  std::string name;
  std::string endpoint;   // "https://0123456789.cp.example.com:8005"; empty: it was not said
  std::string auth_type;  // "pinned_client_certs", "pki_client_certs"
};

/// Where data planes of a control plane come in.
struct ClusterDoor {
  bool open = true;       // false: the control plane takes no data planes
  std::string authority;  // PEM of what vouches for its certificate; empty: what machines trust anyway
};

/// Questions to a platform API about one control plane. Calls block.
class Platform {
 public:
  /// Finds the control plane. The error says what to try.
  static Result<Platform> open(const PlatformArguments& arguments);

  [[nodiscard]] const PlaneInfo& plane() const { return plane_; }
  /// All nodes, page after page, as the API shows them.
  Result<Json::Array> nodes();
  /// {"expected_hash", "updated_at"}: what nodes should serve, and since when.
  Result<Json> expected();
  /// Lets whoever has the key of this certificate (PEM) in. The id under which it is listed.
  Result<std::string> pin(std::string_view certificate, std::string_view title);
  /// The opposite; `certificate` is that id.
  Result<> unpin(const std::string& certificate);
  /// What a platform API that is not Sluice's does not tell is left as it is by default.
  Result<ClusterDoor> door();
  [[nodiscard]] const AdminTarget& target() const { return client_->target(); }

 private:
  explicit Platform(std::unique_ptr<AdminClient> client) : client_(std::move(client)) {}
  Result<> find(const std::string& wanted);
  Result<Json> ask(const std::string& method, const std::string& path, const std::string& body = {});

  std::unique_ptr<AdminClient> client_;
  PlaneInfo plane_;
};

}  // namespace sluice::cli
