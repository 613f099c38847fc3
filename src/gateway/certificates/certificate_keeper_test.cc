// SPDX-License-Identifier: Apache-2.0
#include "gateway/certificates/certificate_keeper.h"

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/gateway_fixture.h"
#include "net/tls/ocsp_fixture.h"
#include "rt/test_loop.h"

namespace sluice::gateway {
namespace {

/// Answers with what is said last, `delay_ms` after the question.
class FakeResponder final : public http::Client {
 public:
  explicit FakeResponder(rt::Reactor& reactor) : reactor_(reactor) {}
  Task<Result<http::ClientResponse>> send(http::ClientRequest request, rt::Deadline /*deadline*/) override {
    questions.push_back(std::move(request));
    co_await rt::Sleep(reactor_, reactor_.after_ms(delay_ms));
    if (!answer) co_return fail(Errc::Timeout, "nobody is there", Blame::Upstream);
    co_return http::ClientResponse{.status = status, .headers = {}, .body = *answer};
  }
  std::vector<http::ClientRequest> questions;
  std::optional<std::string> answer;
  int status = 200;
  std::int64_t delay_ms = 0;

 private:
  rt::Reactor& reactor_;
};

class CertificateKeeperTest : public ::testing::Test, protected net::tls::OcspAuthority {
 protected:
  static constexpr std::int64_t kHourMs = 60L * 60 * 1000;

  CertificateKeeperTest() : CertificateKeeperTest(std::make_unique<rt::ManualClock>()) {}
  void keep(StaplingTerms terms = {.on = true, .responder = ""}) {
    keeper.reconfigure(std::move(terms), {identities}, nullptr);
  }
  void say(Terms terms = {}) { responder.answer = response(terms, ca.get(), ca_key.get()); }
  /// Nothing is watched any more.
  void let_go() { keeper.reconfigure({.on = true, .responder = ""}, {}, nullptr); }
  /// From here on the ends of answers are near: they are dated by the real clock.
  void come_to_the_present() {
    clock->advance_ms((std::time(nullptr) - clock->wall_s()) * 1000);
    reactor.run_once(0);
  }
  /// Lets `ms` pass, and what is due then come to its end.
  void pass(std::int64_t ms) {
    clock->advance_ms(ms);
    for (int turn = 0; turn < 20; ++turn) reactor.run_once(5);  // signatures are checked on another thread
  }
  [[nodiscard]] bool stapled(const CertificateKeeper::Identities& to) const {
    return to->identities().front().staple().current(clock->wall_s()) != nullptr;
  }
  [[nodiscard]] bool stapled() const { return stapled(identities); }

  rt::ManualClock* clock;
  rt::Reactor reactor;
  rt::BlockingPool blocking{1};
  FakeResponder responder{reactor};
  CertificateKeeper::Identities identities = net::tls::IdentitySet::of(identity());
  CertificateKeeper keeper{reactor, responder, blocking};

 private:
  explicit CertificateKeeperTest(std::unique_ptr<rt::ManualClock> manual)
      : clock(manual.get()), reactor(std::move(manual)) {}
};

TEST_F(CertificateKeeperTest, StaplesWhatTheAuthoritySays) {
  say();
  keep();
  EXPECT_FALSE(stapled());
  pass(1);
  EXPECT_TRUE(stapled());
  ASSERT_EQ(responder.questions.size(), 1U);
  EXPECT_EQ(responder.questions[0].url, "http://127.0.0.1:1/ocsp");
  EXPECT_EQ(responder.questions[0].method, "POST");
}

TEST_F(CertificateKeeperTest, AsksAgainHalfWayAndAtMostTwelveHoursLater) {
  say();
  keep();
  pass(1);
  pass(10 * kHourMs);
  EXPECT_EQ(responder.questions.size(), 1U);
  pass(2 * kHourMs);
  EXPECT_EQ(responder.questions.size(), 2U);
}

TEST_F(CertificateKeeperTest, AsksAResponderThatFailsAgainAfterGrowingPauses) {
  keep();
  pass(1);
  EXPECT_EQ(responder.questions.size(), 1U);
  pass(5'000);
  EXPECT_EQ(responder.questions.size(), 2U);
  pass(5'000);
  EXPECT_EQ(responder.questions.size(), 2U);
  say();
  pass(5'000);
  EXPECT_EQ(responder.questions.size(), 3U);
  EXPECT_TRUE(stapled());
}

TEST_F(CertificateKeeperTest, KeepsTheAnswerThatIsValidWhileTheResponderFails) {
  say();
  keep();
  pass(1);
  responder.status = 503;
  pass(12 * kHourMs);
  EXPECT_EQ(responder.questions.size(), 2U);
  EXPECT_TRUE(stapled());
}

TEST_F(CertificateKeeperTest, StaplesNothingToARevokedCertificate) {
  say();
  keep();
  pass(1);
  say({.status = V_OCSP_CERTSTATUS_REVOKED});
  pass(12 * kHourMs);
  EXPECT_FALSE(stapled());
}

TEST_F(CertificateKeeperTest, AsksNobodyUnlessTold) {
  keep({.on = false, .responder = ""});
  pass(1);
  EXPECT_TRUE(responder.questions.empty());
  EXPECT_EQ(keeper.watched(), 1U);
  EXPECT_EQ(keeper.asked(), 0U);
  keep();
  pass(1);
  EXPECT_EQ(responder.questions.size(), 1U);
}

TEST_F(CertificateKeeperTest, AsksWhomTheSettingNames) {
  keep({.on = true, .responder = "http://elsewhere/"});
  pass(1);
  ASSERT_EQ(responder.questions.size(), 1U);
  EXPECT_EQ(responder.questions[0].url, "http://elsewhere/");
}

TEST_F(CertificateKeeperTest, WhatIsKnownOfACertificateOutlivesAReload) {
  say();
  keep();
  pass(1);
  const auto again = net::tls::IdentitySet::of(identity());
  keeper.reconfigure({.on = true, .responder = ""}, {again}, nullptr);
  EXPECT_TRUE(stapled(again));
  EXPECT_EQ(keeper.watched(), 1U);
  pass(1);
  EXPECT_EQ(responder.questions.size(), 1U);
}

TEST_F(CertificateKeeperTest, WatchesTheCertificatesOfServerNames) {
  Snapshot snapshot;
  auto config = Shared<CertificateConfig>::make();
  config->identities = identities;
  snapshot.certificates.insert(config->id, config);
  snapshot.certificate_by_sni.insert("a.test", {Uuid::random(), config->id});
  snapshot.certificate_by_sni.insert("b.test", {Uuid::random(), config->id});
  say();
  keeper.reconfigure({.on = true, .responder = ""}, {}, nullptr);
  EXPECT_EQ(keeper.watched(), 0U);
  keeper.publish(snapshot);
  EXPECT_EQ(keeper.watched(), 1U);
  pass(1);
  EXPECT_TRUE(stapled());
  Snapshot empty;
  empty.certificate_epoch = 1;
  keeper.publish(empty);
  EXPECT_EQ(keeper.watched(), 0U);
}

TEST_F(CertificateKeeperTest, AnAnswerAtItsEndCountsAsAFailure) {
  come_to_the_present();
  say({.next_update_s = -60, .age_s = 600});  // clocks may differ so much
  keep();
  pass(1);
  EXPECT_EQ(responder.questions.size(), 1U);
  EXPECT_FALSE(stapled());
  pass(5'000);
  EXPECT_EQ(responder.questions.size(), 2U);
  pass(5'000);
  EXPECT_EQ(responder.questions.size(), 2U);
}

TEST_F(CertificateKeeperTest, WaitsAMinuteAtLeastAfterAnAnswer) {
  come_to_the_present();
  say({.next_update_s = 30});
  keep();
  pass(1);
  EXPECT_TRUE(stapled());
  pass(59'000);
  EXPECT_EQ(responder.questions.size(), 1U);
  pass(1'000);
  EXPECT_EQ(responder.questions.size(), 2U);
}

TEST_F(CertificateKeeperTest, AFailureFromBeforeACertificateWentAndCameBackIsDropped) {
  responder.delay_ms = 1'000;
  keep();
  pass(1);
  ASSERT_EQ(responder.questions.size(), 1U);
  let_go();
  keep();
  pass(1'000);  // the old question fails when the new one is not made yet
  EXPECT_EQ(responder.questions.size(), 2U);
  say();
  pass(1'000);
  EXPECT_TRUE(stapled());
}

TEST_F(CertificateKeeperTest, ACertificateThatWentAndCameBackIsDueOnce) {
  responder.delay_ms = 1'000;
  say();
  keep();
  pass(1);
  let_go();
  keep();
  pass(1);
  EXPECT_EQ(responder.questions.size(), 2U);
  pass(1'000);
  EXPECT_TRUE(stapled());
  pass(12 * kHourMs);
  EXPECT_EQ(responder.questions.size(), 3U);
  let_go();
  pass(12 * kHourMs);
  EXPECT_EQ(responder.questions.size(), 3U);
}

class ServerNamesWatchedTest : public CertificateKeeperTest, protected Generations {
 protected:
  /// Certificate 7, whose name is row 8.
  [[nodiscard]] std::string rows() const {
    auto quoted = [](const std::string& text) { return to_json(Json(text)); };
    const std::string chain = net::tls::pem_of(leaf.get()) + net::tls::pem_of(ca.get());
    return "certificates:\n- id: " + test_id(7) + "\n  cert: " + quoted(chain) +
           "\n  key: " + quoted(net::tls::key_pem(leaf_key.get())) + "\n  snis: [{id: " + test_id(8) +
           ", name: leaf.test}]\n";
  }
  void change(sync::Delta delta) { keeper.publish(*apply(std::move(delta))); }
};

TEST_F(ServerNamesWatchedTest, ANameThatComesAfterItsCertificateIsWatchedUntilItGoes) {
  say();
  let_go();
  change(vocabulary.only("certificates", rows()));
  EXPECT_EQ(keeper.watched(), 0U);
  change(vocabulary.only("snis", rows()));
  EXPECT_EQ(keeper.watched(), 1U);
  pass(1);
  EXPECT_EQ(keeper.asked(), 1U);
  sync::Delta removal;
  removal.removals.push_back({"snis", test_uuid(8)});
  change(std::move(removal));
  EXPECT_EQ(keeper.watched(), 0U);
}

}  // namespace
}  // namespace sluice::gateway
