// SPDX-License-Identifier: Apache-2.0
#include "control/publish/publisher.h"

#include <stdexcept>

#include <gmock/gmock.h>

#include "entity/catalog_fixture.h"
#include "rt/test_loop.h"
#include "store/member.h"

namespace sluice::control::publish {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Keeps commits in memory, and holds them back or fails as a test says.
class FakeLedger final : public Ledger {
 public:
  Task<std::expected<store::Version, store::CommitError>> commit(store::Version expected,
                                                                 std::vector<store::Commit> group) override {
    while (held) co_await rt::Sleep(*reactor, reactor->after_ms(1));
    if (refuse_groups && group.size() > 1) {
      co_return std::unexpected(store::CommitError{store::CommitFailure::Constraint, Error{}});
    }
    if (failure == store::CommitFailure::Unknown && keep_unknown) {
      for (const auto& commit : group) append(commit);
    }
    if (failure) co_return std::unexpected(store::CommitError{*failure, Error{}});
    if (expected != head) {
      co_return std::unexpected(store::CommitError{store::CommitFailure::Conflict, Error{}});
    }
    groups.push_back(group);
    for (const auto& commit : group) append(commit);
    co_return head;
  }
  Task<Result<store::LogPart>> read_log(store::Version after) override {
    store::LogPart part{.reached = head};
    for (const auto& entry : log) {
      if (entry.version > after) part.entries.push_back(entry);
    }
    return Result<store::LogPart>(std::move(part));
  }
  Task<Result<store::LogPart>> read_touched(store::Version after, std::size_t) override { return read_log(after); }
  Task<Result<store::Contents>> load() override { return Result<store::Contents>(store::Contents{}); }

  void append(const store::Commit& commit) {
    head = head.next();
    for (const auto& row : commit.upserts) {
      log.push_back({head, row.type, row.id, row.workspace, row.document, commit.author, {}});
    }
    for (const auto& key : commit.removals) log.push_back({head, key.type, key.id, {}, nullptr, commit.author, {}});
  }

  rt::Reactor* reactor = nullptr;
  bool held = false;
  bool refuse_groups = false;  // several changes at once break a constraint
  bool keep_unknown = false;   // what fails with Unknown was kept all the same
  std::optional<store::CommitFailure> failure;
  store::Version head;
  std::vector<std::vector<store::Commit>> groups;
  std::vector<store::LogEntry> log;
};

/// Says what it would serve, and refuses entities that are called "bad".
class FakeGateway final : public sync::LocalGateway {
 public:
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override {
    compiled += 1;
    while (held) co_await rt::Sleep(*reactor, reactor->after_ms(1));
    std::vector<sync::ConfigProblem> problems;
    for (const auto& row : delta.upserts) {
      if (row.document->find("\"bad\"") != std::string::npos) problems.push_back({row.type, row.id, "name", "is bad"});
    }
    if (delta.upserts.size() > most_rows) problems.push_back({"routes", Uuid{}, "", "too many"});
    if (!problems.empty()) co_return std::unexpected(problems);
    if (commit) {
      Task<bool> step = commit();
      const bool committed = co_await step;
      if (!committed) co_return std::unexpected(std::vector<sync::ConfigProblem>{});
    }
    published.push_back(std::move(delta));
    co_return sync::Applied{};
  }
  [[nodiscard]] sync::NodeStatus status() const override { return {}; }
  [[nodiscard]] std::string metrics() const override { return {}; }
  [[nodiscard]] Json explain(const sync::ExplainQuery&) const override { return {}; }
  [[nodiscard]] Json upstream_health(const Uuid&) const override { return {}; }

  rt::Reactor* reactor = nullptr;
  bool held = false;             // apply() waits while this is so
  std::size_t most_rows = 1000;  // more at once are refused, as nobody's fault
  unsigned compiled = 0;
  std::vector<sync::Delta> published;
};

class PublisherTest : public testing::Test {
 protected:
  PublisherTest() {
    ledger.reactor = &reactor;
    gateway.reactor = &reactor;
  }

  std::unique_ptr<Change> create(std::string_view name) {
    Operation operation{.type = catalog.find("services")};
    operation.document = Json::Object{{"name", name}, {"host", "h.test"}};
    return transaction(catalog, {operation});
  }
  using Submitted = Task<Publisher::Outcome>;
  Submitted submit(std::string_view name, std::string author = "me") {
    Submitted task = publisher.submit(create(name), std::move(author));
    task.start();
    return task;
  }
  Publisher::Outcome finish(Submitted& task) {
    rt::turn_until(reactor, [&] { return task.ready(); });
    return task.take();
  }
  /// What a follower of the log does.
  Task<bool> follow_ledger() {
    auto news = co_await ledger.read_log(publisher.version());
    co_return co_await publisher.follow(*std::move(news));
  }
  [[nodiscard]] bool stored(std::string_view name) const {
    return !store.table("services").find_unique("name", name).is_nil();
  }

  rt::Reactor reactor;
  entity::Catalog catalog{entity::test_plugins()};
  store::MemoryStore store{catalog};
  FakeLedger ledger;
  FakeGateway gateway;
  Publisher publisher{store, &gateway, {.ledger = &ledger}};
};

TEST_F(PublisherTest, AChangeIsDurableAndServedBeforeItIsAnswered) {
  ledger.held = true;
  auto task = submit("a", "ann");
  EXPECT_FALSE(task.ready());
  EXPECT_FALSE(stored("a")) << "nobody reads what is not kept";
  EXPECT_THAT(gateway.published, IsEmpty());
  ledger.held = false;
  const auto outcome = finish(task);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->version, (store::Version{0, 1}));
  EXPECT_EQ(ledger.groups.at(0).at(0).author, "ann");
  EXPECT_TRUE(stored("a"));
  EXPECT_THAT(gateway.published, SizeIs(1));
}

TEST_F(PublisherTest, WaitingChangesAreTakenTogetherEachWithItsVersion) {
  ledger.held = true;
  auto first = submit("a");
  auto second = submit("b");
  auto third = submit("c");
  ledger.held = false;
  EXPECT_EQ(finish(first)->version.number, 1U);
  EXPECT_EQ(finish(second)->version.number, 2U);
  EXPECT_EQ(finish(third)->version.number, 3U);
  EXPECT_EQ(gateway.compiled, 2U);
  ASSERT_THAT(ledger.groups, SizeIs(2));
  EXPECT_THAT(ledger.groups[1], SizeIs(2)) << "one flush for both";
  EXPECT_EQ(publisher.version(), ledger.head);
}

TEST_F(PublisherTest, AChangeSeesThoseThatWaitBeforeIt) {
  ledger.held = true;
  auto blocking = submit("x");
  auto first = submit("same");
  auto second = submit("same");
  ledger.held = false;
  EXPECT_TRUE(finish(blocking).has_value());
  EXPECT_TRUE(finish(first).has_value());
  const auto refused = finish(second);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().failures.at(0).kind, Failure::Kind::Unique);
}

TEST_F(PublisherTest, WhatDoesNotCompileFailsAloneAndIsNotKept) {
  ledger.held = true;
  auto blocking = submit("x");
  auto good = submit("good");
  auto bad = submit("bad");
  ledger.held = false;
  EXPECT_TRUE(finish(blocking).has_value());
  const auto refused = finish(bad);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().failures.at(0).violations.text(), "name: is bad");
  EXPECT_TRUE(finish(good).has_value());
  EXPECT_FALSE(stored("bad"));
  EXPECT_THAT(ledger.log, SizeIs(2));
}

TEST_F(PublisherTest, WhatCannotBeKeptIsNotServed) {
  ledger.failure = store::CommitFailure::Full;
  auto task = submit("a");
  const auto outcome = finish(task);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().cause, Refusal::Cause::Full);
  EXPECT_FALSE(stored("a"));
  EXPECT_THAT(gateway.published, IsEmpty());
  ledger.failure.reset();
  auto again = submit("a");
  EXPECT_TRUE(finish(again).has_value()) << "recovers by itself";
}

TEST_F(PublisherTest, WhoeverWasFirstIsFollowedAndTheChangeTriedAgain) {
  Json theirs = entity::accepted(catalog, "services", R"({"name":"theirs","host":"h"})");
  const Uuid id = *Uuid::parse(theirs.find("id")->as_string());
  ledger.append({{{"services", id, std::make_shared<const std::string>(to_json(theirs))}}, {}, "other"});
  auto task = submit("mine");
  const auto outcome = finish(task);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->version.number, 2U);
  EXPECT_TRUE(stored("theirs"));
  EXPECT_TRUE(stored("mine"));
  auto same = submit("theirs");
  EXPECT_FALSE(finish(same).has_value()) << "no update is lost";
}

TEST_F(PublisherTest, VersionsOfOthersAreTakenOverOnce) {
  Json theirs = entity::accepted(catalog, "services", R"({"name":"theirs","host":"h"})");
  const Uuid id = *Uuid::parse(theirs.find("id")->as_string());
  ledger.append({{{"services", id, std::make_shared<const std::string>(to_json(theirs))}}, {}, "other"});
  auto following = follow_ledger();
  following.start();
  EXPECT_TRUE(following.take());
  EXPECT_TRUE(stored("theirs"));
  EXPECT_EQ(publisher.version(), ledger.head);
  auto again = publisher.follow({ledger.log, ledger.head});
  again.start();
  EXPECT_TRUE(again.take());
  EXPECT_THAT(gateway.published, SizeIs(1));
  EXPECT_THAT(ledger.groups, IsEmpty()) << "what others made is not committed again";
}

TEST_F(PublisherTest, AControlPlaneWithoutTrafficNeedsNoGateway) {
  Publisher alone(store, nullptr, {.ledger = &ledger});
  auto task = alone.submit(create("a"));
  task.start();
  rt::turn_until(reactor, [&] { return task.ready(); });
  EXPECT_TRUE(task.take().has_value());
  EXPECT_TRUE(stored("a"));
}

TEST_F(PublisherTest, APlanChangesNothing) {
  const auto change = create("a");
  auto planning = publisher.plan(*change);
  planning.start();
  const auto outcome = finish(planning);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_THAT(outcome->delta.upserts, SizeIs(1));
  EXPECT_FALSE(stored("a"));
  EXPECT_THAT(gateway.published, IsEmpty());
  const auto bad = create("bad");
  auto refused = publisher.plan(*bad);
  refused.start();
  EXPECT_FALSE(finish(refused).has_value()) << "the gateway is asked too";
}

/// Throws when it is to be prepared, as a bug of ours would.
class Broken final : public Change {
 public:
  std::expected<void, Refusal> prepare(Draft&) override { throw std::logic_error("a bug"); }
  [[nodiscard]] Refusal locate(const std::vector<sync::ConfigProblem>&) const override { return {}; }
};

TEST_F(PublisherTest, AChangeThatThrowsFailsAloneAndNobodyWaitsForIt) {
  auto broken = publisher.submit(std::make_unique<Broken>());
  broken.start();
  const auto outcome = finish(broken);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().cause, Refusal::Cause::Internal);
  auto next = submit("a");
  EXPECT_TRUE(finish(next).has_value());
}

TEST_F(PublisherTest, AChangeOfNothingMakesNoVersion) {
  Operation operation{.verb = Verb::Remove, .type = catalog.find("services"), .key = "none"};
  auto task = publisher.submit(transaction(catalog, {operation}));
  task.start();
  const auto outcome = finish(task);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->version, store::Version{});
  EXPECT_THAT(ledger.groups, IsEmpty());
  EXPECT_EQ(gateway.compiled, 0U);
}

TEST_F(PublisherTest, AWholeConfigurationThatIsThereMakesNoVersion) {
  const auto load = [&](std::string_view text, const std::string& hash) {
    auto task = publisher.load(replacement(catalog, *parse_json(text), hash));
    task.start();
    return finish(task);
  };
  constexpr std::string_view kFile = R"({"_format_version":"3.0","services":[{"name":"a","host":"h"}]})";
  const std::string first(32, '1');
  const std::string second(32, '2');
  EXPECT_EQ(load(kFile, first)->version.number, 1U);
  const auto again = load(kFile, second);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->version.number, 1U);
  EXPECT_THAT(again->delta.upserts, SizeIs(1)) << "who sent it is told of all of it";
  EXPECT_THAT(ledger.log, SizeIs(1));
  EXPECT_EQ(publisher.version(), ledger.head);
  EXPECT_EQ(store.hash(), second) << "it is known by the text that came last";
  EXPECT_EQ(load(R"({"_format_version":"3.0","services":[]})", first)->version.number, 2U);
  EXPECT_FALSE(stored("a"));
}

TEST_F(PublisherTest, NothingNeedBeKeptForAConfigurationThatIsThereToMakeNoVersion) {
  Publisher alone(store, &gateway, {});
  const auto load = [&] {
    constexpr std::string_view kFile = R"({"_format_version":"3.0","services":[{"name":"a","host":"h"}]})";
    auto task = alone.load(replacement(catalog, *parse_json(kFile), std::string(32, '1')));
    task.start();
    return finish(task);
  };
  EXPECT_EQ(load()->version.number, 1U);
  EXPECT_EQ(load()->version.number, 1U);
}

TEST_F(PublisherTest, ReplacingEntitiesByWhatTheySayMakesNoVersion) {
  const auto replace = [&](std::string_view name, std::string_view host) {
    Operation operation{.verb = Verb::Replace, .type = catalog.find("services")};
    operation.document = Json::Object{{"name", name}, {"host", host}};
    return operation;
  };
  const auto import = [&](std::vector<Operation> operations) {
    auto task = publisher.submit(transaction(catalog, std::move(operations)));
    task.start();
    return finish(task);
  };
  EXPECT_EQ(import({replace("a", "h"), replace("b", "h")})->version.number, 1U);
  const auto again = import({replace("a", "h"), replace("b", "h")});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->version.number, 1U);
  EXPECT_THAT(again->delta.upserts, IsEmpty());
  ASSERT_THAT(again->effects, SizeIs(2)) << "what they are is told all the same";
  EXPECT_FALSE(again->effects[0].document == nullptr || again->effects[0].created);
  EXPECT_THAT(ledger.log, SizeIs(2));
  const auto one = import({replace("a", "h"), replace("b", "other")});
  EXPECT_EQ(one->version.number, 2U);
  EXPECT_THAT(one->delta.upserts, SizeIs(1)) << "and no more than that is in the history";
  EXPECT_FALSE(import({replace("a", "h"), replace("a", "h")}).has_value()) << "the same twice is a mistake still";
}

TEST_F(PublisherTest, AVersionOfOthersWithoutRowsIsTakenOver) {
  ledger.append({{}, {}, "other"});
  auto task = submit("mine");
  const auto outcome = finish(task);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->version.number, 2U);
}

TEST_F(PublisherTest, AChangeIsCommittedOnTopOfWhatItWasValidatedAgainst) {
  gateway.held = true;
  auto task = submit("same");
  Json theirs = entity::accepted(catalog, "services", R"({"name":"same","host":"h"})");
  const Uuid id = *Uuid::parse(theirs.find("id")->as_string());
  ledger.append({{{"services", id, std::make_shared<const std::string>(to_json(theirs))}}, {}, "other"});
  auto following = follow_ledger();
  following.start();
  gateway.held = false;
  const auto outcome = finish(task);
  ASSERT_FALSE(outcome.has_value()) << "validated again, it has lost its name";
  EXPECT_EQ(outcome.error().failures.at(0).kind, Failure::Kind::Unique);
  rt::turn_until(reactor, [&] { return following.ready(); });
  EXPECT_THAT(ledger.log, SizeIs(1));
}

TEST_F(PublisherTest, AChangeOfUnknownFateIsLookedUpInTheLog) {
  ledger.failure = store::CommitFailure::Unknown;
  ledger.keep_unknown = true;
  auto kept = submit("kept");
  const auto outcome = finish(kept);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->version, ledger.head);
  EXPECT_TRUE(stored("kept"));
  ledger.keep_unknown = false;
  auto lost = submit("lost");
  const auto unknown = finish(lost);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().cause, Refusal::Cause::Unknown);
}

TEST_F(PublisherTest, WhatIsNobodysFaultIsTriedAloneBeforeAnybodyIsBlamed) {
  gateway.held = true;
  auto blocking = submit("x");
  auto first = submit("a");
  auto second = submit("b");
  gateway.most_rows = 1;
  gateway.held = false;
  EXPECT_TRUE(finish(blocking).has_value());
  EXPECT_TRUE(finish(first).has_value());
  EXPECT_TRUE(finish(second).has_value());
}

TEST_F(PublisherTest, WhatTheStorageRefusesTogetherIsTriedAlone) {
  ledger.refuse_groups = true;
  ledger.held = true;
  auto blocking = submit("x");
  auto first = submit("a");
  auto second = submit("b");
  ledger.held = false;
  EXPECT_TRUE(finish(blocking).has_value());
  EXPECT_TRUE(finish(first).has_value());
  EXPECT_TRUE(finish(second).has_value());
}

// Transactions
// -------------------------------------------------------------------------------------------------------------------

TEST_F(PublisherTest, ATransactionNeedNotBeInOrder) {
  Operation route{.type = catalog.find("routes")};
  route.document = Json::Object{{"name", "r"}, {"paths", Json::Array{"/r"}}, {"service", "s"}};
  route.names_refer = true;
  Operation service{.type = catalog.find("services")};
  service.document = Json::Object{{"name", "s"}, {"host", "h"}};
  auto task = publisher.submit(transaction(catalog, {route, service}));
  task.start();
  const auto outcome = finish(task);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->version.number, 1U) << "one version";
  EXPECT_EQ(store::member_texts(*outcome->effects[0].document, "service").front(), outcome->effects[1].id.to_string());
}

TEST_F(PublisherTest, NamesMayBeExchangedInOneTransaction) {
  auto a = submit("a");
  auto b = submit("b");
  const Uuid first = finish(a)->effects[0].id;
  const Uuid second = finish(b)->effects[0].id;
  const auto rename = [&](const Uuid& id, std::string_view name) {
    Operation operation{.verb = Verb::Patch, .type = catalog.find("services"), .key = id.to_string()};
    operation.document = Json::Object{{"name", name}};
    return operation;
  };
  auto task = publisher.submit(transaction(catalog, {rename(first, "b"), rename(second, "a")}));
  task.start();
  EXPECT_TRUE(finish(task).has_value());
  EXPECT_EQ(store.table("services").find_unique("name", "b"), first);
}

TEST_F(PublisherTest, EverythingThatIsWrongIsFoundAtOnce) {
  Operation unnamed{.type = catalog.find("services")};
  Operation lost{.type = catalog.find("routes")};
  lost.document = Json::Object{{"paths", Json::Array{"/"}}, {"service", "ghost"}};
  lost.names_refer = true;
  Operation good{.type = catalog.find("consumers")};
  good.document = Json::Object{{"username", "ann"}};
  auto task = publisher.submit(transaction(catalog, {unnamed, good, lost}));
  task.start();
  const auto outcome = finish(task);
  ASSERT_FALSE(outcome.has_value());
  std::vector<std::size_t> positions;
  for (const Failure& failure : outcome.error().failures) positions.push_back(failure.operation);
  EXPECT_THAT(positions, ElementsAre(0, 2));
  EXPECT_TRUE(store.table("consumers").rows().empty());
}

}  // namespace
}  // namespace sluice::control::publish
