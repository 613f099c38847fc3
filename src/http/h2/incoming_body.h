// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/body.h"
#include "http/message.h"
#include "http/patience.h"
#include "rt/waiter.h"

namespace sluice::http::h2 {

/// The content that comes in on a stream. DATA frames fill it, bounded by the stream's flow-control window; what has
/// been read opens the window again, so a reader that stands still stops the peer.
class IncomingBody final : public BodyReader {
 public:
  /// What the body tells its stream.
  struct Owner {
    /// Called before the first read that has to wait.
    virtual Result<> before_first_wait() = 0;
    /// `octets` have been read: the peer may send as many again.
    virtual void consumed(std::size_t octets) = 0;
    /// The peer may send nothing at all now: what its other streams hold fills the connection's window.
    [[nodiscard]] virtual bool is_held_back() const = 0;
    /// For how long in all that has been so, in ms.
    [[nodiscard]] virtual std::int64_t held_back_ms() const = 0;
    /// A read has waited in vain.
    virtual void timed_out() {}

   protected:
    ~Owner() = default;
  };

  /// `sender`: who is to blame when the content does not come.
  IncomingBody(Owner& owner, rt::Reactor& reactor, Arena& arena, Patience::Terms patience, Blame sender)
      : owner_(owner), reactor_(reactor), news_(reactor), trailers_(arena), patience_(patience), sender_(sender) {}

  Task<Result<Chunk>> read() override;
  [[nodiscard]] std::optional<std::uint64_t> remaining() const override;
  [[nodiscard]] const Headers* trailers() const override { return trailers_.empty() ? nullptr : &trailers_; }

  /// Called once, when the head is known.
  void begin(Framing framing) { framing_ = framing; }
  void append(std::string_view bytes);
  /// Everything has arrived.
  void end() { ended_ = true; }
  /// Nothing more will arrive.
  void close() { closed_ = true; }
  [[nodiscard]] Headers& trailer_fields() { return trailers_; }
  /// Resumes a reader that has something to read now.
  void wake();

  /// Reads on for a moment for nobody: some clients that are still sending take a reset behind a whole answer for a
  /// failure and lose the answer. Ends with the content, or when that takes too long or too much.
  Task<void> discard_rest();

  [[nodiscard]] bool ended() const { return ended_; }
  /// How long the peer is waited for.
  [[nodiscard]] Patience& patience() { return patience_; }
  /// From now on no read waits beyond `deadline`, whoever keeps it waiting.
  void wait_no_longer_than(rt::Deadline deadline) { limit_ = deadline; }
  /// Octets that were received and for which the window has not been opened again.
  [[nodiscard]] std::size_t held() const { return incoming_.size() + handed_out_.size(); }

 private:
  std::optional<Result<Chunk>> take();
  Task<Result<Chunk>> wait_and_read();
  [[nodiscard]] std::unexpected<Error> too_late() const;

  Owner& owner_;
  rt::Reactor& reactor_;
  rt::Waiter news_;
  Headers trailers_;
  Patience patience_;
  Blame sender_;
  rt::Deadline limit_ = rt::Deadline::never();
  Framing framing_;
  std::string incoming_;
  std::string handed_out_;  // what the last read() returned a view of
  std::uint64_t read_ = 0;
  bool waited_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace sluice::http::h2
