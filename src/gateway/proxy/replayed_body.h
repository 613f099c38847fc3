// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "http/body.h"

namespace sluice::gateway {

/// The content of a request, of which the beginning is remembered: an upstream that has refused to look at the request
/// (HTTP/2 can say so) leaves it to be sent again as a whole. Most calls of gRPC are small enough.
class ReplayedBody final : public http::BodyReader {
 public:
  static constexpr std::size_t kMostRemembered = 64 * 1024;

  explicit ReplayedBody(http::BodyReader& inner) : inner_(inner) {}

  Task<Result<http::Chunk>> read() override {
    if (replaying_) {
      replaying_ = false;
      if (!remembered_.empty() || ended_) {
        replayed_ = remembered_;
        return Result<http::Chunk>(http::Chunk{replayed_, ended_});
      }
    }
    Task<Result<http::Chunk>> next = inner_.read();
    if (next.ready()) return remember(next.take());
    return wait(std::move(next));
  }
  [[nodiscard]] std::optional<std::uint64_t> remaining() const override {
    auto left = inner_.remaining();
    if (left && replaying_) *left += remembered_.size();
    return left;
  }
  [[nodiscard]] const http::Headers* trailers() const override { return inner_.trailers(); }

  /// Back to the beginning. False: too much of it has gone already.
  [[nodiscard]] bool rewind() {
    replaying_ = !forgotten_;
    return replaying_;
  }
  /// It will not be needed again.
  void forget() {
    forgotten_ = true;
    if (!replaying_) std::string().swap(remembered_);
  }

 private:
  Result<http::Chunk> remember(Result<http::Chunk> chunk) {
    if (!chunk || forgotten_) return chunk;
    if (remembered_.size() + chunk->bytes.size() > kMostRemembered) {
      forget();
    } else {
      remembered_.append(chunk->bytes);
      ended_ = chunk->last;
    }
    return chunk;
  }
  Task<Result<http::Chunk>> wait(Task<Result<http::Chunk>> next) { co_return remember(co_await next); }

  http::BodyReader& inner_;
  std::string remembered_;
  std::string replayed_;  // what the last read() returned a view of
  bool ended_ = false;
  bool forgotten_ = false;
  bool replaying_ = false;
};

}  // namespace sluice::gateway
