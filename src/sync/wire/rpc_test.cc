// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/rpc.h"

#include <random>

#include <gtest/gtest.h>

namespace sluice::sync::wire {
namespace {

constexpr std::size_t kLimit = 1U << 20U;

std::vector<RpcMessage> parsed(std::string_view text) {
  auto messages = parse_rpc(text);
  EXPECT_TRUE(messages.has_value()) << (messages ? "" : messages.error().what);
  return messages ? *std::move(messages) : std::vector<RpcMessage>();
}

TEST(Rpc, CallGoesThereAndBack) {
  const std::string text = call_text("kong.sync.v2.get_delta", R"([{"default":{"version":"v"}}])", 7);
  EXPECT_EQ(text,
            R"({"jsonrpc":"2.0","method":"kong.sync.v2.get_delta","params":[{"default":{"version":"v"}}],"id":7})");
  const auto messages = parsed(text);
  ASSERT_EQ(messages.size(), 1U);
  const auto& call = std::get<RpcCall>(messages.front());
  EXPECT_EQ(call.method, "kong.sync.v2.get_delta");
  EXPECT_EQ(to_json(call.params), R"([{"default":{"version":"v"}}])");
  ASSERT_TRUE(call.id.has_value());
  EXPECT_EQ(call.id->as_int(), 7);
}

TEST(Rpc, NotificationHasNoId) {
  const auto messages = parsed(call_text("a.b.c", "[]"));
  EXPECT_FALSE(std::get<RpcCall>(messages.at(0)).id.has_value());
}

TEST(Rpc, AnswersGoThereAndBack) {
  const auto messages = parsed("[" + result_text(Json(3), "true") + "," +
                               error_text(Json("x"), RpcCode::MethodNotFound, "no \"such\" method") + "]");
  ASSERT_EQ(messages.size(), 2U);
  const auto& good = std::get<RpcReply>(messages[0]);
  EXPECT_EQ(good.id.as_int(), 3);
  EXPECT_TRUE(std::get<Json>(good.outcome).as_bool());
  const auto& bad = std::get<RpcReply>(messages[1]);
  EXPECT_EQ(bad.id.as_string(), "x");
  EXPECT_EQ(std::get<RpcError>(bad.outcome).code, -32601);
  EXPECT_EQ(std::get<RpcError>(bad.outcome).message, "no \"such\" method");
}

TEST(Rpc, ResultMayBeNull) {
  const auto messages = parsed(R"({"jsonrpc":"2.0","result":null,"id":0})");
  EXPECT_TRUE(std::get<Json>(std::get<RpcReply>(messages.at(0)).outcome).is_null());
}

TEST(Rpc, ErrorMayAnswerWhatHadNoId) {
  const auto messages = parsed(error_text(Json(), RpcCode::Parse, "unreadable"));
  EXPECT_TRUE(std::get<RpcReply>(messages.at(0)).id.is_null());
}

TEST(Rpc, RefusesEverythingElse) {
  for (const char* text :
       {"", "null", "[]", "[1]", "{}", R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"1.0","method":"a","id":1})",
        R"({"method":"a","id":1})", R"({"jsonrpc":"2.0","method":1})", R"({"jsonrpc":"2.0","method":"a","params":1})",
        R"({"jsonrpc":"2.0","method":"a","id":{}})", R"({"jsonrpc":"2.0","result":1})",
        R"({"jsonrpc":"2.0","result":1,"error":{"code":1,"message":""},"id":1})",
        R"({"jsonrpc":"2.0","error":1,"id":1})", R"({"jsonrpc":"2.0","error":{"code":"1","message":""},"id":1})",
        R"({"jsonrpc":"2.0","result":1,"id":[]})", R"([{"jsonrpc":"2.0","method":"a"},2])", "{\"jsonrpc\":\"2.0\""}) {
    const auto messages = parse_rpc(text);
    ASSERT_FALSE(messages.has_value()) << text;
    EXPECT_EQ(messages.error().code, Errc::Invalid) << text;
  }
}

TEST(Snappy, GoesThereAndBack) {
  std::mt19937 random(3);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same texts in each run
  for (const std::size_t size : {0U, 1U, 60U, 61U, 1000U, 70'000U}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 3) text[i] = static_cast<char>(random());
    const auto back = decompress(compress(text), kLimit);
    ASSERT_TRUE(back.has_value()) << size;
    EXPECT_EQ(*back, text);
  }
}

TEST(Snappy, OpensEvenTheMostRepetitiveText) {
  const std::string text(1U << 20U, 'a');
  const auto back = decompress(compress(text), kLimit);
  ASSERT_TRUE(back.has_value()) << back.error().what;
  EXPECT_EQ(*back, text);
}

TEST(Snappy, KnowsABlockFromElsewhere) {
  // 5 octets, a literal of 5: google/snappy, format_description.txt.
  const auto text = decompress(std::string_view("\x05\x10hello", 7), kLimit);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text, "hello");
}

TEST(Snappy, RefusesWhatIsLargerThanTheLimit) {
  const auto text = decompress(compress(std::string(2000, 'a')), 1999);
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, Errc::TooLarge);
}

TEST(Snappy, RefusesALengthThatIsALie) {
  for (const std::string_view block : {std::string_view("\xFF\xFF\xFF\x07\x10hello", 10),  // 16 MiB in ten octets
                                       std::string_view("\x06\x10hello", 7),               // one more than there is
                                       std::string_view("\x04\x10hello", 7),               // one less
                                       std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF", 6), std::string_view()}) {
    EXPECT_FALSE(decompress(block, 1U << 30U).has_value());
  }
}

TEST(Snappy, SurvivesDamage) {
  const std::string text = R"({"jsonrpc":"2.0","method":"a.b.c","params":["a","a","a","a","a","a","a"],"id":1})";
  const std::string block = compress(text + text);
  for (std::size_t i = 0; i < block.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = block;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << bit));
      if (const auto opened = decompress(damaged, kLimit)) (void)parse_rpc(*opened);
    }
    EXPECT_FALSE(decompress(std::string_view(block).substr(0, i), kLimit).has_value());
  }
}

}  // namespace
}  // namespace sluice::sync::wire
