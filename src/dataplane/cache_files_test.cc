// SPDX-License-Identifier: Apache-2.0
#include "dataplane/cache_files.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/cache_fixture.h"

namespace sluice::dataplane {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST_F(CacheTest, HoldsNothingAtFirst) {
  EXPECT_FALSE(files()->load().has_value());
}

TEST_F(CacheTest, FindsTheLastChangeAgain) {
  const auto cache = files();
  commit_to(*cache, 7);
  EXPECT_EQ(found(), 7U);
}

TEST_F(CacheTest, GoesOnWhereTheLastProcessEnded) {
  commit_to(*files(), 3);
  const auto second = files();
  ASSERT_TRUE(second->load().has_value());
  commit_to(*second, 6);
  EXPECT_EQ(found(), 6U);
  EXPECT_THAT(listing(".base"), SizeIs(1)) << "a change costs a journal entry";
}

TEST_F(CacheTest, KeepsTwoGenerations) {
  const auto cache = files();
  for (std::uint32_t i = 1; i <= 5; ++i) {
    commit_to(*cache, 2 * i);
    ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  }
  EXPECT_THAT(listing(".base"), SizeIs(2));
  EXPECT_THAT(listing(".new"), IsEmpty());
  EXPECT_EQ(found(), 10U);
}

TEST_F(CacheTest, CarriesChangesOverThatCameDuringAFold) {
  const auto cache = files();
  commit_to(*cache, 4);
  const State then = state_;
  const std::uint64_t sequence = cache->sequence();
  commit_to(*cache, 9);
  ASSERT_TRUE(cache->fold(then, sequence));
  EXPECT_EQ(found(), 9U);
  commit_to(*cache, 11);
  EXPECT_EQ(found(), 11U);
}

TEST_F(CacheTest, WantsToBeFoldedWhenItsJournalHasGrown) {
  const auto cache = files(2'000);
  commit_to(*cache, 2);
  EXPECT_FALSE(cache->fold_due());
  commit_to(*cache, 40);
  EXPECT_TRUE(cache->fold_due());
  ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  EXPECT_FALSE(cache->fold_due());
}

TEST_F(CacheTest, LosesNothingWhenTheNewestBaseIsDamaged) {
  const auto cache = files();
  commit_to(*cache, 4);
  ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  commit_to(*cache, 8);
  const auto newest = listing(".base").back();
  std::string octets = read(newest);
  octets[octets.size() / 2] ^= 0x10;
  write(newest, octets);
  EXPECT_EQ(found(), 8U);
}

TEST_F(CacheTest, LoadsTheOlderGenerationWhenTheNewestIsGone) {
  const auto cache = files();
  commit_to(*cache, 4);
  ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  ::unlink(listing(".base").back().c_str());
  EXPECT_EQ(found(), 4U);
}

TEST_F(CacheTest, WritesEverythingAnewAfterDamage) {
  commit_to(*files(), 5);
  std::string octets = read(listing(".journal").back());
  octets[octets.size() - 3] ^= 1;
  write(listing(".journal").back(), octets);
  const auto cache = files();
  const auto loaded = cache->load();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->damaged);
  EXPECT_EQ(number_of(loaded->state), 4U);
  EXPECT_TRUE(cache->fold_due());
  state_ = loaded->state;
  number_ = 4;
  commit_to(*cache, 6);
  EXPECT_EQ(found(), 6U);
  EXPECT_FALSE(cache->fold_due());
}

TEST_F(CacheTest, OpensUnderNoOtherClusterKey) {
  commit_to(*files(), 2);
  CacheFiles other({.folder = folder_, .maker = "test"}, new_cache_key());
  EXPECT_FALSE(other.load().has_value());
}

TEST_F(CacheTest, TakesOverAnotherClusterKey) {
  const auto cache = files();
  commit_to(*cache, 2);
  key_ = new_cache_key();
  ASSERT_TRUE(cache->use_key(key_));
  EXPECT_TRUE(cache->fold_due());
  ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  commit_to(*cache, 3);
  EXPECT_EQ(found(), 3U);
}

TEST_F(CacheTest, ARestartBetweenANewClusterKeyAndTheFoldLosesNothing) {
  {
    const auto cache = files();
    commit_to(*cache, 2);
    key_ = new_cache_key();
    ASSERT_TRUE(cache->use_key(key_));
    commit_to(*cache, 4);
  }
  const auto second = files();
  const auto loaded = second->load();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(number_of(loaded->state), 4U);
  EXPECT_TRUE(second->fold_due()) << "it is made anew under the present key";
  commit_to(*second, 5);
  ASSERT_TRUE(second->fold(state_, second->sequence()));
  EXPECT_EQ(found(), 5U);
}

TEST_F(CacheTest, SeveralClusterKeysBeforeTheFoldLoseNothing) {
  const auto cache = files();
  commit_to(*cache, 2);
  for (int i = 0; i < 3; ++i) {
    key_ = new_cache_key();
    ASSERT_TRUE(cache->use_key(key_));
  }
  EXPECT_EQ(found(), 2U);
}

TEST_F(CacheTest, TheFormerClusterKeyOpensNothingThatIsMadeLater) {
  const CacheKey former = key_;
  const auto cache = files();
  commit_to(*cache, 2);
  key_ = new_cache_key();
  ASSERT_TRUE(cache->use_key(key_));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  key_ = former;
  EXPECT_EQ(found(), 0U);
}

TEST_F(CacheTest, OneProcessWritesAtATime) {
  const auto first = files();
  commit_to(*first, 3);
  const auto second = files();
  ASSERT_TRUE(second->load().has_value()) << "another may read";
  const auto before = listing("");
  const Step next = step(4);
  State state = state_;
  apply(next, state);
  const auto refused = second->commit(next, state);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::Conflict);
  EXPECT_FALSE(second->fold(state, second->sequence()).has_value());
  EXPECT_EQ(listing(""), before);
  commit_to(*first, 4);
  EXPECT_EQ(found(), 4U);
}

TEST_F(CacheTest, AnotherProcessGoesOnWhenThisOneHasLeft) {
  const auto first = files();
  commit_to(*first, 3);
  const auto second = files();
  ASSERT_TRUE(second->load().has_value());
  commit_to(*first, 4);
  const State then = state_;
  first->announce_leaving();
  first->leave();
  commit_to(*second, 6);
  EXPECT_FALSE(first->fold(then, 4).has_value()) << "it writes nothing any more";
  EXPECT_EQ(found(), 6U);
  second->announce_leaving();
  second->leave();
  first->come_back();
  commit_to(*first, 7);
  EXPECT_EQ(found(), 7U);
}

TEST_F(CacheTest, DistrustsDocumentsOfAnotherRelease) {
  commit_to(*files(), 2);
  CacheFiles newer({.folder = folder_, .maker = "another"}, key_);
  const auto loaded = newer.load();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_FALSE(loaded->trusted);
  EXPECT_TRUE(newer.fold_due());
}

TEST_F(CacheTest, KeepsNothingReadable) {
  filler_ = R"(,"key":"open sesame")";
  commit_to(*files(), 3);
  for (const char* extension : {".base", ".journal"}) {
    for (const auto& file : listing(extension)) EXPECT_EQ(read(file).find("sesame"), std::string::npos) << file;
  }
}

/// Every generation and the configurations that one may find: the last one of either, or what the journal reached.
TEST_F(CacheTest, NeverServesHalfAConfigurationWhateverIsCutOff) {
  const auto cache = files();
  commit_to(*cache, 3);
  ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  commit_to(*cache, 6);
  for (const char* extension : {".base", ".journal"}) {
    const auto file = listing(extension).back();
    const std::string whole = read(file);
    for (std::size_t size = 0; size < whole.size(); size += 3) {
      write(file, whole.substr(0, size));
      const std::uint32_t number = found();  // checks that it is a whole one
      EXPECT_GE(number, 3U) << extension << " cut off at " << size;
      EXPECT_LE(number, 6U);
    }
    write(file, whole);
  }
  EXPECT_EQ(found(), 6U);
}

TEST_F(CacheTest, NeverServesHalfAConfigurationWhateverOctetIsFlipped) {
  const auto cache = files();
  commit_to(*cache, 3);
  ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  commit_to(*cache, 6);
  for (const char* extension : {".base", ".journal"}) {
    for (const auto& file : listing(extension)) {
      const std::string whole = read(file);
      for (std::size_t at = 0; at < whole.size(); at += 17) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
        write(file, damaged);
        const std::uint32_t number = found();
        EXPECT_GE(number, 3U) << file << " at " << at;
        EXPECT_LE(number, 6U);
      }
      write(file, whole);
    }
  }
}

/// Row 23 of the fault list.
TEST_F(CacheTest, SurvivesTheLossOfAnyPage) {
  filler_ = ",\"f\":\"";
  std::uint32_t noise = 1;
  while (filler_.size() < 600) {
    noise = noise * 1'664'525 + 1'013'904'223;
    filler_ += static_cast<char>('a' + (noise >> 16) % 26);
  }
  filler_ += '"';
  const auto cache = files();
  commit_to(*cache, 40);
  ASSERT_TRUE(cache->fold(state_, cache->sequence()));
  commit_to(*cache, 60);
  constexpr std::size_t kPage = 4096;
  for (const char* extension : {".base", ".journal"}) {
    for (const auto& file : listing(extension)) {
      const std::string whole = read(file);
      for (std::size_t at = 0; at < whole.size(); at += kPage) {
        std::string damaged = whole;
        for (std::size_t i = at; i < std::min(whole.size(), at + kPage); ++i)
          damaged[i] = static_cast<char>(~damaged[i]);
        write(file, damaged);
        EXPECT_GE(found(), 40U) << file << " page " << at / kPage;
      }
      write(file, whole);
    }
  }
  EXPECT_EQ(found(), 60U);
}

TEST_F(CacheTest, IgnoresWhatIsNotItsOwn) {
  commit_to(*files(), 2);
  write(folder_ + "/00000009.base", "something else altogether, longer than a prelude would be");
  write(folder_ + "/notes.txt", "hello");
  EXPECT_EQ(found(), 2U);
}

}  // namespace
}  // namespace sluice::dataplane
