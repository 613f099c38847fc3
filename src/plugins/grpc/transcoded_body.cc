// SPDX-License-Identifier: Apache-2.0
#include "plugins/grpc/transcoded_body.h"

#include <utility>

namespace sluice::plugins::grpc {

std::string_view TranscodedBody::trailer(std::string_view name) const {
  const http::Headers* trailers = ended_ && inner_ != nullptr ? inner_->trailers() : nullptr;
  return trailers != nullptr ? trailers->get(name).value_or(std::string_view{}) : std::string_view{};
}

Result<> TranscodedBody::take(const http::Chunk& chunk) {
  messages_.append(chunk.bytes);
  for (;;) {
    TRY(auto message, messages_.next());
    if (!message) break;
    TRY(add(*message, out_));
  }
  ended_ = chunk.last;
  if (ended_ && !messages_.empty()) return fail(Errc::Invalid, "gRPC message cut short", Blame::Upstream);
  return {};
}

Task<Result<>> TranscodedBody::look_ahead() {
  if (inner_ == nullptr) ended_ = true;
  while (!ended_ && out_.empty()) {
    CO_TRY(http::Chunk chunk, co_await inner_->read());
    CO_TRY(take(chunk));
  }
  co_return Result<>{};
}

Task<Result<http::Chunk>> TranscodedBody::read() {
  CO_TRY(co_await look_ahead());
  if (ended_ && !std::exchange(finished_, true)) finish(out_);
  given_ = wrapped(std::exchange(out_, {}));
  co_return http::Chunk{given_, ended_};
}

}  // namespace sluice::plugins::grpc
