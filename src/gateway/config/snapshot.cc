// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/snapshot.h"

namespace sluice::gateway {

std::string credential_key(std::string_view collection, std::string_view identity) {
  std::string key;
  key.reserve(collection.size() + 1 + identity.size());
  key.append(collection).append(1, '\0').append(identity);
  return key;
}

const Credential* Snapshot::credential(std::string_view collection, std::string_view identity) const {
  // Put together on the stack: this is the request path.
  std::array<char, 256> buffer;
  const std::size_t size = collection.size() + 1 + identity.size();
  if (size > buffer.size()) {
    const auto* found = credentials.find(credential_key(collection, identity));
    return found != nullptr ? found->get() : nullptr;
  }
  collection.copy(buffer.data(), collection.size());
  buffer[collection.size()] = '\0';
  identity.copy(buffer.data() + collection.size() + 1, identity.size());
  const auto* found = credentials.find(std::string_view(buffer.data(), size));
  return found != nullptr ? found->get() : nullptr;
}

const Consumer* Snapshot::consumer(const Uuid& id) const {
  const auto* found = consumers.find(id);
  return found != nullptr ? found->get() : nullptr;
}

const Consumer* Snapshot::consumer_by_username(std::string_view username) const {
  const auto* found = consumers_by_username.find(username);
  return found != nullptr ? found->get() : nullptr;
}

std::string_view Snapshot::consumer_group_name(const Uuid& id) const {
  const auto* found = group_names.find(id);
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
