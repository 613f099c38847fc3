// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/client_policies.h"

#include <gtest/gtest.h>

#include "net/tls/self_signed.h"

namespace sluice::gateway {
namespace {

class ClientPoliciesTest : public ::testing::Test {
 protected:
  ClientPoliciesBuilder builder{[this](const Uuid& id) {
    const auto found = authorities.find(id);
    return found != authorities.end() ? found->second : std::string();
  }};
  Uuid authority(const std::string& name) {
    const Uuid id = Uuid::random();
    authorities[id] = net::tls::make_self_signed({name})->certificate;
    return id;
  }
  static net::TlsInfo connection(std::string_view sni, const ClientPolicies& policies) {
    net::TlsInfo info;
    info.sni = sni;
    info.client_policy = policies.find(sni);
    return info;
  }
  std::map<Uuid, std::string> authorities;
};

TEST_F(ClientPoliciesTest, WithoutWishesThereAreNone) {
  EXPECT_EQ(builder.finish(), nullptr);
}

TEST_F(ClientPoliciesTest, NamesAndWildcardsAsk) {
  builder.add("One.test", {});
  builder.add("*.wild.test", {});
  builder.add("api.*", {});
  const auto policies = builder.finish();
  for (const char* name : {"one.test", "a.wild.test", "a.b.wild.test", "api.example", "api.x.example"}) {
    EXPECT_TRUE(policies->find(name)) << name;
  }
  for (const char* name : {"", "two.test", "wild.test", "x.one.test", "xapi.example", "api", "."}) {
    EXPECT_FALSE(policies->find(name)) << name;
  }
}

TEST_F(ClientPoliciesTest, AStarAsksAllAndThoseWithoutAName) {
  builder.add("*", {});
  const auto policies = builder.finish();
  EXPECT_TRUE(policies->find("any.test"));
  EXPECT_TRUE(policies->find(""));
}

TEST_F(ClientPoliciesTest, WhatSeveralAskOfOneNameIsPutTogether) {
  const Uuid a = authority("a.ca");
  const Uuid b = authority("b.ca");
  builder.add("one.test", {.authorities = {a}, .names_authorities = true});
  builder.add("*.test", {.authorities = {b}, .names_authorities = true});
  const auto policies = builder.finish();
  const auto both = policies->find("one.test");
  ASSERT_TRUE(both->trust);
  EXPECT_TRUE(both->named);
  EXPECT_NE(both->trust->digest(), policies->find("two.test")->trust->digest());
}

TEST_F(ClientPoliciesTest, AuthoritiesAreNamedOnlyWhereNobodyTakesOthersToo) {
  builder.add("one.test", {.authorities = {authority("a.ca")}, .names_authorities = true});
  builder.add("one.test", {});
  EXPECT_FALSE(builder.finish()->find("one.test")->named);
}

TEST_F(ClientPoliciesTest, AuthoritiesThatAreGoneVerifyNothing) {
  builder.add("one.test", {.authorities = {Uuid::random()}});
  const auto policy = builder.finish()->find("one.test");
  ASSERT_TRUE(policy->trust);
  EXPECT_FALSE(policy->named);
}

TEST_F(ClientPoliciesTest, RequestsForAHostThatAsksMoreAreMisdirected) {
  builder.add("asked.test", {});
  builder.add("judged.test", {.authorities = {authority("a.ca")}});
  const auto policies = builder.finish();
  const net::TlsInfo open = connection("open.test", *policies);
  const net::TlsInfo asked = connection("asked.test", *policies);
  EXPECT_TRUE(policies->is_misdirected("asked.test", open));
  EXPECT_TRUE(policies->is_misdirected("ASKED.test.", open));
  EXPECT_FALSE(policies->is_misdirected("open.test", open));
  EXPECT_FALSE(policies->is_misdirected("asked.test", asked));
  EXPECT_FALSE(policies->is_misdirected("open.test", asked));
  EXPECT_TRUE(policies->is_misdirected("judged.test", asked));
}

TEST_F(ClientPoliciesTest, AConnectionOfTheSameNameThatAskedIsGoodEnough) {
  builder.add("asked.test", {});
  const auto before = builder.finish();
  ClientPoliciesBuilder again([this](const Uuid& id) { return authorities[id]; });
  again.add("asked.test", {.authorities = {authority("a.ca")}});
  EXPECT_FALSE(again.finish()->is_misdirected("asked.test", connection("asked.test", *before)));
}

}  // namespace
}  // namespace sluice::gateway
