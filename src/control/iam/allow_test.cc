// SPDX-License-Identifier: Apache-2.0
#include "control/iam/allow.h"

#include <gtest/gtest.h>

namespace sluice::control::iam {
namespace {

TEST(Allow, WhoeverIsNobodyMayDoNothing) {
  EXPECT_FALSE(allow({}, Action::Read, "/services"));
  EXPECT_FALSE(allow({Kind::Nobody, "x"}, Action::Write, "/config"));
}

TEST(Allow, VisitorsMaySignInAndNothingElse) {
  const Principal visitor{Kind::Visitor, "visitor"};
  EXPECT_TRUE(allow(visitor, Action::Write, "/v3/session"));
  EXPECT_TRUE(allow(visitor, Action::Write, "/v3/set-up/look"));
  EXPECT_FALSE(allow(visitor, Action::Read, "/v3/users/me"));
  EXPECT_FALSE(allow(visitor, Action::Read, "/v3/sessions"));
  EXPECT_FALSE(allow({}, Action::Read, "/v3/session"));
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

TEST(Allow, EverybodyMayChangeWhatIsTheirOwn) {
  const Principal reader{Kind::Reader, "eyes@x.test", Uuid::random(), {}};
  EXPECT_TRUE(allow(reader, Action::Write, "/v3/users/me/password"));
  EXPECT_FALSE(allow(reader, Action::Write, "/v3/users/{user}"));
  EXPECT_FALSE(allow({Kind::Reader, "a token of nobody"}, Action::Write, "/v3/users/me"));
  EXPECT_FALSE(allow({Kind::Nobody, "", Uuid::random(), {}}, Action::Write, "/v3/users/me"));
}

}  // namespace
}  // namespace sluice::control::iam
