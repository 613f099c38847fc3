// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Shard;

TEST(TlsHandshakeModifier, AsksForAnyCertificate) {
  Shard shard;
  const gateway::PluginDescriptor& plugin = shard.describe(add_tls_handshake_modifier);
  ASSERT_TRUE(plugin.client_certificate);
  const auto request = plugin.client_certificate(*plugin.config_schema->process(*parse_json("{}")));
  EXPECT_TRUE(request.authorities.empty());
  EXPECT_FALSE(request.names_authorities);
}

TEST(TlsHandshakeModifier, LeavesRequestsAlone) {
  Shard shard;
  auto plugin = shard.make(add_tls_handshake_modifier, "{}");
  Call call(shard, "GET", "/");
  EXPECT_FALSE(call.request_hook(*plugin).replied());
}

TEST(TlsHandshakeModifier, KnowsNothingButRequesting) {
  Shard shard;
  EXPECT_EQ(shard.violations(add_tls_handshake_modifier, R"({"tls_client_certificate":"REQUIRE"})"),
            "schema violation (tls_client_certificate: expected one of: REQUEST)");
}

TEST(TlsHandshakeModifier, MatchesThePublishedContract) {
  testing::expect_contract(add_tls_handshake_modifier, "TlsHandshakeModifier");
}

}  // namespace
}  // namespace sluice::plugins
