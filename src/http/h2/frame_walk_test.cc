// SPDX-License-Identifier: Apache-2.0
#include "http/h2/frame_walk.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/h2/test_client.h"

namespace sluice::http::h2 {
namespace {

const std::string kSent = std::string(kPreface) + TestClient::frame(4, 0, 0, "") + TestClient::frame(0, 1, 3, "hello") +
                          TestClient::frame(9, 4, 0x7fffffff, std::string(70'000, 'x')) +
                          TestClient::frame(6, 0, 0, "8");

std::vector<std::string> seen_in_pieces(std::size_t piece) {
  FrameWalk walk;
  std::vector<std::string> seen;
  for (std::size_t at = 0; at < kSent.size(); at += piece) {
    walk.walk(std::string_view(kSent).substr(at, piece), [&](const FrameHeader& header, std::size_t) {
      seen.push_back(std::to_string(header.type) + "/" + std::to_string(header.flags) + "/" +
                     std::to_string(header.stream) + "/" + std::to_string(header.length));
      return true;
    });
  }
  return seen;
}

TEST(FrameWalk, FindsEveryFrameHoweverItIsCut) {
  const std::vector<std::string> expected{"4/0/0/0", "0/1/3/5", "9/4/2147483647/70000", "6/0/0/1"};
  for (std::size_t piece : {1UL, 2UL, 8UL, 9UL, 10UL, 33UL, 1000UL, 100'000UL}) {
    EXPECT_EQ(seen_in_pieces(piece), expected) << piece;
  }
}

TEST(FrameWalk, ReadsWhatAPriorityDependsOn) {
  const std::string sent = TestClient::frame(2, 0, 5, std::string("\x80\x00\x00\x03w", 5)) +
                           TestClient::frame(2, 0, 7, std::string("\x00\x00\x01", 3)) +
                           TestClient::frame(0, 0, 5, "hello");
  for (std::size_t piece = 1; piece <= sent.size(); ++piece) {
    FrameWalk walk(FrameWalk::Begin::WithFrame);
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < sent.size(); at += piece) {
      walk.walk(std::string_view(sent).substr(at, piece), [&](const FrameHeader& header, std::size_t) {
        seen.push_back(std::to_string(header.stream) + " on " + std::to_string(header.depends_on));
        return true;
      });
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"5 on 3", "7 on 0", "5 on 0"})) << piece;
  }
}

TEST(FrameWalk, SaysWhereAFrameBegins) {
  FrameWalk walk;
  std::vector<std::size_t> begins;
  auto note = [&](const FrameHeader&, std::size_t begin) {
    begins.push_back(begin);
    return true;
  };
  walk.walk(std::string_view(kSent).substr(0, 40), note);  // ends within the second frame's header
  walk.walk(std::string_view(kSent).substr(40, 100), note);
  EXPECT_EQ(begins, (std::vector<std::size_t>{24, 0, 7}));
}

TEST(FrameWalk, EndsWhenTold) {
  FrameWalk walk;
  int visits = 0;
  walk.walk(kSent, [&](const FrameHeader&, std::size_t) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

}  // namespace
}  // namespace sluice::http::h2
