// SPDX-License-Identifier: Apache-2.0
#include "http/h1/chunked.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::http::h1 {
namespace {

using Kind = ChunkedDecoder::Step::Kind;

struct Decoded {
  Kind end = Kind::NeedMore;
  std::string content;
  std::string why;
  std::size_t consumed = 0;
};

class ChunkedTest : public testing::Test {
 protected:
  /// Shows the text, `piece` octets more each time.
  Decoded decode(const std::string& text, std::size_t piece = std::string::npos) {
    trailers.clear();
    ChunkedDecoder decoder(trailers);
    Decoded decoded;
    std::size_t shown = std::min(piece, text.size());
    for (;;) {
      const auto step = decoder.next(std::string_view(text).substr(decoded.consumed, shown - decoded.consumed));
      decoded.consumed += step.consumed;
      if (step.kind == Kind::Data) decoded.content += step.data;
      if (step.kind == Kind::NeedMore && shown < text.size()) {
        shown = std::min(shown + piece, text.size());
      } else if (step.kind != Kind::Data) {
        decoded.end = step.kind;
        decoded.why = step.why;
        return decoded;
      }
    }
  }

  Arena arena;
  Headers trailers{arena};
};

TEST_F(ChunkedTest, JoinsTheChunks) {
  const auto decoded = decode("5\r\nhello\r\n1\r\n \r\nB\r\nworld again\r\n0\r\n\r\nnext");
  EXPECT_EQ(decoded.end, Kind::Done);
  EXPECT_EQ(decoded.content, "hello world again");
  EXPECT_EQ(decoded.consumed, 37U);
}

TEST_F(ChunkedTest, GivesTheSameHoweverTheOctetsAreCut) {
  const std::string text = "5;a=b\r\nhello\r\n0a\r\n0123456789\r\n0\r\nX-Sum: 15\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto decoded = decode(text, piece);
    EXPECT_EQ(decoded.end, Kind::Done) << piece;
    EXPECT_EQ(decoded.content, "hello0123456789") << piece;
    EXPECT_EQ(trailers.get("x-sum"), "15") << piece;
  }
}

TEST_F(ChunkedTest, TakesWellFormedExtensions) {
  for (const char* line : {"5;a", "5;a=b", "5 ; a = b", "5;a=\"q \\\" ;\";b", "5;a;b;c"}) {
    EXPECT_EQ(decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n").content, "hello") << line;
  }
}

TEST_F(ChunkedTest, RefusesWhatTwoReadersCouldReadDifferently) {
  for (const char* text : {"0x5\r\nhello",
                           "+5\r\nhello",
                           "-5\r\nhello",
                           " 5\r\nhello",
                           "5 \r\nhello",
                           "\r\nhello",
                           "G\r\n",
                           "5_0\r\n",
                           "5\nhello",
                           "5\rhello",
                           "5\r\nhelloX",
                           "5\r\nhello\nX",
                           "5;\r\nhello",
                           "5;a=\r\n",
                           "5;a=\"b\r\n",
                           "5 a\r\n",
                           "5;a\x01\r\n",
                           "10000000000000000\r\n",
                           "FFFFFFFFFFFFFFFFF\r\n",
                           "0\r\nBad Name: x\r\n\r\n",
                           "0\r\n folded\r\n\r\n"}) {
    EXPECT_EQ(decode(text).end, Kind::Error) << text;
  }
}

TEST_F(ChunkedTest, LimitsWhatIsSpentOnExtensions) {
  EXPECT_EQ(decode("1;" + std::string(5000, 'a')).end, Kind::Error);
  std::string text;
  for (int i = 0; i < 20; ++i) text += "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  EXPECT_EQ(decode(text).why, "too much spent on chunk extensions");
}

TEST_F(ChunkedTest, LimitsTheTrailers) {
  std::string text = "0\r\n";
  for (int i = 0; i < 100; ++i) text += "X: y\r\n";
  EXPECT_EQ(decode(text + "\r\n").end, Kind::Error);
}

TEST_F(ChunkedTest, KeepsTrailersWhenTheOctetsAreGone) {
  std::string text = "0\r\nX-Sum: 15\r\n\r\n";
  EXPECT_EQ(decode(text).end, Kind::Done);
  text.assign(text.size(), '?');
  EXPECT_EQ(trailers.get("X-Sum"), "15");
}

}  // namespace
}  // namespace sluice::http::h1
