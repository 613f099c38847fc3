// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/replayed_body.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

class Pieces final : public http::BodyReader {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Task<Result<http::Chunk>> read() override {
    const std::size_t at = next_++;
    return Result<http::Chunk>(http::Chunk{pieces_.at(at), next_ == pieces_.size()});
  }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
};

http::Chunk next(http::BodyReader& body) {
  auto task = body.read();
  return *task.take();
}

TEST(ReplayedBody, GivesTheSameAgain) {
  Pieces pieces({"one", "two", "three"});
  ReplayedBody body(pieces);
  EXPECT_EQ(next(body).bytes, "one");
  EXPECT_EQ(next(body).bytes, "two");
  ASSERT_TRUE(body.rewind());
  EXPECT_EQ(next(body).bytes, "onetwo");
  const http::Chunk last = next(body);
  EXPECT_EQ(last.bytes, "three");
  EXPECT_TRUE(last.last);
}

TEST(ReplayedBody, KnowsThatNothingFollows) {
  Pieces pieces({"all"});
  ReplayedBody body(pieces);
  EXPECT_TRUE(next(body).last);
  ASSERT_TRUE(body.rewind());
  EXPECT_TRUE(next(body).last);
}

TEST(ReplayedBody, CanBeReadAgainBeforeItWasRead) {
  Pieces pieces({"all"});
  ReplayedBody body(pieces);
  ASSERT_TRUE(body.rewind());
  EXPECT_EQ(next(body).bytes, "all");
}

TEST(ReplayedBody, CanBeReadAgainSeveralTimes) {
  Pieces pieces({"one", "two"});
  ReplayedBody body(pieces);
  EXPECT_EQ(next(body).bytes, "one");
  ASSERT_TRUE(body.rewind());
  EXPECT_EQ(next(body).bytes, "one");
  ASSERT_TRUE(body.rewind());
  EXPECT_EQ(next(body).bytes, "one");
  EXPECT_EQ(next(body).bytes, "two");
}

TEST(ReplayedBody, ForgetsWhatIsTooLarge) {
  Pieces pieces({std::string(ReplayedBody::kMostRemembered, 'x'), "y"});
  ReplayedBody body(pieces);
  next(body);
  next(body);
  EXPECT_FALSE(body.rewind());
}

}  // namespace
}  // namespace sluice::gateway
