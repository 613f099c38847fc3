// SPDX-License-Identifier: Apache-2.0
#include "net/tls/identity_index.h"

#include <gtest/gtest.h>

#include "net/tls/self_signed.h"

namespace sluice::net::tls {
namespace {

std::shared_ptr<const IdentitySet> some_identity() {
  auto pem = make_self_signed({"any.test"});
  return IdentitySet::of(*Identity::from_pem(pem->certificate, pem->key));
}

TEST(IdentityIndexTest, LooksNamesUpFromExactToDefault) {
  auto exact = some_identity();
  auto prefix_wild = some_identity();
  auto suffix_wild = some_identity();
  auto any = some_identity();
  IdentityIndex index;
  index.add("www.example.com", exact);
  index.add("*.Example.com", prefix_wild);
  index.add("www.example.*", suffix_wild);
  EXPECT_EQ(index.find("www.example.com"), exact);
  EXPECT_EQ(index.find("api.example.com"), prefix_wild);
  EXPECT_EQ(index.find("www.example.org"), suffix_wild);
  EXPECT_EQ(index.find("a.b.example.com"), nullptr);
  EXPECT_EQ(index.find(""), nullptr);
  index.set_default(exact);
  EXPECT_EQ(index.find("other.test"), exact);
  index.add("*", any);
  EXPECT_EQ(index.find("other.test"), any);
  EXPECT_EQ(index.find(""), any);
}

}  // namespace
}  // namespace sluice::net::tls
