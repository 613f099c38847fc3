// SPDX-License-Identifier: Apache-2.0
#include "schema/contract.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entity/catalog.h"
#include "gateway/plugin.h"
#include "plugins/all.h"

// Every built-in plugin as a whole, its scopes and protocols included, against its published contract. What the tests
// of single plugins say of `config` is repeated here, so that a new plugin cannot be forgotten.
namespace sluice::plugins {
namespace {

/// By plugin: the file of its contract. A plugin without a line here fails the test.
const std::map<std::string, std::string, std::less<>> kContracts = {
    {"acl", "ACL"},
    {"basic-auth", "BasicAuth"},
    {"bot-detection", "BotDetection"},
    {"correlation-id", "CorrelationId"},
    {"cors", "Cors"},
    {"file-log", "FileLog"},
    {"grpc-gateway", "GrpcGateway"},
    {"grpc-web", "GrpcWeb"},
    {"http-log", "HttpLog"},
    {"ip-restriction", "IpRestriction"},
    {"key-auth", "KeyAuth"},
    {"mtls-auth", "MtlsAuth"},
    {"prometheus", "Prometheus"},
    {"rate-limiting", "RateLimiting"},
    {"redirect", "Redirect"},
    {"request-size-limiting", "RequestSizeLimiting"},
    {"request-termination", "RequestTermination"},
    {"request-transformer", "RequestTransformer"},
    {"response-transformer", "ResponseTransformer"},
    {"tls-handshake-modifier", "TlsHandshakeModifier"},
    {"tls-metadata-headers", "TlsMetadataHeaders"},
    {"websocket-size-limit", "WebsocketSizeLimit"},
    {"websocket-validator", "WebsocketValidator"},
};

/// Priorities are part of the contract too: reference/gateway.md, 6.4.
const std::map<std::string, int, std::less<>> kPriorities = {
    {"acl", 950},
    {"basic-auth", 1100},
    {"bot-detection", 2500},
    {"correlation-id", 100001},
    {"cors", 2000},
    {"file-log", 9},
    {"grpc-gateway", 998},
    {"grpc-web", 3},
    {"http-log", 12},
    {"ip-restriction", 990},
    {"key-auth", 1250},
    {"mtls-auth", 1600},
    {"prometheus", 13},
    {"rate-limiting", 910},
    {"redirect", 779},
    {"request-size-limiting", 951},
    {"request-termination", 2},
    {"request-transformer", 801},
    {"response-transformer", 800},
    {"tls-handshake-modifier", 997},
    {"tls-metadata-headers", 996},
    {"websocket-size-limit", 1003},
    {"websocket-validator", 1006},
};

class PluginContracts : public ::testing::Test {
 protected:
  PluginContracts() {
    add_all(registry);
    entity::PluginSchemas schemas;
    for (const gateway::PluginDescriptor* plugin : registry.in_order()) {
      schemas.add({.name = plugin->name,
                   .config = *plugin->config_schema,
                   .protocols = plugin->protocols,
                   .default_protocols = plugin->default_protocols,
                   .on_route = (plugin->scopes & gateway::kRoute) != 0,
                   .on_service = (plugin->scopes & gateway::kService) != 0,
                   .on_consumer = (plugin->scopes & gateway::kConsumer) != 0,
                   .on_consumer_group = (plugin->scopes & gateway::kConsumerGroup) != 0});
    }
    catalog.emplace(schemas);
  }

  gateway::PluginRegistry registry;
  std::optional<entity::Catalog> catalog;
};

TEST_F(PluginContracts, AreKeptByEveryConfiguration) {
  for (const gateway::PluginDescriptor* plugin : registry.in_order()) {
    const auto contract = kContracts.find(plugin->name);
    ASSERT_NE(contract, kContracts.end()) << plugin->name << " has no line in this test";
    // The published list of methods is in alphabetical order; ours is the one that goes into the header.
    const schema::ContractOptions options{.left_out = {"methods:default"}};
    const auto differences = schema::compare_plugin_contract(*plugin->config_schema, contract->second, options);
    if (!differences) GTEST_SKIP() << "no contract of " << plugin->name << " at hand";
    EXPECT_THAT(*differences, ::testing::IsEmpty()) << plugin->name;
  }
}

TEST_F(PluginContracts, AreKeptByScopesAndProtocols) {
  for (const auto& [name, contract] : kContracts) {
    ASSERT_NE(catalog->plugin(name), nullptr) << name;
    // One contract forbids empty names of protocols besides listing those that there are.
    const schema::ContractOptions options{.left_out = {"protocols:minLength"}};
    const auto differences = schema::compare_plugin_scopes(*catalog->plugin(name), contract, options);
    if (!differences) GTEST_SKIP() << "no contract of " << name << " at hand";
    EXPECT_THAT(*differences, ::testing::IsEmpty()) << name;
  }
}

TEST_F(PluginContracts, AreKeptByPriorities) {
  for (const auto& [name, priority] : kPriorities) {
    const gateway::PluginDescriptor* plugin = registry.find(name);
    ASSERT_NE(plugin, nullptr) << name;
    EXPECT_EQ(plugin->priority, priority) << name;
  }
  EXPECT_EQ(kPriorities.size(), registry.in_order().size());
}

}  // namespace
}  // namespace sluice::plugins
