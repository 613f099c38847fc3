// SPDX-License-Identifier: Apache-2.0
#include "net/dns/resolver.h"

#include <fstream>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "net/dns/test_server.h"
#include "rt/clock.h"
#include "rt/test_loop.h"

namespace sluice::net::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// The system's clock, which tests may turn forward.
class TurnableClock final : public rt::Clock {
 public:
  TurnableClock() { TurnableClock::refresh(); }
  void refresh() override {
    system_.refresh();
    mono_ns_ = system_.mono_ns() + ahead_ns;
    wall_ns_ = system_.wall_ns() + ahead_ns;
  }
  std::int64_t ahead_ns = 0;

 private:
  rt::SystemClock system_;
};

class ResolverTest : public testing::Test {
 public:
  void SetUp() override { open({}); }

  void open(Settings settings) {
    settings.channel.servers = {server.address()};
    settings.channel.resolv_conf = "/dev/null";
    settings.channel.timeout_ms = 150;
    settings.channel.tries = 2;
    if (!settings.search) settings.search.emplace();
    if (settings.hosts_file == "/etc/hosts") settings.hosts_file = "";
    resolver.reset();
    auto made = Resolver::open(reactor, std::move(settings));
    ASSERT_TRUE(made) << made.error().what;
    resolver = *std::move(made);
  }
  void set(const std::string& name, std::vector<std::string> addresses, std::uint32_t ttl = 60, int type = 1) {
    server.records[{name, type}] = {std::move(addresses), ttl};
  }
  Result<AnswerPtr> resolve(const std::string& name) {
    return rt::run(reactor, resolver->resolve(name, reactor.after_ms(5000)));
  }
  /// The addresses, or the error's text.
  std::vector<std::string> addresses(const std::string& name) {
    auto answer = resolve(name);
    if (!answer) return {answer.error().what};
    std::vector<std::string> texts;
    for (const Endpoint& endpoint : (*answer)->endpoints) texts.push_back(endpoint.ip.to_string());
    return texts;
  }
  void pass_s(std::int64_t seconds) {
    clock->ahead_ns += seconds * 1'000'000'000;
    reactor.run_once(0);
  }
  /// Lets background questions end.
  void settle() {
    for (int i = 0; i < 10; ++i) reactor.run_once(5);
  }

  std::unique_ptr<TurnableClock> owned = std::make_unique<TurnableClock>();
  TurnableClock* clock = owned.get();  // then the reactor's
  rt::Reactor reactor{std::move(owned)};
  TestServer server{reactor};
  std::unique_ptr<Resolver> resolver;
};

TEST_F(ResolverTest, ResolvesAllAddressesOfAName) {
  set("a.test", {"192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_THAT(server.questions, ElementsAre("A a.test"));
}

TEST_F(ResolverTest, FallsBackToIpv6) {
  set("six.test", {"2001:db8::1"}, 60, 28);
  EXPECT_THAT(addresses("six.test"), ElementsAre("2001:db8::1"));
  EXPECT_THAT(server.questions, ElementsAre("A six.test", "AAAA six.test"));
}

TEST_F(ResolverTest, SeeksTheOtherFamilyBehindTheCallersBackWhenAskedTo) {
  Settings both;
  both.both_families = true;
  open(std::move(both));
  set("both.test", {"192.0.2.1"});
  set("both.test", {"2001:db8::1", "2001:db8::2"}, 60, 28);
  EXPECT_THAT(addresses("both.test"), ElementsAre("192.0.2.1"));
  settle();
  const Answer* known = resolver->lookup("both.test");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->endpoints.size(), 1U);
  EXPECT_THAT(known->others, ElementsAre(*IpAddress::parse("2001:db8::1"), *IpAddress::parse("2001:db8::2")));
}

TEST_F(ResolverTest, ANameWithoutTheOtherFamilyIsAsGood) {
  Settings both;
  both.both_families = true;
  open(std::move(both));
  set("one.test", {"192.0.2.1"});
  EXPECT_THAT(addresses("one.test"), ElementsAre("192.0.2.1"));
  settle();
  ASSERT_NE(resolver->lookup("one.test"), nullptr);
  EXPECT_TRUE(resolver->lookup("one.test")->others.empty());
}

TEST_F(ResolverTest, AnswersFromTheCacheWhileTheTtlLasts) {
  set("a.test", {"192.0.2.1"}, 60);
  EXPECT_EQ(resolver->lookup("a.test"), nullptr);
  settle();
  const Answer* known = resolver->lookup("A.TEST");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->endpoints.front().ip.to_string(), "192.0.2.1");
  EXPECT_TRUE(resolver->resolve("a.test", reactor.after_ms(1)).ready());
  pass_s(59);
  EXPECT_NE(resolver->lookup("a.test"), nullptr);
  EXPECT_EQ(server.questions.size(), 1U);
}

TEST_F(ResolverTest, AnExpiredAnswerServesWhileANewOneIsSought) {
  set("a.test", {"192.0.2.1"}, 10);
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.1"));
  set("a.test", {"192.0.2.9"}, 10);
  pass_s(11);
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.1"));
  settle();
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.9"));
  EXPECT_EQ(resolver->stats().stale_hits, 1U);
}

TEST_F(ResolverTest, AnExpiredAnswerServesWhileTheServersFail) {
  set("a.test", {"192.0.2.1"}, 10);
  addresses("a.test");
  server.manner = TestServer::Manner::ServerFailure;
  pass_s(3000);
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.1"));
  settle();
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.1"));
  pass_s(620);  // 3600 s after the expiry it is too old
  EXPECT_THAT(addresses("a.test").front(), testing::HasSubstr("name resolution failed"));
}

TEST_F(ResolverTest, ATtlOfZeroIsAskedForEachTime) {
  set("a.test", {"192.0.2.1"}, 0);
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.1"));
  set("a.test", {"192.0.2.2"}, 0);
  EXPECT_EQ(resolver->lookup("a.test"), nullptr);
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.2"));
  server.manner = TestServer::Manner::ServerFailure;
  settle();
  EXPECT_THAT(addresses("a.test"), ElementsAre("192.0.2.2"));
}

TEST_F(ResolverTest, ManyWaitersShareOneQuestion) {
  set("a.test", {"192.0.2.1"}, 0);
  std::vector<Task<Result<AnswerPtr>>> waiting;
  waiting.reserve(20);
  for (int i = 0; i < 20; ++i) waiting.push_back(resolver->resolve("a.test", reactor.after_ms(5000)));
  for (auto& task : waiting) task.start();
  waiting.erase(waiting.begin() + 7);  // one gives up
  rt::turn_until(reactor, [&] { return std::ranges::all_of(waiting, [](auto& task) { return task.ready(); }); });
  for (auto& task : waiting) EXPECT_TRUE(task.take());
  EXPECT_EQ(server.questions.size(), 1U);
}

TEST_F(ResolverTest, EachWhoWaitsHasAQuestionOfTheirOwnSentWhereThatIsWanted) {
  Settings alone;
  alone.share_questions = false;
  open(alone);
  set("a.test", {"192.0.2.1"}, 60);
  std::vector<Task<Result<AnswerPtr>>> waiting;
  waiting.reserve(5);
  for (int i = 0; i < 5; ++i) waiting.push_back(resolver->resolve("a.test", reactor.after_ms(5000)));
  for (auto& task : waiting) task.start();
  rt::turn_until(reactor, [&] { return std::ranges::all_of(waiting, [](auto& task) { return task.ready(); }); });
  settle();
  for (auto& task : waiting) EXPECT_TRUE(task.take());
  EXPECT_EQ(server.questions.size(), 5U);
  EXPECT_TRUE(resolve("a.test"));
  EXPECT_EQ(server.questions.size(), 5U);
}

TEST_F(ResolverTest, AFailureReachesAllWhoWaitForQuestionsOfTheirOwn) {
  Settings alone;
  alone.share_questions = false;
  open(alone);
  server.manner = TestServer::Manner::ServerFailure;
  auto first = resolver->resolve("a.test", reactor.after_ms(5000));
  auto second = resolver->resolve("a.test", reactor.after_ms(5000));
  first.start();
  second.start();
  rt::turn_until(reactor, [&] { return first.ready() && second.ready(); });
  EXPECT_EQ(first.take().error().code, Errc::Unavailable);
  EXPECT_EQ(second.take().error().code, Errc::Unavailable);
  settle();
  const std::size_t asked = server.questions.size();
  EXPECT_FALSE(resolve("a.test"));
  EXPECT_EQ(server.questions.size(), asked) << "the error is remembered";
}

TEST_F(ResolverTest, AsksForTheTypesInTheirOrder) {
  Settings settings;
  settings.order = {RecordType::Aaaa, RecordType::A};
  open(settings);
  set("a.test", {"192.0.2.1"});
  set("a.test", {"2001:db8::1"}, 60, 28);
  EXPECT_THAT(addresses("a.test"), ElementsAre("2001:db8::1"));
  settings.order = {RecordType::Aaaa};
  open(settings);
  set("four.test", {"192.0.2.1"});
  EXPECT_THAT(addresses("four.test").front(), testing::HasSubstr("no address"));
}

TEST_F(ResolverTest, TheTypeThatAnsweredBeforeIsAskedForFirst) {
  set("six.test", {"2001:db8::1"}, 0, 28);
  addresses("six.test");
  server.questions.clear();
  addresses("six.test");
  EXPECT_THAT(server.questions, ElementsAre("AAAA six.test"));
  Settings forgetful;
  forgetful.last_first = false;
  open(forgetful);
  addresses("six.test");
  server.questions.clear();
  addresses("six.test");
  EXPECT_THAT(server.questions, ElementsAre("A six.test", "AAAA six.test"));
}

TEST_F(ResolverTest, MissingNamesAreRememberedForHalfAMinute) {
  auto answer = resolve("no.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::NotFound);
  EXPECT_EQ(answer.error().blame, Blame::Upstream);
  set("no.test", {"192.0.2.1"});
  pass_s(29);
  EXPECT_FALSE(resolve("no.test"));
  EXPECT_EQ(server.questions.size(), 1U);
  pass_s(2);
  EXPECT_TRUE(resolve("no.test"));
}

TEST_F(ResolverTest, ANameThatIsGoneIsNotServedFromMemory) {
  set("a.test", {"192.0.2.1"}, 10);
  addresses("a.test");
  server.records.clear();
  pass_s(11);
  EXPECT_TRUE(resolve("a.test"));  // stale, once
  settle();
  EXPECT_FALSE(resolve("a.test"));
}

TEST_F(ResolverTest, ErrorsAreRememberedForASecond) {
  server.manner = TestServer::Manner::ServerFailure;
  auto answer = resolve("a.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::Unavailable);
  server.manner = TestServer::Manner::Normal;
  set("a.test", {"192.0.2.1"});
  EXPECT_FALSE(resolve("a.test"));
  pass_s(2);
  EXPECT_TRUE(resolve("a.test"));
}

TEST_F(ResolverTest, SilentServersTimeOut) {
  server.manner = TestServer::Manner::Silent;
  auto answer = resolve("a.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::Timeout);
}

TEST_F(ResolverTest, ADeadlineEndsTheWaitButNotTheQuestion) {
  server.manner = TestServer::Manner::Silent;
  set("a.test", {"192.0.2.1"});
  auto answer = rt::run(reactor, resolver->resolve("a.test", reactor.after_ms(10)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::Timeout);
  server.manner = TestServer::Manner::Normal;
  rt::turn_until(reactor, [&] { return resolver->lookup("a.test") != nullptr; });  // the second try
}

TEST_F(ResolverTest, TruncatedAnswersAreFetchedOverTcp) {
  std::vector<std::string> many;
  for (int i = 1; i <= 100; ++i) many.push_back("192.0.2." + std::to_string(i));
  set("big.test", many);
  server.manner = TestServer::Manner::Truncated;
  EXPECT_EQ(addresses("big.test").size(), 100U);
  EXPECT_EQ(server.over_tcp, 1);
}

TEST_F(ResolverTest, GarbageAndAnswersToOtherQuestionsAreNoAnswers) {
  set("a.test", {"192.0.2.1"});
  for (auto manner : {TestServer::Manner::Garbage, TestServer::Manner::WrongQuestion}) {
    server.manner = manner;
    EXPECT_FALSE(resolve("a.test"));
    pass_s(2);
  }
  server.manner = TestServer::Manner::Normal;
  EXPECT_TRUE(resolve("a.test"));
}

TEST_F(ResolverTest, ImpossibleNamesAreInvalid) {
  for (const std::string& name : {std::string(64, 'x') + ".test", std::string("a..b"), std::string(300, 'y')}) {
    auto answer = resolve(name);
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code, Errc::Invalid) << name;
  }
  EXPECT_THAT(server.questions, IsEmpty());
}

TEST_F(ResolverTest, AddressesNeedNoQuestion) {
  EXPECT_THAT(addresses("192.0.2.7"), ElementsAre("192.0.2.7"));
  EXPECT_NE(resolver->lookup("2001:db8::7"), nullptr);
  EXPECT_THAT(server.questions, IsEmpty());
}

TEST_F(ResolverTest, TheHostsFileGoesFirst) {
  const std::string path = testing::TempDir() + "/sluice-hosts-" + std::to_string(::getpid());
  std::ofstream(path) << "# comment\n192.0.2.5 Fixed.test alias # more\n2001:db8::5\tfixed.test\nnonsense line\n";
  Settings settings;
  settings.hosts_file = path;
  open(std::move(settings));
  EXPECT_THAT(addresses("fixed.test"), ElementsAre("192.0.2.5"));
  EXPECT_THAT(addresses("alias"), ElementsAre("192.0.2.5"));
  EXPECT_THAT(addresses("localhost"), ElementsAre("127.0.0.1"));
  EXPECT_THAT(server.questions, IsEmpty());
}

TEST_F(ResolverTest, SearchDomainsFollowNdots) {
  Settings settings;
  settings.search = {"one.example", "two.example"};
  settings.ndots = 2;
  open(std::move(settings));
  set("db.two.example", {"192.0.2.8"});
  EXPECT_THAT(addresses("db"), ElementsAre("192.0.2.8"));
  EXPECT_THAT(server.questions, ElementsAre("A db.one.example", "A db.two.example"));
  server.questions.clear();
  set("x.y.test", {"192.0.2.9"});
  EXPECT_THAT(addresses("x.y.test"), ElementsAre("192.0.2.9"));
  EXPECT_THAT(addresses("x.y.test."), ElementsAre("192.0.2.9"));
  EXPECT_THAT(server.questions, ElementsAre("A x.y.test", "A x.y.test"));
}

TEST_F(ResolverTest, TheCacheIsBounded) {
  Settings settings;
  settings.cache_size = 3;
  open(std::move(settings));
  for (int i = 0; i < 10; ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    set(name, {"192.0.2.1"});
    EXPECT_TRUE(resolve(name));
  }
  EXPECT_EQ(resolver->stats().cached, 3U);
  EXPECT_NE(resolver->lookup("n9.test"), nullptr);
}

TEST_F(ResolverTest, AValidTtlReplacesTheRecordsOwn) {
  Settings settings;
  settings.valid_ttl_s = 5;
  open(std::move(settings));
  set("a.test", {"192.0.2.1"}, 600);
  EXPECT_EQ((*resolve("a.test"))->ttl_ms, 5000);
}

TEST_F(ResolverTest, ItCanGoWhileQuestionsAreUnderWay) {
  server.manner = TestServer::Manner::Silent;
  auto waiting = resolver->resolve("a.test", reactor.after_ms(5000));
  waiting.start();
  reactor.run_once(1);
  waiting.reset();
  resolver.reset();
  settle();
}

TEST(ResolverSetUpTest, BadServersAreAnError) {
  rt::Reactor reactor;
  Settings settings;
  settings.channel.servers = {"not an address"};
  EXPECT_FALSE(Resolver::open(reactor, settings));
}

// SRV records
// -------------------------------------------------------------------------------------------------------------------

class ServiceRecords : public ResolverTest {
 public:
  void SetUp() override {
    Settings settings;
    settings.order = {RecordType::Srv, RecordType::A, RecordType::Aaaa};
    open(std::move(settings));
  }
};

TEST_F(ServiceRecords, AreFollowedToTheAddressesOfTheirHosts) {
  set("_http._tcp.api.test", {"10 3 8081 a.test", "10 0 8082 b.test"}, 60, 33);
  set("a.test", {"10.1.0.1"}, 20);
  set("b.test", {"2001:db8::2"}, 60, 28);
  const auto answer = resolve("_http._tcp.api.test");
  ASSERT_TRUE(answer) << answer.error().what;
  const std::vector<Endpoint> expected = {{*IpAddress::parse("10.1.0.1"), 8081, 3, "a.test"},
                                          {*IpAddress::parse("2001:db8::2"), 8082, 0, "b.test"}};
  EXPECT_EQ((*answer)->endpoints, expected);
  EXPECT_EQ((*answer)->ttl_ms, 20'000) << "the shortest counts";
}

TEST_F(ServiceRecords, OfTheFirstPriorityAloneAreUsed) {
  set("srv.test", {"20 1 82 b.test", "10 1 81 a.test"}, 60, 33);
  set("a.test", {"10.1.0.1"});
  set("b.test", {"10.1.0.2"});
  EXPECT_THAT(addresses("srv.test"), ElementsAre("10.1.0.1"));
}

TEST_F(ServiceRecords, ThatNameNobodyLeaveTheNameToItsAddresses) {
  set("mixed.test", {"10 1 81 gone.test"}, 60, 33);
  set("mixed.test", {"10.1.0.3"});
  EXPECT_THAT(addresses("mixed.test"), ElementsAre("10.1.0.3"));
}

TEST_F(ServiceRecords, AreNotAskedForAgainWhereThereWereNone) {
  set("plain.test", {"10.1.0.1"}, 0);
  EXPECT_THAT(addresses("plain.test"), ElementsAre("10.1.0.1"));
  server.questions.clear();
  EXPECT_THAT(addresses("plain.test"), ElementsAre("10.1.0.1"));
  EXPECT_THAT(server.questions, ElementsAre("A plain.test"));
}

TEST_F(ServiceRecords, CountInWhatIsToldOfTheResolver) {
  set("srv.test", {"10 1 81 a.test"}, 60, 33);
  set("a.test", {"10.1.0.1"});
  (void)addresses("srv.test");
  (void)addresses("srv.test");
  const Resolver::Stats stats = resolver->stats();
  EXPECT_EQ(stats.queries, 2U);
  EXPECT_EQ(stats.hits, 1U);
  EXPECT_EQ(stats.cached, 1U);
}

}  // namespace
}  // namespace sluice::net::dns
