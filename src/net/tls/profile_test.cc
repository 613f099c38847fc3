// SPDX-License-Identifier: Apache-2.0
#include "net/tls/profile.h"

#include <gtest/gtest.h>

namespace sluice::net::tls {
namespace {

TEST(ProfileTest, ProtocolListsMustHaveNoGap) {
  Profile profile;
  EXPECT_TRUE(profile.set_protocols("TLSv1.3 TLSv1.2"));
  EXPECT_EQ(profile.oldest, Version::Tls12);
  EXPECT_EQ(profile.newest, Version::Tls13);
  EXPECT_FALSE(profile.set_protocols("TLSv1.1 TLSv1.3"));
  EXPECT_FALSE(profile.set_protocols("SSLv3"));
  EXPECT_FALSE(profile.set_protocols(""));
}

TEST(ProfileTest, UnknownSuitesAndCiphersAreErrors) {
  EXPECT_FALSE(Profile::named("ancient"));
  const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  EXPECT_FALSE(Profile::custom("NO-SUCH-CIPHER").apply(context.get()));
  for (const char* name : {"modern", "intermediate", "old"}) EXPECT_TRUE(Profile::named(name)->apply(context.get()));
}

}  // namespace
}  // namespace sluice::net::tls
