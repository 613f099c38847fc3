// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "gateway/exchange.h"
#include "http/body.h"
#include "plugins/grpc/messages.h"

namespace sluice::plugins::grpc {

/// A response of gRPC on its way to a client that speaks something else: each message is rewritten as it comes, and the
/// end as well. Trailers stop here.
class TranscodedBody : public http::BodyReader {
 public:
  /// `inner` may be null: a status that came in the head alone.
  explicit TranscodedBody(http::BodyReader* inner) : inner_(inner) {}

  Task<Result<http::Chunk>> read() override;
  /// Reads on until something can be given out or the end is known: then status() is what the upstream meant.
  Task<Result<>> look_ahead();
  /// Everything has been read, and nothing of it is left to give out.
  [[nodiscard]] bool is_empty() const { return ended_ && out_.empty(); }
  /// Of the trailers: "grpc-status", "grpc-message"; empty where there is none.
  [[nodiscard]] std::string_view trailer(std::string_view name) const;

 protected:
  /// Appends what the client gets for `message`.
  virtual Result<> add(std::string_view message, std::string& out) = 0;
  /// Appends what the client gets behind the last message.
  virtual void finish(std::string& /*out*/) {}
  /// The last thing that is done with what is given out.
  virtual std::string wrapped(std::string bytes) { return bytes; }

 private:
  Result<> take(const http::Chunk& chunk);

  http::BodyReader* inner_;
  MessageSplitter messages_;
  std::string out_;
  std::string given_;  // what the last read() returned a view of
  bool ended_ = false;
  bool finished_ = false;
};

/// Makes `body` the response's content, of whatever length it turns out to have.
inline void replace_response_body(gateway::Exchange& ex, http::BodyReader& body) {
  ex.response.body = &body;
  ex.response.headers.remove(http::Known::ContentLength);
  ex.response.head.framing = {http::Framing::Kind::Chunked, 0};
}

}  // namespace sluice::plugins::grpc
