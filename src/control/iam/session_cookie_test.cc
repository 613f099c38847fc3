// SPDX-License-Identifier: Apache-2.0
#include "control/iam/session_cookie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::control::iam {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Asked {
  explicit Asked(std::string_view cookies) { head.headers.add("Cookie", cookies); }
  Arena arena;
  http::RequestHead head{arena};
};

TEST(SessionCookie, IsFoundAmongOthers) {
  const Asked asked("theme=dark; sluice_session=abc; x=y");
  EXPECT_EQ(shown_session(asked.head, Transport::Plain), "abc");
  EXPECT_FALSE(shown_session(asked.head, Transport::Tls).has_value()) << "it was set without TLS";
}

TEST(SessionCookie, IsNotTakenWhenSomebodyHasPutAnotherBesideIt) {
  EXPECT_FALSE(shown_session(Asked("sluice_session=a; sluice_session=b").head, Transport::Plain).has_value());
  EXPECT_FALSE(shown_session(Asked("sluice_session=").head, Transport::Plain).has_value());
  EXPECT_EQ(shown_session(Asked("sluice_session=a; __Host-sluice_session=b").head, Transport::Tls), "b");
}

TEST(SessionCookie, IsForTheServerAloneAndStaysInTls) {
  const std::string plain = set_cookie("abc", Transport::Plain, 60);
  EXPECT_EQ(plain, "sluice_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
  EXPECT_THAT(set_cookie("abc", Transport::Tls, 60), HasSubstr("__Host-sluice_session=abc"));
  EXPECT_THAT(set_cookie("abc", Transport::Tls, 60), HasSubstr("Secure"));
  EXPECT_THAT(forget_cookie(Transport::Plain), HasSubstr("Max-Age=0"));
}

TEST(SessionCookie, TheHeadersTokenFollowsFromTheTextAndTellsNothingOfIt) {
  EXPECT_EQ(csrf_token("a"), csrf_token("a"));
  EXPECT_NE(csrf_token("a"), csrf_token("b"));
  EXPECT_THAT(csrf_token("secret-text"), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace sluice::control::iam
