// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/snapshot.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace sluice::gateway {

std::size_t ScopedNameHash::operator()(const ScopedNameView& name) const {
  // Only names come from clients and need the seed. A nil workspace adds nothing.
  std::uint64_t workspace = 0;
  std::memcpy(&workspace, name.workspace.octets.data() + 8, sizeof workspace);
  return hash_bytes(name.name) ^ (workspace * 0x9E3779B97F4A7C15ULL) ^ name.collection.size();
}

const Credential* Snapshot::credential_in(const Uuid& workspace, std::string_view collection,
                                          std::string_view identity) const {
  const auto* found = credentials.find(ScopedNameView{workspace, collection, identity});
  return found != nullptr ? found->get() : nullptr;
}

const Consumer* Snapshot::consumer_in(const Uuid& workspace, const Uuid& id) const {
  const auto* found = consumers.find(id);
  return found != nullptr && (*found)->workspace == workspace ? found->get() : nullptr;
}

const Consumer* Snapshot::consumer_in(const Uuid& workspace, std::string_view username) const {
  const auto* found = consumers_by_username.find(ScopedNameView{workspace, {}, username});
  return found != nullptr ? found->get() : nullptr;
}

const Consumer* Snapshot::consumer_by_custom_id_in(const Uuid& workspace, std::string_view custom_id) const {
  const auto* found = consumers_by_custom_id.find(ScopedNameView{workspace, "custom_id", custom_id});
  return found != nullptr ? found->get() : nullptr;
}

const crypto::Certificate* Snapshot::authority(const Uuid& id) const {
  const auto* found = authorities.find(id);
  return found != nullptr ? &(*found)->certificate : nullptr;
}

const Shared<const UpstreamConfig>* Snapshot::upstream_in(const Uuid& workspace, std::string_view name) const {
  return upstreams_by_name.find(ScopedNameView{workspace, {}, name});
}

bool Snapshot::has_own_policies(const Consumer& consumer) const {
  if (policed_identities.empty()) return false;
  return policed_identities.contains(consumer.id) ||
         std::ranges::any_of(consumer.consumer_groups,
                             [this](const Uuid& group) { return policed_identities.contains(group); });
}

std::string_view Snapshot::consumer_group_name(const Uuid& id) const {
  const auto* found = group_names.find(id);
  return found != nullptr ? std::string_view(**found) : std::string_view{};
}

std::string_view Snapshot::workspace_name(const Uuid& id) const {
  const auto* found = workspace_names.find(id);
  return found != nullptr ? std::string_view(**found) : std::string_view{};
}

bool Snapshot::append_document(std::string& out, const entity::Route& route) const {
  const auto* found = routes_by_id.find(route.id.value);
  if (found == nullptr) return false;
  out += *(*found)->document;
  return true;
}

bool Snapshot::append_document(std::string& out, const entity::Service& service) const {
  const auto* found = services.find(service.id.value);
  if (found == nullptr) return false;
  out += *(*found)->document;
  return true;
}

const PluginRows* Snapshot::plugins_at(const Uuid& anchor) const {
  const auto* found = plugins_by_anchor.find(anchor);
  return found != nullptr ? found->get() : nullptr;
}

}  // namespace sluice::gateway
