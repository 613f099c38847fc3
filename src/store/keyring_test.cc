// SPDX-License-Identifier: Apache-2.0
#include "store/keyring.h"

#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sealing.h"
#include "store/store_fixture.h"

namespace {

/// What the thread has synced, by inode; null: nobody asks.
thread_local std::vector<ino_t>* synced = nullptr;

}  // namespace

/// Stands in for the library's, which it calls.
extern "C" int fsync(int fd) {
  struct stat status{};
  if (synced != nullptr && ::fstat(fd, &status) == 0) synced->push_back(status.st_ino);
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace sluice::store {
namespace {

/// The inodes of what is synced while `work` runs.
template <class Work>
std::vector<ino_t> syncs_of(const Work& work) {
  std::vector<ino_t> seen;
  synced = &seen;
  work();
  synced = nullptr;
  return seen;
}

ino_t inode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

/// Runs `work` in processes at the same moment; whether it was true in all of them.
template <class Work>
bool in_processes(int count, const Work& work) {
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work(i) ? 0 : 1);
    children.push_back(child);
  }
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    good = ::waitpid(child, &status, 0) == child && status == 0 && good;
  }
  return good;
}

class KeyringTest : public testing::Test {
 protected:
  TempFolder folder;
  const std::string file = folder / "secrets/keyring";
  Keyring keyring = *Keyring::open(file);
};

TEST_F(KeyringTest, IsEmptyUntilMadeAndThenTheSameWhenReadAgain) {
  EXPECT_TRUE(keyring.empty());
  expect(keyring.create());
  const Keyring again = *Keyring::open(file);
  EXPECT_EQ(again.active(), keyring.active());
  EXPECT_EQ(again.index_key(), keyring.index_key());
  EXPECT_EQ(*again.find(again.active()), *keyring.find(keyring.active()));
  EXPECT_EQ(keyring.find(keyring.active())->reveal().size(), 32U);
}

TEST_F(KeyringTest, TheSecondOfTwoMakersTakesTheKeysOfTheFirst) {
  Keyring second = keyring;
  expect(keyring.create());
  expect(second.create());
  EXPECT_EQ(second.active(), keyring.active());
}

TEST_F(KeyringTest, MakersAtTheSameMomentAgree) {
  for (int round = 0; round < 50; ++round) {
    const std::string name = file + std::to_string(round);
    const auto make = [&name]() -> Result<std::string> {
      Keyring mine = *Keyring::open(name);
      TRY(mine.create());
      return mine.active();
    };
    auto other = std::async(std::launch::async, make);
    const auto active = expect(make());
    EXPECT_EQ(expect(other.get()), active);
  }
}

TEST_F(KeyringTest, AKeyThatAnotherProcessMadeActiveSealsAfterARefresh) {
  expect(keyring.create());
  Keyring other = *Keyring::open(file);
  expect(other.rotate());
  const std::string old = keyring.active();
  expect(keyring.follow());
  EXPECT_EQ(keyring.active(), other.active());
  EXPECT_NE(keyring.find(old), nullptr);
}

TEST_F(KeyringTest, TwoWhoRotateLoseNoKey) {
  expect(keyring.create());
  Keyring other = *Keyring::open(file);
  expect(other.rotate());
  expect(keyring.rotate());
  const Keyring again = *Keyring::open(file);
  EXPECT_EQ(again.names().size(), 3U);
  EXPECT_NE(again.find(other.active()), nullptr);
}

TEST_F(KeyringTest, ProcessesThatRotateAtTheSameMomentLoseNoKey) {
  constexpr int kProcesses = 3;
  constexpr int kTimes = 40;
  expect(keyring.create());
  EXPECT_TRUE(in_processes(kProcesses, [this](int) {
    Keyring mine = *Keyring::open(file);
    for (int i = 0; i < kTimes; ++i) {
      if (!mine.rotate()) return false;
    }
    return true;
  }));
  EXPECT_EQ(Keyring::open(file)->names().size(), 1U + kProcesses * kTimes);
}

TEST_F(KeyringTest, AProcessThatAddsABackupsKeysLosesNoneOfOneThatRotates) {
  constexpr int kTimes = 40;
  expect(keyring.create());
  std::vector<std::string> backups;
  for (int i = 0; i < kTimes; ++i) {
    Keyring other = *Keyring::open(folder / ("backup" + std::to_string(i)));
    expect(other.create());
    backups.push_back(other.text().reveal());
  }
  EXPECT_TRUE(in_processes(2, [&](int which) {
    Keyring mine = *Keyring::open(file);
    for (const std::string& backup : backups) {
      if (!(which == 0 ? mine.merge(backup) : mine.rotate())) return false;
    }
    return true;
  }));
  EXPECT_EQ(Keyring::open(file)->names().size(), 1U + 2 * kTimes);
}

TEST_F(KeyringTest, TheLockIsForTheOwnerOnly) {
  expect(keyring.create());
  struct stat status{};
  ASSERT_EQ(::stat((file + ".lock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(KeyringTest, AKeyIsOnStableStorageBeforeItMaySeal) {
  expect(keyring.create());
  Keyring other = *Keyring::open(file);
  const auto written = syncs_of([&] { expect(keyring.rotate()); });
  const ino_t secrets = inode_of(folder / "secrets");
  ASSERT_GE(written.size(), 2U);
  EXPECT_EQ(written[written.size() - 2], inode_of(file));
  EXPECT_EQ(written.back(), secrets);
  // Whoever wrote it may have died before the last step: who takes the key over makes up for that.
  EXPECT_EQ(syncs_of([&] { expect(other.follow()); }), std::vector{secrets});
  EXPECT_TRUE(syncs_of([&] { expect(other.follow()); }).empty());
}

TEST_F(KeyringTest, AnAddedKeyOpensAndSealsOnceItIsActivated) {
  expect(keyring.create());
  const std::string old = keyring.active();
  const std::string added = expect(keyring.add());
  EXPECT_NE(keyring.find(added), nullptr);
  EXPECT_EQ(Keyring::open(file)->active(), old);
  EXPECT_EQ(keyring.activate("12345678").error().code, Errc::NotFound);
  expect(keyring.activate(added));
  EXPECT_EQ(Keyring::open(file)->active(), added);
}

TEST_F(KeyringTest, NothingIsSealedWhileTheFileHasChangedAndCannotBeRead) {
  expect(keyring.create());
  const std::string good = keyring.text().reveal();
  std::ofstream(file) << "half";
  EXPECT_FALSE(keyring.follow());
  EXPECT_EQ(keyring.may_seal().error().code, Errc::Unavailable);
  std::ofstream(file) << good;
  expect(keyring.follow());
  expect(keyring.may_seal());
}

TEST_F(KeyringTest, TheFileOfAnotherStoreIsNotTakenOver) {
  expect(keyring.create());
  const std::string active = keyring.active();
  std::filesystem::remove(file);
  EXPECT_FALSE(keyring.refresh());
  Keyring other = *Keyring::open(file);
  expect(other.create());
  EXPECT_EQ(keyring.refresh().error().code, Errc::Forbidden);
  EXPECT_EQ(keyring.active(), active);
}

TEST_F(KeyringTest, RotationKeepsOldKeys) {
  expect(keyring.create());
  const std::string old = keyring.active();
  expect(keyring.rotate());
  EXPECT_NE(keyring.active(), old);
  const Keyring again = *Keyring::open(file);
  EXPECT_EQ(again.active(), keyring.active());
  EXPECT_NE(again.find(old), nullptr);
}

TEST_F(KeyringTest, ADamagedFileIsRefusedAndKept) {
  expect(keyring.create());
  std::ofstream(file) << "index 12\n";
  const auto refused = Keyring::open(file);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find(file), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(file), 9U);
}

class SealerTest : public KeyringTest {
 protected:
  void SetUp() override { expect(keyring.create()); }
  static sync::EntityRow key_row(const entity::Catalog& catalog, const std::string& key) {
    return test_row(catalog, "keyauth_credentials", test_id(1),
                    R"("key":")" + key + R"(","tags":["shown"],"consumer":{"id":")" + test_id(2).to_string() + R"("})");
  }
  entity::Catalog catalog{entity::test_plugins()};
  Sealer sealer{catalog, keyring};
};

TEST_F(SealerTest, HidesConfidentialTextsOnlyAndBringsThemBack) {
  const auto row = key_row(catalog, R"(top\"secret\u0001)");
  const auto sealed = expect(sealer.seal(row.type, row.id, *row.document));
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_NE(sealed.find("shown"), std::string::npos);
  EXPECT_TRUE(parse_json(sealed).has_value());
  EXPECT_EQ(expect(sealer.open(row.type, row.id, sealed)), *row.document);
}

TEST_F(SealerTest, TheSameSecretNeverLooksTheSame) {
  const auto row = key_row(catalog, "k");
  EXPECT_NE(expect(sealer.seal(row.type, row.id, *row.document)), expect(sealer.seal(row.type, row.id, *row.document)));
}

TEST_F(SealerTest, ASealedTextOpensInItsOwnRowOnly) {
  const auto row = key_row(catalog, "k");
  const auto sealed = expect(sealer.seal(row.type, row.id, *row.document));
  EXPECT_FALSE(sealer.open(row.type, test_id(9), sealed).has_value());
}

TEST_F(SealerTest, ATamperedTextIsRefused) {
  const auto row = key_row(catalog, "k");
  auto sealed = expect(sealer.seal(row.type, row.id, *row.document));
  char& octet = sealed[sealed.find(keyring.active()) + 20];
  octet = octet == 'A' ? 'B' : 'A';
  EXPECT_FALSE(sealer.open(row.type, row.id, sealed).has_value());
}

TEST_F(SealerTest, ATextThatLooksSealedIsJustAText) {
  const auto row = test_row(catalog, "consumers", test_id(1), R"("username":"\\u0073ealed:abc:def")");
  const auto sealed = expect(sealer.seal(row.type, row.id, *row.document));
  EXPECT_EQ(sealed, *row.document);
  EXPECT_EQ(expect(sealer.open(row.type, row.id, sealed)), *row.document);
}

TEST_F(SealerTest, SealsTheSecretOfBookkeepingAndNothingElseOfIt) {
  const std::string document = R"({"key":"shown","secret":"top"})";
  const auto sealed = expect(sealer.seal("_kept", test_id(1), document));
  EXPECT_EQ(sealed.find("top"), std::string::npos);
  EXPECT_NE(sealed.find("shown"), std::string::npos);
  EXPECT_EQ(expect(sealer.open("_kept", test_id(1), sealed)), document);
  EXPECT_EQ(expect(sealer.seal("_kept", test_id(1), R"({"key":"shown"})")), R"({"key":"shown"})");
}

TEST_F(SealerTest, ReferencesStayReadable) {
  const auto row = test_row(catalog, "keys", test_id(1), R"("kid":"k","jwk":"{vault://env/jwk}")");
  EXPECT_EQ(expect(sealer.seal(row.type, row.id, *row.document)), *row.document);
}

}  // namespace
}  // namespace sluice::store
