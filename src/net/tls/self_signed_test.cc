// SPDX-License-Identifier: Apache-2.0
#include "net/tls/self_signed.h"

#include <ctime>

#include <gtest/gtest.h>

#include "net/tls/identity.h"

namespace sluice::net::tls {
namespace {

TEST(SelfSignedTest, CarriesItsNamesAndIsValidNow) {
  auto pem = make_self_signed({"a.test", "b.test"});
  ASSERT_TRUE(pem);
  auto identity = Identity::from_pem(pem->certificate, pem->key);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->leaf().names(), (std::vector<std::string>{"a.test", "b.test"}));
  EXPECT_EQ(identity->key_type(), crypto::KeyType::Ec);
  EXPECT_LT(identity->leaf().not_before(), ::time(nullptr));
  EXPECT_GT(identity->leaf().not_after(), ::time(nullptr) + 9L * 365 * 24 * 3600);
}

TEST(SelfSignedTest, NeedsAName) {
  EXPECT_FALSE(make_self_signed({}));
}

}  // namespace
}  // namespace sluice::net::tls
