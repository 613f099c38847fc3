// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/certificate_fixture.h"
#include "crypto/presented_certificate.h"
#include "plugins/all.h"
#include "plugins/mtls_auth/verified_clients.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using crypto::Certificate;
using crypto::TestAuthority;
using testing::Call;
using testing::Shard;

constexpr std::string_view kNone = "No required TLS certificate was sent";
constexpr std::string_view kBad = "TLS certificate failed verification";
constexpr std::int64_t kNow = 1'700'000'000;  // of ManualClock

class MtlsAuth : public ::testing::Test {
 protected:
  /// `more`: further members, each with a comma before it.
  std::unique_ptr<gateway::Plugin> make(const std::string& more = "") {
    return shard.make(add_mtls_auth, config(more));
  }
  [[nodiscard]] std::string config(const std::string& more = "") const {
    return R"({"ca_certificates":[")" + ca_id.to_string() + "\"]" + more + "}";
  }
  /// A request on a connection where the client has shown `chain`; none: it has shown nothing.
  std::unique_ptr<Call> call(gateway::Plugin& plugin, const std::vector<Certificate>& chain,
                             testing::Fields fields = {}) {
    auto made = std::make_unique<Call>(shard, "GET", "/", fields);
    if (!chain.empty()) {
      shown.push_back(std::make_unique<crypto::PresentedCertificate>(chain, "FAILED:not verified"));
      made->ex.client.certificate = shown.back().get();
    }
    made->request_hook(plugin);
    return made;
  }
  std::string refusal(gateway::Plugin& plugin, const std::vector<Certificate>& chain) {
    const auto made = call(plugin, chain);
    return made->status() == 401 ? made->body() : "";
  }
  /// The consumer that the upstream is told of.
  std::string consumer(gateway::Plugin& plugin, const std::vector<Certificate>& chain) {
    const auto made = call(plugin, chain);
    return made->replied() ? std::to_string(made->status()) : made->upstream_header("X-Consumer-Username");
  }

  Shard shard;
  TestAuthority ca{"ca"};
  TestAuthority other{"ca"};
  const Uuid ca_id = shard.directory.add_authority(ca.certificate());
  gateway::Consumer& alice = shard.directory.add_consumer("alice");
  const Certificate of_alice = ca.issue({.subject = "alice"});
  std::vector<std::unique_ptr<crypto::PresentedCertificate>> shown;
};

TEST_F(MtlsAuth, RefusesClientsWithoutACertificate) {
  auto plugin = make();
  const auto made = call(*plugin, {});
  EXPECT_EQ(made->status(), 401);
  EXPECT_EQ(made->body(), kNone);
  EXPECT_EQ(made->reply_header("WWW-Authenticate"), "");
}

TEST_F(MtlsAuth, FindsTheConsumerByCommonName) {
  auto plugin = make();
  const auto made = call(*plugin, {of_alice}, {{"X-Consumer-ID", "evil"}, {"X-Client-Cert-Dn", "CN=root"}});
  EXPECT_FALSE(made->replied());
  EXPECT_EQ(made->upstream_header("X-Consumer-Username"), "alice");
  EXPECT_EQ(made->upstream_header("X-Consumer-ID"), alice.id_text);
  EXPECT_EQ(made->upstream_header("X-Credential-Identifier"), "alice");
  EXPECT_EQ(made->upstream_header("X-Anonymous-Consumer"), "(none)");
  EXPECT_EQ(made->upstream_header("X-Client-Cert-Dn"), "(none)");
  EXPECT_EQ(made->ex.authenticated.credential_id, made->ex.client.certificate->fingerprint());
}

TEST_F(MtlsAuth, RefusesWhatTheAuthoritiesDoNotVouchFor) {
  auto plugin = make();
  EXPECT_EQ(refusal(*plugin, {other.issue({.subject = "alice"})}), kBad);
  EXPECT_EQ(refusal(*plugin, {other.issue({.subject = "alice"}), other.certificate()}), kBad);
  EXPECT_EQ(refusal(*plugin, {ca.issue({.subject = "alice", .ends_s = kNow - 1})}), kBad);
  EXPECT_EQ(refusal(*plugin, {ca.issue({.subject = "alice", .begins_s = kNow + 9})}), kBad);
  EXPECT_EQ(refusal(*plugin, {ca.issue({.subject = "alice", .extensions = {{NID_ext_key_usage, "serverAuth"}}})}),
            kBad);
}

TEST_F(MtlsAuth, NoticesTheEndOfACertificateBetweenRequests) {
  auto plugin = make();
  const std::vector<Certificate> chain = {ca.issue({.subject = "alice", .ends_s = kNow + 10})};
  EXPECT_EQ(consumer(*plugin, chain), "alice");
  shard.clock->advance_ms(10'000);
  EXPECT_EQ(consumer(*plugin, chain), "alice");
  shard.clock->advance_ms(1'000);
  EXPECT_EQ(refusal(*plugin, chain), kBad);
}

TEST_F(MtlsAuth, NoticesAuthoritiesThatComeAndGo) {
  auto plugin = make();
  const std::vector<Certificate> foreign = {other.issue({.subject = "alice"})};
  EXPECT_EQ(consumer(*plugin, {of_alice}), "alice");
  shard.directory.add_authority(other.certificate(), ca_id);
  EXPECT_EQ(refusal(*plugin, {of_alice}), kBad);
  EXPECT_EQ(consumer(*plugin, foreign), "alice");
  shard.directory.drop_authorities();
  EXPECT_EQ(refusal(*plugin, foreign), kBad);
}

TEST_F(MtlsAuth, TakesIntermediateAuthoritiesAsTheyAreWhereTold) {
  const TestAuthority below("below", ca);
  shard.directory.add_authority(below.certificate(), ca_id);
  EXPECT_EQ(refusal(*make(), {below.issue({.subject = "alice"})}), kBad);
  EXPECT_EQ(consumer(*make(R"(,"allow_partial_chain":true)"), {below.issue({.subject = "alice"})}), "alice");
}

TEST_F(MtlsAuth, LooksAtAlternativeNamesInsteadOfTheCommonName) {
  auto plugin = make();
  shard.directory.add_consumer("bob").custom_id = "bob@b.test";
  const auto with = [this](const std::string& names) {
    return std::vector{ca.issue({.subject = "alice", .extensions = {{NID_subject_alt_name, names}}})};
  };
  EXPECT_EQ(refusal(*plugin, with("DNS:nobody")), kBad);
  EXPECT_EQ(consumer(*plugin, with("DNS:nobody,email:bob@b.test")), "bob");
  EXPECT_EQ(consumer(*plugin, with("DNS:alice,email:bob@b.test")), "alice");
}

TEST_F(MtlsAuth, ComparesOnlyWhatItIsTold) {
  alice.custom_id = "cn";
  const std::vector<Certificate> by_custom_id = {ca.issue({.subject = "cn"})};
  EXPECT_EQ(consumer(*make(R"(,"consumer_by":["custom_id"])"), by_custom_id), "alice");
  EXPECT_EQ(refusal(*make(R"(,"consumer_by":["custom_id"])"), {of_alice}), kBad);
  EXPECT_EQ(refusal(*make(R"(,"consumer_by":["username"])"), by_custom_id), kBad);
  EXPECT_EQ(refusal(*make(R"(,"consumer_by":[])"), {of_alice}), kBad);
}

TEST_F(MtlsAuth, PrefersCredentialsToNamesOfConsumers) {
  gateway::Consumer& bob = shard.directory.add_consumer("bob");
  const auto& any =
      shard.directory.add_credential(bob, "mtls_auth_credentials", gateway::qualified_identity({}, "alice"));
  auto plugin = make();
  const auto made = call(*plugin, {of_alice});
  EXPECT_EQ(made->upstream_header("X-Consumer-Username"), "bob");
  EXPECT_EQ(made->upstream_header("X-Credential-Identifier"), any.id_text);
  gateway::Consumer& carol = shard.directory.add_consumer("carol");
  shard.directory.add_credential(carol, "mtls_auth_credentials", gateway::qualified_identity(Uuid::random(), "alice"));
  EXPECT_EQ(consumer(*plugin, {of_alice}), "bob");
  shard.directory.add_credential(carol, "mtls_auth_credentials", gateway::qualified_identity(ca_id, "alice"));
  EXPECT_EQ(consumer(*plugin, {of_alice}), "carol");
}

TEST_F(MtlsAuth, FallsBackToTheDefaultConsumer) {
  const std::vector<Certificate> stranger = {ca.issue({.subject = "stranger"})};
  auto plugin = make(R"(,"default_consumer":"alice","anonymous":"nobody")");
  const auto made = call(*plugin, stranger);
  EXPECT_EQ(made->upstream_header("X-Consumer-Username"), "alice");
  EXPECT_EQ(made->upstream_header("X-Anonymous-Consumer"), "(none)");
  const auto missing = call(*make(R"(,"default_consumer":"zoe")"), stranger);
  EXPECT_EQ(missing->status(), 500);
  EXPECT_EQ(missing->body(), "default consumer zoe is configured but doesn't exist");
}

TEST_F(MtlsAuth, LetsStrangersThroughAsTheAnonymousConsumer) {
  shard.directory.add_consumer("guest");
  auto plugin = make(R"(,"anonymous":"guest")");
  const std::vector<std::vector<Certificate>> strangers = {
      {}, {other.issue({.subject = "alice"})}, {ca.issue({.subject = "stranger"})}};
  for (const auto& chain : strangers) {
    const auto made = call(*plugin, chain);
    EXPECT_EQ(made->upstream_header("X-Consumer-Username"), "guest");
    EXPECT_EQ(made->upstream_header("X-Anonymous-Consumer"), "true");
  }
}

TEST_F(MtlsAuth, AdmitsVerifiedClientsWithoutAConsumer) {
  auto plugin = make(R"(,"skip_consumer_lookup":true)");
  const auto made =
      call(*plugin, {ca.issue({.subject = "svc", .extensions = {{NID_subject_alt_name, "DNS:a,URI:b:c"}}})});
  EXPECT_FALSE(made->replied());
  EXPECT_EQ(made->upstream_header("X-Client-Cert-Dn"), "CN=svc");
  EXPECT_EQ(made->upstream_header("X-Client-Cert-San"), "a,b:c");
  EXPECT_EQ(made->upstream_header("X-Consumer-Username"), "(none)");
  EXPECT_EQ(made->ex.authenticated.groups, std::vector<std::string>{"svc"});
  EXPECT_TRUE(made->ex.authenticated.has_credential);
  EXPECT_EQ(refusal(*plugin, {other.issue({.subject = "svc"})}), kBad);
}

TEST_F(MtlsAuth, TakesTheWholeNameAsGroupWhereTold) {
  auto plugin = make(R"(,"skip_consumer_lookup":true,"authenticated_group_by":"DN")");
  EXPECT_EQ(call(*plugin, {of_alice})->ex.authenticated.groups, std::vector<std::string>{"CN=alice"});
  const auto nameless = call(*plugin, {ca.issue({.subject = ""})});
  EXPECT_FALSE(nameless->replied());
  EXPECT_TRUE(nameless->ex.authenticated.groups.empty());
  EXPECT_EQ(nameless->upstream_header("X-Client-Cert-Dn"), "(none)");
}

TEST_F(MtlsAuth, AsksHandshakesForCertificatesOfItsAuthorities) {
  const gateway::PluginDescriptor& plugin = shard.describe(add_mtls_auth);
  const auto request = [&](const std::string& more) {
    return plugin.client_certificate(*plugin.config_schema->process(*parse_json(config(more))));
  };
  EXPECT_EQ(request("").authorities, std::vector<Uuid>{ca_id});
  EXPECT_FALSE(request("").names_authorities);
  EXPECT_TRUE(request(R"(,"send_ca_dn":true)").names_authorities);
}

TEST_F(MtlsAuth, IsOfTwoMindsAboutAuthoritiesThatSayNothing) {
  const Certificate asked =
      ca.issue({.subject = "alice", .extensions = {{NID_info_access, "OCSP;URI:http://a.test/"}}});
  EXPECT_EQ(consumer(*make(), {asked}), "alice");
  for (const Certificate& certificate : {asked, of_alice}) {
    EXPECT_EQ(refusal(*make(R"(,"revocation_check_mode":"STRICT")"), {certificate}), kBad);
    EXPECT_EQ(consumer(*make(R"(,"revocation_check_mode":"SKIP")"), {certificate}), "alice");
  }
}

TEST_F(MtlsAuth, RefusesWhatItDoesNotOffer) {
  EXPECT_EQ(shard.unsupported(add_mtls_auth, config()), "");
  EXPECT_EQ(shard.unsupported(add_mtls_auth, config(R"(,"http_proxy_host":"proxy.test")")),
            "http_proxy_host: authorities are asked directly: proxies are not supported yet");
}

TEST_F(MtlsAuth, NeedsIdsOfAuthorities) {
  EXPECT_EQ(shard.violations(add_mtls_auth, "{}"), "schema violation (ca_certificates: required field missing)");
  EXPECT_EQ(shard.violations(add_mtls_auth, R"({"ca_certificates":["x"]})"),
            "schema violation (ca_certificates.1: expected a valid UUID)");
}

TEST_F(MtlsAuth, MatchesThePublishedContract) {
  testing::expect_contract(add_mtls_auth, "MtlsAuth");
}

class VerifiedClientsTest : public ::testing::Test {
 protected:
  Shard shard;
  TestAuthority ca{"ca"};
  const Uuid ca_id = shard.directory.add_authority(ca.certificate());
  VerifiedClients clients{{ca_id}, crypto::ChainVerifier::Anchors::Roots, 60'000};
};

TEST_F(VerifiedClientsTest, AreRememberedForAWhile) {
  const crypto::PresentedCertificate shown({ca.issue({})}, "");
  const auto first = clients.verify(shown, shard.directory, *shard.clock);
  ASSERT_TRUE(first);
  EXPECT_EQ(clients.verify(shown, shard.directory, *shard.clock).value(), *first);
  shard.clock->advance_ms(60'000);
  EXPECT_NE(clients.verify(shown, shard.directory, *shard.clock).value(), *first);
  EXPECT_EQ((*first)->authorities, std::vector<Uuid>{ca_id});
}

TEST_F(VerifiedClientsTest, AreNotRememberedWithoutATime) {
  VerifiedClients none{{ca_id}, crypto::ChainVerifier::Anchors::Roots, 0};
  EXPECT_TRUE(none.verify({{ca.issue({})}, ""}, shard.directory, *shard.clock));
  EXPECT_EQ(none.size(), 0U);
}

TEST_F(VerifiedClientsTest, AreOnlyThoseThatPassed) {
  const TestAuthority other("other");
  EXPECT_FALSE(clients.verify({{other.issue({})}, ""}, shard.directory, *shard.clock));
  EXPECT_EQ(clients.size(), 0U);
}

TEST(RecentlySeen, ForgetsWhatHasNotBeenAskedForForLongest) {
  RecentlySeen<std::size_t> seen;
  for (std::size_t i = 0; i < RecentlySeen<int>::kMost; ++i) seen.put(std::to_string(i), i);
  ASSERT_NE(seen.find("0"), nullptr);
  seen.put("more", 7);
  EXPECT_EQ(seen.size(), RecentlySeen<int>::kMost);
  EXPECT_NE(seen.find("0"), nullptr);
  EXPECT_EQ(seen.find("1"), nullptr);
  seen.put("more", 8);
  EXPECT_EQ(*seen.find("more"), 8U);
  EXPECT_EQ(seen.size(), RecentlySeen<int>::kMost);
}

}  // namespace
}  // namespace sluice::plugins
