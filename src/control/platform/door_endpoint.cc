// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/cluster/node_book.h"
#include "control/platform/endpoints.h"
#include "crypto/pem.h"

namespace sluice::control::platform {
namespace {

/// What a node must be given to know the control plane by, when no authority that machines trust vouches for it: its
/// certificate itself. Null when it comes from an authority, or is not known.
Json own_authority(const std::string& pem) {
  const auto chain = crypto::Certificate::parse_chain(pem);
  if (!chain) return nullptr;
  const crypto::Certificate& leaf = chain->front();
  return leaf.subject() == leaf.issuer() ? Json(leaf.to_pem()) : Json();
}

/// The first address that data planes can come to; null where there is none.
const settings::Listener* door_of(const settings::Settings& settings) {
  const bool open = !settings.cluster_cert.empty() && settings.role != settings::Role::DataPlane;
  return open && !settings.cluster_listen.empty() ? &settings.cluster_listen.front() : nullptr;
}

/// Under which host they find it; null where only the caller can know: it found this machine somehow.
Json host_of(const settings::Settings& settings, const settings::Listener& door) {
  if (!settings.cluster_server_name.empty()) return settings.cluster_server_name;
  return door.ip.is_any() ? Json() : Json(door.ip.to_string());
}

Reply read(const Parts& parts, const Request& request) {
  const auto plane = open_plane(parts, request);
  if (!plane) return plane.error();
  const settings::Listener* door = door_of(parts.settings);
  if (door == nullptr) {
    return Reply::json(200, Json::Object{{"open", false}, {"host", {}}, {"port", {}}, {"authority", {}}});
  }
  const cluster::NodeBook* nodes = (*plane)->nodes();
  return Reply::json(
      200, Json::Object{{"open", true},
                        {"host", host_of(parts.settings, *door)},
                        {"port", door->port},
                        {"authority", own_authority(nodes != nullptr ? nodes->door_certificate() : std::string())}});
}

}  // namespace

void add_cluster_door(admin::RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/v2/control-planes/{id}/cluster-door",
           [&parts](const Request& request) { return read(parts, request); });
}

}  // namespace sluice::control::platform
