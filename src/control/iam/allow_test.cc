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

}  // namespace
}  // namespace sluice::control::iam
