// SPDX-License-Identifier: Apache-2.0
#include "entity/name_id.h"

#include <gtest/gtest.h>

namespace sluice::entity {
namespace {

TEST(NameIds, AreThoseOfTheEcosystemInTheDefaultWorkspace) {
  // python3: uuid5(uuid5(UUID('fd02801f-0957-4a15-a55a-c8d9606f30b5'), 'services'), 's')
  EXPECT_EQ(NameIds().id("services", "s").to_string(), "b268827a-8f7f-551f-8769-e6bceb2f3ec6");
}

TEST(NameIds, OfTwoWorkspacesDoNotCollide) {
  const Uuid team = *Uuid::parse("11111111-1111-4111-8111-111111111111");
  const Uuid other = *Uuid::parse("22222222-2222-4222-8222-222222222222");
  EXPECT_NE(NameIds(team).id("services", "s"), NameIds().id("services", "s"));
  EXPECT_NE(NameIds(team).id("services", "s"), NameIds(other).id("services", "s"));
  EXPECT_EQ(NameIds(team).id("services", "s"), NameIds(team).id("services", "s"));
}

}  // namespace
}  // namespace sluice::entity
