// SPDX-License-Identifier: Apache-2.0
#include "store/keyring.h"

#include <filesystem>
#include <fstream>
#include <future>

#include <sys/stat.h>

#include "store/sealing.h"
#include "store/store_fixture.h"

namespace sluice::store {
namespace {

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

TEST_F(SealerTest, ReferencesStayReadable) {
  const auto row = test_row(catalog, "keys", test_id(1), R"("kid":"k","jwk":"{vault://env/jwk}")");
  EXPECT_EQ(expect(sealer.seal(row.type, row.id, *row.document)), *row.document);
}

}  // namespace
}  // namespace sluice::store
