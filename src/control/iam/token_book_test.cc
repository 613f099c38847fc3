// SPDX-License-Identifier: Apache-2.0
#include "control/iam/token_book.h"

#include <gtest/gtest.h>

namespace sluice::control::iam {
namespace {

TEST(TokenBook, KnowsTokensByTheirTextAlone) {
  const NewToken admin = make_token("ops", Role::Administrator);
  const NewToken reader = make_token("eyes", Role::Reader);
  TokenBook book;
  EXPECT_TRUE(book.empty());
  book.set({admin.token, reader.token});
  EXPECT_EQ(book.find(admin.text)->kind, Kind::Administrator);
  EXPECT_EQ(book.find(reader.text)->kind, Kind::Reader);
  EXPECT_EQ(book.find(reader.text)->name, "eyes");
  EXPECT_FALSE(book.find(admin.token.digest).has_value()) << "what is kept opens nothing";
  EXPECT_FALSE(book.find("").has_value());
}

TEST(TokenBook, ATokenIsKeptAsTextWithoutItsSecret) {
  const NewToken made = make_token("ops", Role::Administrator);
  const std::string kept = made.token.to_text();
  EXPECT_EQ(kept.find(made.text), std::string::npos);
  const auto back = Token::parse(kept);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->digest, made.token.digest);
  EXPECT_EQ(back->role, Role::Administrator);
  EXPECT_FALSE(Token::parse("{}").has_value());
  EXPECT_FALSE(Token::parse(R"({"name":"x","role":"king","sha256":""})").has_value());
}

}  // namespace
}  // namespace sluice::control::iam
