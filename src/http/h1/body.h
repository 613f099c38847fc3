// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "http/body.h"
#include "http/h1/chunked.h"
#include "http/input_buffer.h"
#include "http/message.h"
#include "http/patience.h"
#include "net/stream.h"

namespace sluice::http::h1 {

/// The content of a message that arrives on an HTTP/1 connection, whichever its framing. Shared by both sides.
class IncomingBody final : public BodyReader {
 public:
  struct Sender {
    Patience::Terms patience;
    Blame blame;  // decides the status of a failure
  };

  IncomingBody(net::Stream& stream, InputBuffer& input, Arena& arena, Sender sender)
      : stream_(stream),
        input_(input),
        trailers_(arena),
        decoder_(trailers_),
        patience_(sender.patience),
        blame_(sender.blame) {}
  ~IncomingBody() override { consume_handed_out(); }

  /// Called once, when the head is known.
  void begin(Framing framing);

  Task<Result<Chunk>> read() override;
  [[nodiscard]] std::optional<std::uint64_t> remaining() const override;
  [[nodiscard]] const Headers* trailers() const override;
  [[nodiscard]] std::optional<SpliceSource> splice_source() override;
  void spliced(std::uint64_t octets) override;

  /// Whatever is left is somebody else's to drop: the connection is about to close or to become a tunnel.
  void abandon() { handed_out_ = 0; }
  /// The whole content has been read: the next message begins behind it.
  [[nodiscard]] bool complete() const { return done_; }
  [[nodiscard]] std::uint64_t octets_read() const { return patience_.octets(); }
  /// How long the sender is waited for.
  [[nodiscard]] Patience& patience() { return patience_; }

  /// Called before the first read that has to wait; a server sends 100 Continue then.
  struct FirstWait {
    virtual Task<Result<>> before_first_wait() = 0;

   protected:
    ~FirstWait() = default;
  };
  void on_first_wait(FirstWait* listener) { first_wait_ = listener; }

 private:
  /// What can be said without waiting; nullopt: nothing yet.
  std::optional<Result<Chunk>> take_pending();
  std::optional<Result<Chunk>> take_chunked();
  std::optional<Result<Chunk>> at_end();
  Task<Result<Chunk>> wait_and_read();
  /// Drops from the input what the previous read() handed out.
  void consume_handed_out() {
    if (handed_out_ != 0) input_.consume(std::exchange(handed_out_, 0));
  }

  net::Stream& stream_;
  InputBuffer& input_;
  Headers trailers_;
  ChunkedDecoder decoder_;
  Patience patience_;
  Blame blame_;
  Framing framing_;
  FirstWait* first_wait_ = nullptr;
  std::uint64_t left_ = 0;  // Kind::Length
  std::size_t handed_out_ = 0;
  bool closed_ = false;  // the peer will send nothing more
  bool done_ = true;
};

}  // namespace sluice::http::h1
