// SPDX-License-Identifier: Apache-2.0
#include "entity/catalog.h"

#include "entity/all.h"

namespace sluice::entity {
namespace {

/// Describes T, lets `finish` add what depends on options, and seals it.
template <class T, class Finish>
std::shared_ptr<const schema::EntityBase> make(const Finish& finish) {
  auto entity = std::make_shared<schema::Entity<T>>();
  T::describe(*entity);
  finish(*entity);
  entity->seal();
  return entity;
}

template <class T>
std::shared_ptr<const schema::EntityBase> make() {
  return make<T>([](auto&) {});
}

}  // namespace

Catalog::Catalog(const PluginSchemas& plugins, const CatalogOptions& options) {
  types_ = {
      make<Workspace>(),
      make<License>(),
      make<Partial>(),
      make<Certificate>(),
      make<Sni>(),
      make<CaCertificate>(),
      make<Service>([&](auto& e) {
        if (options.websockets == WebSockets::Yes) add_websockets(e);
      }),
      make<Route>([&](auto& e) { add_flavor(e, options.flavor, options.route_checks, options.websockets); }),
      make<Consumer>(),
      make<ConsumerGroup>(),
      make<ConsumerGroupConsumer>(),
      make<Plugin>([&](auto& e) { plugins_ = add_plugin_cases(e, plugins); }),
      make<Upstream>(),
      make<Target>(),
      make<Vault>(),
      make<KeySet>(),
      make<Key>(),
      make<KeyauthCredential>(),
      make<BasicauthCredential>(),
      make<HmacauthCredential>(),
      make<JwtSecret>(),
      make<Oauth2Credential>(),
      make<Oauth2Token>(),
      make<MtlsAuthCredential>(),
      make<Acl>(),
  };
}

const schema::EntityBase* Catalog::find(std::string_view name) const {
  for (const auto& type : types_) {
    if (type->name() == name) return type.get();
  }
  return nullptr;
}

const schema::RecordBase* Catalog::plugin(std::string_view name) const {
  const auto at = plugins_.find(name);
  return at != plugins_.end() ? at->second.get() : nullptr;
}

const schema::RecordBase* Catalog::plugin_config(std::string_view name) const {
  const auto* whole = plugin(name);
  return whole != nullptr ? whole->find_field("config")->record.get() : nullptr;
}

}  // namespace sluice::entity
