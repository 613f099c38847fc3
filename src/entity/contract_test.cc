// SPDX-License-Identifier: Apache-2.0
// Compares our entities with the published Admin API, field by field.
#include "schema/contract.h"

#include "entity/all.h"
#include "entity/catalog_fixture.h"

namespace sluice::entity {
namespace {

struct EntityContract {
  const char* type;       // ours
  const char* component;  // theirs
  std::vector<std::string> left_out;
};

void PrintTo(const EntityContract& contract, std::ostream* out) {
  *out << contract.type;
}

class EntityContracts : public ::testing::TestWithParam<EntityContract> {};

TEST_P(EntityContracts, AgreeWithThePublishedAdminApi) {
  static const auto kSpec = schema::load_contract("gateway/admin-ee-3.10.yaml");
  if (!kSpec) GTEST_SKIP() << "gateway/admin-ee-3.10.yaml is not at hand";
  const Json& component = *kSpec->find("components")->find("schemas")->find(GetParam().component);
  const Catalog catalog(test_plugins(), {.route_checks = {}, .websockets = WebSockets::Yes});
  EXPECT_THAT(schema::compare_contract(*catalog.find(GetParam().type), component, {.left_out = GetParam().left_out}),
              ::testing::IsEmpty());
}

// Left out: what only Kong's enterprise edition has (tls_sans, ordering, x5t), members that are
// no fields of ours but shorthands or lists of other entities (url, snis), owners that the published API takes from the
// URL, and rules that the published form does not show.
const EntityContract kContracts[] = {
    {"services", "Service", {"id:minLength", "tls_sans", "url"}},
    {"routes", "RouteJson", {}},
    {"consumers", "Consumer", {}},
    {"consumer_groups", "ConsumerGroup", {}},
    {"plugins", "Plugin", {"id:minLength", "name:minLength", "ordering", "partials.id:minLength", "protocols:enum"}},
    {"upstreams", "Upstream", {"algorithm:enum", "sticky_sessions_cookie", "sticky_sessions_cookie_path"}},  // 3.11
    {"targets", "Target", {"failover", "upstream:required"}},                                                // 3.12
    {"certificates", "Certificate", {"snis"}},
    {"snis", "SNI", {}},
    {"ca_certificates", "CACertificate", {}},
    {"vaults", "Vault", {}},
    {"keys", "Key", {"x5t"}},
    {"key_sets", "KeySet", {}},
    {"keyauth_credentials", "KeyAuth", {"ttl:minimum", "ttl:maximum", "consumer:required"}},
    {"basicauth_credentials", "BasicAuth", {"consumer:required"}},
    {"hmacauth_credentials", "HMACAuth", {"consumer:required"}},
    {"jwt_secrets", "JWT", {"consumer:required"}},
    {"acls", "ACL", {"consumer:required"}},
    {"mtls_auth_credentials", "MTLSAuth", {"consumer:required"}},
};

INSTANTIATE_TEST_SUITE_P(Entities, EntityContracts, ::testing::ValuesIn(kContracts),
                         [](const auto& info) { return std::string(info.param.component); });

TEST(Contracts, AgreeWithRoutesOfTheExpressionsFlavor) {
  const auto spec = schema::load_contract("gateway/admin-ee-3.10.yaml");
  if (!spec) GTEST_SKIP() << "gateway/admin-ee-3.10.yaml is not at hand";
  const Json& component = *spec->find("components")->find("schemas")->find("RouteExpression");
  const Catalog catalog(test_plugins(), {.flavor = RouterFlavor::Expressions, .route_checks = {}});
  // Ours also takes the matchers of the other flavors, reference/gateway.md, 4.4.
  const schema::ContractOptions options{.left_out = {"protocols:enum", "methods", "hosts", "paths", "headers",
                                                     "regex_priority", "snis", "sources", "destinations"}};
  EXPECT_THAT(schema::compare_contract(*catalog.find("routes"), component, options), ::testing::IsEmpty());
}

TEST(Contracts, AgreeWithTheScopesOfAPlugin) {
  const Catalog catalog(test_plugins());
  const auto differences = schema::compare_plugin_scopes(*catalog.plugin("rate-limiting"), "RateLimiting");
  if (!differences) GTEST_SKIP() << "RateLimiting.json is not at hand";
  EXPECT_THAT(*differences, ::testing::IsEmpty());
}

}  // namespace
}  // namespace sluice::entity
