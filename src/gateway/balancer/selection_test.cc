// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/selection.h"

#include <gtest/gtest.h>

#include "gateway/balancer/balancer.h"
#include "gateway/exchange.h"
#include "gateway/gateway_fixture.h"
#include "gateway/identity.h"

namespace sluice::gateway {
namespace {

class SelectionTest : public testing::Test, protected Generations {
 protected:
  SelectionTest() { ex.client.forwarded_address = *IpAddress::parse("192.0.2.7"); }
  std::string hashed(const std::string& settings) {
    load("services:\n- {id: " + test_id(1) + ", host: up}\nupstreams:\n- name: up\n" + settings);
    LiveService service(*current->services.find(test_uuid(1)), *current->upstream_in({}, "up"), nullptr);
    return std::string(selection_for(ex, service).hashed);
  }
  std::string cookie() {
    const auto* given = ex.find<AffinityCookie>();
    return given != nullptr ? std::string(given->field) : "";
  }

  rt::Reactor reactor;
  Arena arena;
  http::RequestHead head{arena};
  Exchange ex{reactor, arena, head};
};

TEST_F(SelectionTest, TakesTheClientsAddress) {
  EXPECT_EQ(hashed("  hash_on: ip\n"), "192.0.2.7");
}

TEST_F(SelectionTest, TakesTheConsumerAndElseTheCredential) {
  EXPECT_EQ(hashed("  hash_on: consumer\n"), "");
  ex.authenticated.credential_id = "c-1";
  EXPECT_EQ(hashed("  hash_on: consumer\n"), "c-1");
  Consumer consumer;
  consumer.id_text = "u-1";
  ex.authenticated.consumer = &consumer;
  EXPECT_EQ(hashed("  hash_on: consumer\n"), "u-1");
}

TEST_F(SelectionTest, TakesAllLinesOfAHeader) {
  head.headers.add("X-Tenant", "north");
  EXPECT_EQ(hashed("  hash_on: header\n  hash_on_header: x-tenant\n"), "north");
  head.headers.add("X-Tenant", "south");
  EXPECT_EQ(hashed("  hash_on: header\n  hash_on_header: x-tenant\n"), "north, south");
}

TEST_F(SelectionTest, FallsBackWhenThereIsNothing) {
  EXPECT_EQ(hashed("  hash_on: header\n  hash_on_header: x-tenant\n  hash_fallback: ip\n"), "192.0.2.7");
  EXPECT_EQ(hashed("  hash_on: header\n  hash_on_header: x-tenant\n"), "");
}

TEST_F(SelectionTest, TakesTheCookieThatTheClientSends) {
  head.headers.add("Cookie", "a=1; place=here; b=2");
  EXPECT_EQ(hashed("  hash_on: cookie\n  hash_on_cookie: place\n"), "here");
  EXPECT_EQ(cookie(), "");
}

TEST_F(SelectionTest, MakesACookieForAClientWithoutOne) {
  const std::string made = hashed("  hash_on: cookie\n  hash_on_cookie: place\n  hash_on_cookie_path: /x\n");
  EXPECT_EQ(made.size(), Uuid::kTextSize);
  EXPECT_EQ(cookie(), "place=" + made + "; Path=/x; Same-Site=Lax; HttpOnly");
}

TEST_F(SelectionTest, TakesThePath) {
  ex.request.path = "/orders/17";
  EXPECT_EQ(hashed("  hash_on: path\n"), "/orders/17");
}

TEST_F(SelectionTest, TakesValuesOfAQueryArgumentInOrder) {
  ex.request.query = "user=b&x=1&user=a%20c&flag";
  EXPECT_EQ(hashed("  hash_on: query_arg\n  hash_on_query_arg: user\n"), "a c,b");
  EXPECT_EQ(hashed("  hash_on: query_arg\n  hash_on_query_arg: flag\n"), "true");
}

TEST_F(SelectionTest, TakesACaptureByNameOrNumber) {
  ex.captures.named = {{"user", "ann"}};
  ex.captures.unnamed = {"/u/ann", "ann"};
  EXPECT_EQ(hashed("  hash_on: uri_capture\n  hash_on_uri_capture: user\n"), "ann");
  EXPECT_EQ(hashed("  hash_on: uri_capture\n  hash_on_uri_capture: \"1\"\n"), "ann");
}

TEST_F(SelectionTest, LooksAtNothingUnlessTheAlgorithmAsksForIt) {
  EXPECT_EQ(hashed("  algorithm: round-robin\n"), "");
}

}  // namespace
}  // namespace sluice::gateway
