// SPDX-License-Identifier: Apache-2.0
#include "plugins/grpc/proto_file.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/grpc/grpc_testing.h"

namespace sluice::plugins::grpc {
namespace {

using ::testing::HasSubstr;

TEST(ProtoFile, KnowsItsMethodsAndTheWaysToThem) {
  const TempProto proto;
  auto file = ProtoFile::load(proto.path());
  ASSERT_TRUE(file) << file.error().what;
  const Method* say = (*file)->find("/hello.Talk/Say");
  ASSERT_NE(say, nullptr);
  ASSERT_EQ(say->bindings.size(), 3U);
  EXPECT_EQ(say->bindings[0].verb, "GET");
  EXPECT_EQ(say->bindings[0].path, "/v1/messages/{name}");
  EXPECT_EQ(say->bindings[2].verb, "POST");
  EXPECT_EQ(say->bindings[2].body, "*");
  EXPECT_TRUE((*file)->find("/hello.Talk/Hidden")->bindings.empty());
  EXPECT_EQ((*file)->find("/hello.Talk/None"), nullptr);
}

TEST(ProtoFile, TurnsJsonIntoMessagesAndBack) {
  const TempProto proto;
  auto file = *ProtoFile::load(proto.path());
  const Method& say = *file->find("/hello.Talk/Say");
  auto message = file->encode(*say.input, R"({"name":"a","loud":true,"unknown":1,"when":"2026-01-02T03:04:05Z"})");
  ASSERT_TRUE(message) << message.error().what;
  EXPECT_EQ(message->substr(0, 5), std::string("\x0a\x01"
                                               "a\x10\x01"));
  EXPECT_EQ(*file->decode(*say.output, "\x0a\x02hi"), R"({"reply":"hi","count":0})");
}

TEST(ProtoFile, RefusesJsonThatIsNoSuchMessage) {
  const TempProto proto;
  auto file = *ProtoFile::load(proto.path());
  EXPECT_FALSE(file->encode(*file->find("/hello.Talk/Say")->input, R"({"times":"many"})"));
  EXPECT_FALSE(file->decode(*file->find("/hello.Talk/Say")->output, "\xff\xff"));
}

TEST(ProtoFile, PutsTextsWhereTheyBelong) {
  const TempProto proto;
  auto file = *ProtoFile::load(proto.path());
  const auto& type = *file->find("/hello.Talk/Say")->input;
  Json::Object message;
  for (auto [name, value] : {std::pair{"name", "7"},
                             {"loud", "false"},
                             {"times", "7"},
                             {"tags", "a"},
                             {"tags", "b"},
                             {"inner.word", "w"},
                             {"inner.none", "x"},
                             {"none", "x"},
                             {"name.word", "x"}}) {
    ProtoFile::put(message, type, name, value);
  }
  EXPECT_EQ(to_json(Json(message)), R"({"name":"7","loud":false,"times":7,"tags":["a","b"],"inner":{"word":"w"}})");
}

TEST(ProtoFile, SaysWhatIsWrongWithAFile) {
  const TempProto proto("syntax = \"proto3\";\nmessage {");
  auto file = ProtoFile::load(proto.path());
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().what, HasSubstr("hello.proto:2:9"));
  EXPECT_FALSE(ProtoFile::load("/nowhere/x.proto"));
}

TEST(GrpcMessages, AreFoundHoweverTheyAreCut) {
  const std::string content = framed("one") + framed("") + framed("three");
  for (std::size_t cut = 0; cut <= content.size(); ++cut) {
    MessageSplitter messages;
    std::string found;
    for (std::string_view piece : {std::string_view(content).substr(0, cut), std::string_view(content).substr(cut)}) {
      messages.append(piece);
      while (auto message = *messages.next()) found.append("[").append(*message).append("]");
    }
    EXPECT_EQ(found, "[one][][three]") << cut;
    EXPECT_TRUE(messages.empty());
  }
}

TEST(GrpcMessages, AreRefusedWhenTooLargeOrCompressed) {
  MessageSplitter messages;
  messages.append({"\0\x7f\xff\xff\xff", 5});
  EXPECT_EQ(messages.next().error().code, Errc::TooLarge);
  MessageSplitter compressed;
  compressed.append(framed("x", kCompressed));
  EXPECT_EQ(compressed.next().error().code, Errc::Unsupported);
}

}  // namespace
}  // namespace sluice::plugins::grpc
