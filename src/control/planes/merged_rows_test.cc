// SPDX-License-Identifier: Apache-2.0
#include "control/planes/merged_rows.h"

#include <gmock/gmock.h>

#include "store/store_fixture.h"

namespace sluice::control::planes {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class MergedRowsTest : public testing::Test {
 protected:
  [[nodiscard]] sync::EntityRow service(std::uint64_t n, const std::string& name) const {
    return store::test_row(catalog, "services", store::test_id(n), R"("host":"h.test","name":")" + name + '"');
  }
  static sync::Delta put(std::vector<sync::EntityRow> rows) {
    sync::Delta delta;
    delta.upserts = std::move(rows);
    return delta;
  }
  static sync::Delta removal(std::uint64_t n) {
    sync::Delta delta;
    delta.removals = {{"services", store::test_id(n)}};
    return delta;
  }

  entity::Catalog catalog{entity::test_plugins()};
  MergedRows merged{catalog};
  const Uuid a = store::test_id(100), b = store::test_id(200);
};

TEST_F(MergedRowsTest, AClashWaitsAndEndsWithTheOther) {
  EXPECT_THAT(merged.take(a, put({service(1, "s")})), SizeIs(1));
  EXPECT_THAT(merged.take(b, put({service(2, "s")})), IsEmpty());
  ASSERT_THAT(merged.clashes(), SizeIs(1));
  EXPECT_EQ(merged.clashes()[0].what, "name=s");
  EXPECT_EQ(merged.clashes()[0].other_member, a);
  EXPECT_THAT(merged.take(a, removal(1)), SizeIs(2));  // one goes, the other comes
  EXPECT_THAT(merged.clashes(), IsEmpty());
  EXPECT_EQ(merged.rows().at(0).id, store::test_id(2));
}

TEST_F(MergedRowsTest, NamesMayBeSwappedInOneChange) {
  merged.take(a, put({service(1, "x"), service(2, "y")}));
  EXPECT_THAT(merged.take(a, put({service(1, "y"), service(2, "x")})), SizeIs(2));
  EXPECT_THAT(merged.clashes(), IsEmpty());
}

TEST_F(MergedRowsTest, WhatClashesIsShownAsItWas) {
  merged.take(a, put({service(1, "s")}));
  merged.take(b, put({service(2, "t")}));
  EXPECT_THAT(merged.take(b, put({service(2, "s")})), IsEmpty());
  EXPECT_THAT(merged.rows(), SizeIs(2));
  EXPECT_THAT(merged.clashes(), SizeIs(1));
}

TEST_F(MergedRowsTest, AWholeConfigurationTakesTheRestAway) {
  merged.take(a, put({service(1, "s"), service(2, "t")}));
  merged.take(b, put({service(3, "u")}));
  sync::Delta whole = put({service(2, "t")});
  whole.complete = true;
  merged.take(a, whole);
  EXPECT_THAT(merged.rows(), SizeIs(2));
}

TEST_F(MergedRowsTest, AClaimHoldsUntilItIsGone) {
  auto first = merged.claim(a, put({service(1, "s")}));
  EXPECT_THAT(first->problems(), IsEmpty());
  EXPECT_THAT(merged.claim(b, put({service(2, "s")}))->problems(), SizeIs(1));
  EXPECT_THAT(merged.claim(a, put({service(2, "s")}))->problems(), IsEmpty());
  first.reset();
  EXPECT_THAT(merged.claim(b, put({service(2, "s")}))->problems(), IsEmpty());
}

}  // namespace
}  // namespace sluice::control::planes
