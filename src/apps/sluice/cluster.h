// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "control/cluster/certificate_watch.h"
#include "control/cluster/cluster_server.h"
#include "control/cluster/door.h"
#include "control/cluster/handshake_line.h"
#include "control/cluster/hub.h"
#include "control/planes/control_planes.h"
#include "http/server.h"
#include "node_parts.h"
#include "rt/scope.h"

namespace sluice::apps {

/// The cluster side of a control plane's process: a hub for each control plane, and the endpoint on 8005 that data
/// planes come to. Lives on the control reactor.
class Cluster final : public control::cluster::Directory, public control::planes::PlanesObserver {
 public:
  struct Parts {
    const settings::Settings& settings;
    rt::Reactor& control;
    control::planes::ControlPlanes& planes;
    store::AsyncStore& notes;                       // where nodes are written down
    std::string replica;                            // UUID of this process
    control::cluster::PluginVersions plugins = {};  // that we have
    control::cluster::ClusterServer::Answer ingress = {};
  };
  /// Everything borrowed outlives it. Fails when certificate or key, which must be there, are no good.
  static Result<std::unique_ptr<Cluster>> make(Parts parts, const Materials& materials);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster() override;

  /// Serves on open sockets, in the order of cluster_listen, once the control planes are open; owns them from now on.
  /// Clients that come sooner wait in the kernel. To be called once.
  void listen(const std::vector<int>& sockets);
  /// Presents another certificate to connections that come later, and lets those in that belong to it. Links that the
  /// settings no longer let in end.
  Result<> reconfigure(const Materials& materials);
  /// Data planes that are connected here.
  [[nodiscard]] std::size_t connected() const;

  // Of control planes as they come and go
  void opened(control::planes::ControlPlane& plane) override;
  void closing(control::planes::ControlPlane& plane) override;
  void changed(control::planes::ControlPlane& plane) override;

  // For the door
  [[nodiscard]] Result<std::shared_ptr<control::cluster::Hub>> by_server_name(std::string_view name) const override;
  [[nodiscard]] std::shared_ptr<control::cluster::Hub> standard() const override;
  [[nodiscard]] std::shared_ptr<control::cluster::Hub> find(const Uuid& control_plane) const override;
  [[nodiscard]] std::vector<Uuid> pinned_at(std::string_view sha256) const override;
  [[nodiscard]] std::optional<std::vector<std::string>> issuers(const Uuid& control_plane) const override;

 private:
  struct Trust;  // what a certificate decides
  explicit Cluster(Parts parts);
  [[nodiscard]] Task<Result<>> prepare(net::Stream& stream, http::ConnectionInfo& info, std::string& early);
  Task<void> serve_when_open();

  const Parts parts_;
  std::shared_ptr<const Trust> trust_;
  std::map<Uuid, std::shared_ptr<control::cluster::Hub>> hubs_;
  std::uint64_t access_changes_ = 0;  // of the book, that the door has heard of
  http::ServerOptions options_;
  control::cluster::HandshakeLine line_;
  control::cluster::Door door_;
  control::cluster::CertificateWatch watch_;
  std::unique_ptr<control::cluster::ClusterServer> handler_;
  std::unique_ptr<http::Server> server_;  // its connections use everything above
  std::vector<int> sockets_;              // that nobody serves yet
  rt::TaskScope chores_;                  // last: its tasks use everything above
};

}  // namespace sluice::apps
