// SPDX-License-Identifier: Apache-2.0
#include "control/iam/accounts.h"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/iam/credentials.h"
#include "control/iam/front_door.h"
#include "crypto/hash.h"
#include "entity/catalog_fixture.h"
#include "rt/test_loop.h"
#include "store/store_fixture.h"

namespace sluice::control::iam {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kEmail = "jane@example.test";
constexpr const char* kPassword = "several words are good";

class AccountsTest : public testing::Test {
 protected:
  AccountsTest() {
    settings.admin_session_idle = Millis(3'600'000);
    settings.admin_session_lifetime = Millis(43'200'000);
    store::expect(accounts.open_now());
  }

  std::unique_ptr<store::DurableStore> open() {
    store::SqliteOptions options;
    options.file = folder / "store.db";
    return store::expect(store::open_sqlite(options, catalog, keyring));
  }
  /// Jane, signed in.
  Entered set_up() {
    const NewLink link = make_link({}, accounts.now());
    change([&](const AccountState& state) { return add_link(state, link.link); });
    iam::SetUp wanted{.link = link.text, .email = kEmail, .full_name = {}, .organization = "Example", .password = {}};
    wanted.password = Secret<std::string>(kPassword);
    auto entered = rt::run(reactor, door.set_up(std::move(wanted), FrontDoor::NeedsLink::Yes, {"192.0.2.1", "test"}));
    EXPECT_TRUE(entered.has_value()) << (entered ? "" : entered.error().what);
    return entered.value_or(Entered{});
  }
  auto sign_in(const std::string& password, const std::string& email = kEmail) {
    return rt::run(reactor, door.sign_in(email, Secret<std::string>(password), {"192.0.2.1", "test"}));
  }
  void change(const Edit& edit) { store::expect(rt::run(reactor, accounts.change(edit, "tester"))); }

  store::TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  store::Keyring keyring = *store::Keyring::open(folder / "keyring");
  settings::Settings settings;
  rt::Reactor reactor;
  store::AsyncStore durable{open(), reactor};
  Accounts accounts{durable, reactor, settings};
  FrontDoor door{accounts, reactor};
  Credentials credentials{settings, nullptr, &accounts};
};

TEST_F(AccountsTest, NobodyIsAskedUntilThereIsAnAccount) {
  EXPECT_FALSE(credentials.needed());
  const Entered jane = set_up();
  EXPECT_TRUE(credentials.needed());
  const auto who = credentials.by_session(jane.text);
  ASSERT_TRUE(who.has_value());
  EXPECT_EQ(who->kind, Kind::Administrator);
  EXPECT_EQ(who->name, kEmail);
  EXPECT_EQ(accounts.state().organization()->name, "Example");
  EXPECT_FALSE(credentials.by_token(jane.text).has_value()) << "a session is no token";
}

TEST_F(AccountsTest, ALinkWorksOnceAndNotForEver) {
  set_up();
  const NewLink link = make_link(accounts.state().users().begin()->first, accounts.now());
  change([&](const AccountState& state) { return add_link(state, link.link); });
  EXPECT_EQ(door.look(link.text)->email, kEmail);
  iam::SetUp wanted{.link = link.text, .email = {}, .full_name = {}, .organization = {}, .password = {}};
  wanted.password = Secret<std::string>("other words are better");
  ASSERT_TRUE(rt::run(reactor, door.set_up(wanted, FrontDoor::NeedsLink::Yes, {})).has_value());
  const auto again = rt::run(reactor, door.set_up(wanted, FrontDoor::NeedsLink::Yes, {}));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().denial, Denial::NotFound);
  const NewLink old = make_link(accounts.state().users().begin()->first, accounts.now() - kLinkLifetimeMs - 1);
  change([&](const AccountState& state) { return add_link(state, old.link); });
  EXPECT_FALSE(door.look(old.text).has_value());
}

TEST_F(AccountsTest, AnswersTheSameWhetherThereIsAnAccountOrNot) {
  set_up();
  const auto known = sign_in("not the password");
  const auto unknown = sign_in("not the password", "nobody@example.test");
  ASSERT_FALSE(known.has_value());
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(known.error().what, unknown.error().what);
  EXPECT_EQ(known.error().denial, unknown.error().denial);
}

TEST_F(AccountsTest, TheEleventhWrongPasswordIsNotLookedAt) {
  set_up();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(sign_in("wrong", "joe@example.test").error().denial, Denial::Wrong);
  EXPECT_EQ(sign_in("wrong", "joe@example.test").error().denial, Denial::TooMany);
}

TEST_F(AccountsTest, APasswordChangeEndsAllOtherSessions) {
  const Entered first = set_up();
  const auto second = sign_in(kPassword);
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(first.text, second->text);
  const auto kept =
      rt::run(reactor, door.change_password(*credentials.by_session(second->text), Secret<std::string>(kPassword),
                                            Secret<std::string>("other words are better"), {}));
  ASSERT_TRUE(kept.has_value());
  EXPECT_FALSE(credentials.by_session(first.text).has_value());
  EXPECT_FALSE(credentials.by_session(second->text).has_value()) << "it goes on under another text";
  EXPECT_TRUE(credentials.by_session((*kept)->text).has_value());
  EXPECT_FALSE(sign_in(kPassword).has_value());
  EXPECT_TRUE(sign_in("other words are better").has_value());
}

TEST_F(AccountsTest, SessionsEndWhenTheyIdleAndWhenTheyAreOld) {
  const Entered jane = set_up();
  const auto written = [&](std::int64_t created, std::int64_t used) {
    Entered old = jane;
    old.text = "text of " + std::to_string(created) + std::to_string(used);
    old.session.id = Uuid::random();
    old.session.digest = crypto::sha256_hex(old.text);
    old.session.created_ms = created;
    old.session.used_ms = used;
    change([&](const AccountState& state) { return add_session(state, old.session, {}); });
    return old.text;
  };
  const std::int64_t now = accounts.now();
  EXPECT_TRUE(credentials.by_session(written(now - 7'200'000, now - 600'000)).has_value());
  EXPECT_FALSE(credentials.by_session(written(now - 8'200'000, now - 8'000'000)).has_value());
  EXPECT_FALSE(credentials.by_session(written(now - 44'000'000, now)).has_value());
}

TEST_F(AccountsTest, TokensOpenUntilTheyExpireOrAreRevokedOrTheirUserIsShutOut) {
  set_up();
  const Uuid jane = accounts.state().users().begin()->first;
  const std::int64_t now = accounts.now();
  const NewAccessToken good = make_access_token(jane, "deck", now, now + 86'400'000);
  const NewAccessToken late = make_access_token(jane, "old", now, now - 1);
  EXPECT_THAT(good.text, StartsWith("kpat_"));
  change([&](const AccountState& state) { return add_token(state, good.token, {}); });
  change([&](const AccountState& state) { return add_token(state, late.token, {}); });
  EXPECT_EQ(credentials.by_token(good.text)->name, std::string(kEmail) + " (deck)");
  EXPECT_GT(accounts.last_use(*accounts.state().find_token(jane, good.token.id)), 0);
  EXPECT_FALSE(credentials.by_token(late.text).has_value());
  EXPECT_FALSE(credentials.by_token(good.token.digest).has_value()) << "what is kept opens nothing";
  change([&](const AccountState& state) { return revoke_token(state, jane, good.token.id, jane, now); });
  EXPECT_FALSE(credentials.by_token(good.text).has_value());
}

TEST_F(AccountsTest, TheLastAdministratorStays) {
  set_up();
  const Uuid jane = accounts.state().users().begin()->first;
  const auto gone = rt::run(
      reactor, accounts.change([&](const AccountState& state) { return remove_user(state, jane, 1); }, "tester"));
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, Errc::Conflict);
  const auto shut_out =
      rt::run(reactor, accounts.change(
                           [&](const AccountState& state) {
                             return change_user(state, jane, 1, [](User& user) { user.active = false; });
                           },
                           "tester"));
  EXPECT_FALSE(shut_out.has_value());
}

TEST_F(AccountsTest, ReplicasFollowAndSeeTheSameCredentials) {
  const Entered jane = set_up();
  store::AsyncStore second{open(), reactor};
  Accounts replica{second, reactor, settings};
  store::expect(replica.open_now());
  EXPECT_TRUE(replica.by_session(jane.text).has_value());
  replica.start();
  change([&](const AccountState& state) {
    return end_sessions(state, jane.session.user, [](const Session&) { return true; });
  });
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return !replica.by_session(jane.text).has_value(); }));
}

TEST_F(AccountsTest, WhatARestoredBackupBringsBackOfSessionsIsVoid) {
  const Entered jane = set_up();
  store::expect(durable.blocking().backup(folder / "copy", store::WithKey::No));
  store::expect(durable.blocking().restore(folder / "copy"));
  store::expect(accounts.open_now());
  EXPECT_NE(accounts.state().find_session(jane.text), nullptr);
  EXPECT_FALSE(credentials.by_session(jane.text).has_value());
  EXPECT_TRUE(sign_in(kPassword).has_value());
}

TEST_F(AccountsTest, WhatARestoredBackupBringsBackOfLinksIsVoid) {
  const Entered jane = set_up();
  const NewLink link = make_link(jane.session.user, accounts.now());
  change([&](const AccountState& state) { return add_link(state, link.link); });
  EXPECT_TRUE(door.look(link.text).has_value());
  store::expect(durable.blocking().backup(folder / "copy", store::WithKey::No));
  store::expect(durable.blocking().restore(folder / "copy"));
  store::expect(accounts.open_now());
  EXPECT_NE(accounts.state().find_link(link.text), nullptr);
  EXPECT_FALSE(door.look(link.text).has_value());
}

TEST_F(AccountsTest, AnOldPasswordOpensNothingWhenAReplicaHasSetAnotherOne) {
  const Entered jane = set_up();
  const std::string before = accounts.state().find_user(kEmail)->password;
  store::AsyncStore second{open(), reactor};
  Accounts replica{second, reactor, settings};
  store::expect(replica.open_now());
  const auto reset = [&](const AccountState& state) {
    return set_password(state, jane.session.user, hash_password("other words are better"), 1, std::nullopt);
  };
  store::expect(rt::run(reactor, replica.change(reset, "tester")));
  ASSERT_EQ(accounts.state().find_user(kEmail)->password, before) << "does not know of it yet";
  EXPECT_EQ(sign_in(kPassword).error().denial, Denial::Wrong);
  EXPECT_TRUE(accounts.state().sessions().empty());
  EXPECT_TRUE(sign_in("other words are better").has_value());
}

TEST_F(AccountsTest, WhatWasShownHasToHoldWhenTheChangeIsMade) {
  const Entered jane = set_up();
  const Uuid user = jane.session.user;
  const std::string hash = accounts.state().find_user(user)->password;
  const auto token = make_access_token(user, "deck", accounts.now(), accounts.now() + 86'400'000).token;
  const auto code = [&](const Result<store::Commit>& made) { return made ? Errc::Internal : made.error().code; };
  const AccountState& state = accounts.state();
  EXPECT_TRUE(change_password(state, user, {.password = hash, .session = jane.session.id}, "new", 1, {}).has_value());
  EXPECT_TRUE(add_token(state, token, {.password = {}, .session = jane.session.id}).has_value());
  EXPECT_EQ(code(change_password(state, user, {.password = "another"}, "new", 1, {})), Errc::Forbidden);
  EXPECT_EQ(code(change_password(state, user, {.password = hash, .session = user}, "new", 1, {})), Errc::Forbidden);
  EXPECT_EQ(code(add_session(state, jane.session, {.password = "another"})), Errc::Forbidden);
  change([&](const AccountState& now) { return end_sessions(now, user, [](const Session&) { return true; }); });
  EXPECT_EQ(code(add_token(state, token, {.password = {}, .session = jane.session.id})), Errc::Forbidden);
}

TEST_F(AccountsTest, AResetRevokesTokensAndAChangeDoesNot) {
  const Entered jane = set_up();
  const auto made = make_access_token(jane.session.user, "deck", accounts.now(), accounts.now() + 86'400'000);
  change([&](const AccountState& state) { return add_token(state, made.token, {}); });
  const auto changed =
      rt::run(reactor, door.change_password(*credentials.by_session(jane.text), Secret<std::string>(kPassword),
                                            Secret<std::string>("other words are better"), {}));
  ASSERT_TRUE(changed.has_value());
  EXPECT_TRUE(credentials.by_token(made.text).has_value());
  change([&](const AccountState& state) {
    return set_password(state, jane.session.user, hash_password(kPassword), accounts.now(), std::nullopt);
  });
  EXPECT_FALSE(credentials.by_token(made.text).has_value());
}

TEST_F(AccountsTest, ARowThatCannotBeReadOpensNothingAndKeepsTheNodeClosed) {
  const Entered jane = set_up();
  const auto damage = [&](std::string_view type, const Uuid& id) {
    change([&](const AccountState&) -> Result<store::Commit> {
      store::Commit commit;
      commit.upserts.push_back({std::string(type), id, std::make_shared<const std::string>(R"({"format":99})")});
      return commit;
    });
  };
  damage(Session::kType, jane.session.id);
  EXPECT_FALSE(credentials.by_session(jane.text).has_value());
  damage(User::kType, jane.session.user);
  EXPECT_EQ(accounts.state().find_user(kEmail), nullptr);
  EXPECT_TRUE(credentials.needed());
  store::expect(accounts.open_now());
  EXPECT_TRUE(credentials.needed()) << "after a restart, too";
  change([&](const AccountState&) -> Result<store::Commit> {
    store::Commit commit;
    commit.removals.push_back(key_of(User::kType, jane.session.user));
    return commit;
  });
  EXPECT_FALSE(credentials.needed());
}

TEST_F(AccountsTest, RefusedPasswordChangesAreNotedAndThoseThatComeTooOftenOnce) {
  const Entered jane = set_up();
  accounts.start();
  for (int i = 0; i < 14; ++i) {
    const auto refused =
        rt::run(reactor, door.change_password(*credentials.by_session(jane.text), Secret<std::string>("wrong"),
                                              Secret<std::string>("other words are better"), {"192.0.2.7", ""}));
    EXPECT_EQ(refused.error().denial, i < 10 ? Denial::Invalid : Denial::TooMany);
  }
  const auto kept = [&] { return store::expect(durable.blocking().trail({.type = "_event"})).entries.size(); };
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return kept() == 11; })) << kept();
}

TEST_F(AccountsTest, NeitherThePasswordNorItsHashNorAnyTextIsInTheTrail) {
  const Entered jane = set_up();
  for (const auto& entry : store::expect(durable.blocking().trail({})).entries) {
    for (const auto& document : {entry.before, entry.what.document}) {
      if (document == nullptr) continue;
      EXPECT_THAT(*document, Not(HasSubstr("argon2")));
      EXPECT_THAT(*document, Not(HasSubstr(jane.text)));
      EXPECT_THAT(*document, Not(HasSubstr(kPassword)));
    }
  }
}

TEST_F(AccountsTest, AFloodOfEventsIsCountedNotKept) {
  set_up();
  accounts.start();
  for (int i = 0; i < 200; ++i) accounts.note({.what = "log-in refused", .account = {}, .address = "192.0.2.9"});
  const auto kept = [&] { return store::expect(durable.blocking().trail({.type = "_event"})).entries.size(); };
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return kept() >= 30; }));
  EXPECT_LE(kept(), 60U) << "thirty a minute, and a minute may have begun";
}

}  // namespace
}  // namespace sluice::control::iam
