// SPDX-License-Identifier: Apache-2.0
#include "control/iam/allow.h"

#include <gtest/gtest.h>

namespace sluice::control::iam {
namespace {

TEST(Allow, WhoeverIsNobodyMayDoNothing) {
  EXPECT_FALSE(allow({}, Action::Read, "/services"));
  EXPECT_FALSE(allow({Kind::Nobody, "x"}, Action::Write, "/config"));
}

TEST(Allow, AdministratorsAndLocalCallersMayDoEverything) {
  EXPECT_TRUE(allow({Kind::Administrator, "admin"}, Action::Write, "/config"));
  EXPECT_TRUE(allow({Kind::Local, "local"}, Action::Read, "/services"));
}

TEST(Allow, ReadersReadButDoNotSeeSecrets) {
  EXPECT_TRUE(allow({Kind::Reader, "eyes"}, Action::Read, "/services"));
  EXPECT_FALSE(allow({Kind::Reader, "eyes"}, Action::Write, "/services"));
  EXPECT_FALSE(may_see_secrets({Kind::Reader, "eyes"}));
  EXPECT_TRUE(may_see_secrets({Kind::Administrator, "admin"}));
  EXPECT_TRUE(may_see_secrets({Kind::Local, "local"}));
}

}  // namespace
}  // namespace sluice::control::iam
