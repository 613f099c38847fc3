// SPDX-License-Identifier: Apache-2.0
#include "sync/digest.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace sluice::sync {
namespace {

const std::string kZeros(32, '0');

EntityRow row(std::uint8_t n, std::string document, std::string type = "services") {
  EntityRow made{std::move(type), {}, std::make_shared<const std::string>(std::move(document))};
  made.id.octets[15] = n;
  return made;
}

TEST(Digest, IsZeroWithoutRows) {
  EXPECT_EQ(Digest().text(), kZeros);
  EXPECT_EQ(Digest().text_of("services"), kZeros);
}

// Both sides of a link compute it, maybe of different age: it must never change.
TEST(Digest, HasAFixedValue) {
  Digest digest;
  digest.add(row(1, R"({"a":1})"));
  EXPECT_EQ(digest.text(), "f97ea1a0abafe18a974192041ee9f41b");
}

TEST(Digest, DoesNotDependOnOrder) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same rows in each run
  std::vector<EntityRow> rows;
  for (std::uint8_t n = 0; n < 50; ++n) {
    rows.push_back(row(n, "{\"n\":" + std::to_string(n) + "}", n % 3 == 0 ? "routes" : "services"));
  }
  Digest first;
  for (const EntityRow& each : rows) first.add(each);
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(rows, random);
    Digest again;
    for (const EntityRow& each : rows) again.add(each);
    ASSERT_EQ(again.text(), first.text());
    ASSERT_EQ(again, first);
  }
}

TEST(Digest, ForgetsWhatIsRemoved) {
  Digest digest;
  digest.add(row(1, "{}"));
  const Digest before = digest;
  digest.add(row(2, "{}", "routes"));
  EXPECT_NE(digest.text(), before.text());
  digest.remove(row(2, "{}", "routes"));
  EXPECT_EQ(digest, before);
  digest.remove(row(1, "{}"));
  EXPECT_EQ(digest, Digest());
}

TEST(Digest, TellsEveryPartOfARowApart) {
  const EntityRow base = row(1, R"({"name":"a"})");
  EntityRow other_document = row(1, R"({"name":"b"})");
  EntityRow other_id = row(2, R"({"name":"a"})");
  EntityRow other_type = row(1, R"({"name":"a"})", "routes");
  EntityRow other_workspace = base;
  other_workspace.workspace.octets[0] = 1;
  Digest expected;
  expected.add(base);
  for (const EntityRow& other : {other_document, other_id, other_type, other_workspace}) {
    Digest digest;
    digest.add(other);
    EXPECT_NE(digest.text(), expected.text());
  }
}

TEST(Digest, KeepsTypesApart) {
  Digest digest;
  digest.add(row(1, "{}", "routes"));
  const std::string routes = digest.text_of("routes");
  digest.add(row(1, "{}", "services"));
  EXPECT_EQ(digest.text_of("routes"), routes);
  EXPECT_NE(digest.text_of("services"), kZeros);
  EXPECT_NE(digest.text(), routes);
}

}  // namespace
}  // namespace sluice::sync
