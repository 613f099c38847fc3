// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "http/body.h"
#include "plugins/grpc/messages.h"

// For tests of the bridges to gRPC: a .proto file on disk, and content with trailers.
namespace sluice::plugins::grpc {

inline constexpr std::string_view kHelloProto = R"(syntax = "proto3";
package hello;
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
message Inner { string word = 1; }
message Hello {
  string name = 1;
  bool loud = 2;
  int32 times = 3;
  repeated string tags = 4;
  Inner inner = 5;
  google.protobuf.Timestamp when = 6;
}
message Said { string reply = 1; int32 count = 2; }
service Talk {
  rpc Say(Hello) returns (Said) {
    option (google.api.http) = {
      get: "/v1/messages/{name}"
      additional_bindings { get: "/v1/legacy/{name=shelves/*}:say" }
      additional_bindings { post: "/v1/messages/{name}" body: "*" }
    };
  }
  rpc Put(Hello) returns (Said) { option (google.api.http) = { put: "/v1/inner/{name=**}" body: "inner" }; }
  rpc Hidden(Hello) returns (Said);
}
)";

/// A file that goes with the object.
class TempProto {
 public:
  explicit TempProto(std::string_view text = kHelloProto) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    std::FILE* file = std::fopen(path().c_str(), "w");
    EXPECT_NE(file, nullptr);
    if (file == nullptr) return;
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  TempProto(const TempProto&) = delete;
  TempProto& operator=(const TempProto&) = delete;
  ~TempProto() {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  [[nodiscard]] std::string path() const { return folder_ + "/hello.proto"; }
  /// As a plugin's configuration, with `more` members.
  [[nodiscard]] std::string config(std::string_view more = {}) const {
    return R"({"proto": ")" + path() + "\"" + std::string(more) + "}";
  }

 private:
  std::string folder_ = ::testing::TempDir() + "sluice-proto-XXXXXX";
};

inline std::string framed(std::string_view payload, std::uint8_t flags = kMessage) {
  std::string out;
  append_frame(out, flags, payload);
  return out;
}

/// Content in pieces, then trailers.
class AnsweredBody final : public http::BodyReader {
 public:
  AnsweredBody(Arena& arena, std::vector<std::string> pieces,
               std::vector<std::pair<std::string, std::string>> trailers = {})
      : pieces_(std::move(pieces)), trailers_(arena) {
    for (const auto& [name, value] : trailers) trailers_.add(name, value);
  }
  Task<Result<http::Chunk>> read() override {
    if (pieces_.empty()) return Result<http::Chunk>(http::Chunk{{}, true});
    const std::string& piece = pieces_[next_++];
    return Result<http::Chunk>(http::Chunk{piece, next_ == pieces_.size()});
  }
  [[nodiscard]] const http::Headers* trailers() const override { return &trailers_; }

 private:
  std::vector<std::string> pieces_;
  http::Headers trailers_;
  std::size_t next_ = 0;
};

/// The pieces as a client would get them.
inline std::vector<std::string> read_pieces(http::BodyReader* body) {
  std::vector<std::string> all;
  for (bool last = body == nullptr; !last;) {
    auto task = body->read();
    task.start();
    auto chunk = task.take();
    if (!chunk) return {"error: " + chunk.error().what};
    all.emplace_back(chunk->bytes);
    last = chunk->last;
  }
  return all;
}
inline std::string read_all(http::BodyReader* body) {
  std::string all;
  for (const std::string& piece : read_pieces(body)) all += piece;
  return all;
}

}  // namespace sluice::plugins::grpc
