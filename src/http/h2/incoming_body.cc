// SPDX-License-Identifier: Apache-2.0
#include "http/h2/incoming_body.h"

#include <algorithm>
#include <utility>

namespace sluice::http::h2 {
namespace {

// What is received and thrown away behind an answer that did not wait for it.
constexpr std::size_t kDiscardOctets = 32 * 1024 * 1024;
constexpr std::int64_t kDiscardMs = 2'000;

}  // namespace

void IncomingBody::append(std::string_view bytes) {
  incoming_.append(bytes);
  patience_.received(bytes.size());
}

void IncomingBody::wake() {
  if (!incoming_.empty() || ended_ || closed_) news_.wake();
}

std::optional<std::uint64_t> IncomingBody::remaining() const {
  if (framing_.kind == Framing::Kind::Length) return framing_.length - read_;
  return std::nullopt;
}

Task<Result<Chunk>> IncomingBody::read() {
  if (!handed_out_.empty()) {
    const std::size_t octets = handed_out_.size();
    handed_out_.clear();
    owner_.consumed(octets);
  }
  if (!ended_ && limit_.passed(reactor_.clock())) return Result<Chunk>(too_late());
  if (auto now = take()) return std::move(*now);
  return wait_and_read();
}

Task<void> IncomingBody::discard_rest() {
  patience_.set_pause(kDiscardMs);
  wait_no_longer_than(reactor_.after_ms(kDiscardMs));
  std::size_t discarded = 0;
  while (!closed_ && !ended_ && discarded < kDiscardOctets && !limit_.passed(reactor_.clock())) {
    Result<Chunk> chunk = co_await read();
    if (!chunk) break;
    discarded += chunk->bytes.size();
  }
}

/// The receiver's own deadline is not the sender's fault.
std::unexpected<Error> IncomingBody::too_late() const {
  const Blame blame = limit_.passed(reactor_.clock()) ? Blame::Client : sender_;
  return fail(Errc::Timeout, "timed out waiting for content", blame);
}

/// What can be said without waiting. The two strings change roles, so that nothing is moved within them.
std::optional<Result<Chunk>> IncomingBody::take() {
  if (!incoming_.empty()) {
    std::swap(incoming_, handed_out_);
    read_ += handed_out_.size();
    return Result<Chunk>(Chunk{handed_out_, ended_});
  }
  if (ended_) return Result<Chunk>(Chunk{{}, true});
  if (closed_) return Result<Chunk>(fail(Errc::Closed, "stream closed in the middle of a message", sender_));
  return std::nullopt;
}

Task<Result<Chunk>> IncomingBody::wait_and_read() {
  if (!std::exchange(waited_, true)) CO_TRY(owner_.before_first_wait());
  const rt::Clock& clock = reactor_.clock();
  while (!limit_.passed(clock)) {
    const std::int64_t held_before_ms = owner_.held_back_ms();
    rt::Deadline until = owner_.is_held_back() ? patience_.begin_excused_wait(clock) : patience_.begin_wait(clock);
    rt::Wake wake = rt::Wake::Ready;
    while ((wake = co_await news_.wait(std::min(until, limit_))) == rt::Wake::TimedOut) {
      until = patience_.wait_end();  // the rate may not matter any more
      if (until.passed(clock) || limit_.passed(clock) || owner_.held_back_ms() != held_before_ms) break;
    }
    // While the peer might not send, it owed nothing: then another pause begins.
    const std::int64_t held_ms = owner_.held_back_ms() - held_before_ms;
    patience_.ended_wait(clock, held_ms);
    if (auto now = take()) co_return std::move(*now);
    if (wake == rt::Wake::TimedOut && held_ms == 0) break;
  }
  owner_.timed_out();
  co_return too_late();
}

}  // namespace sluice::http::h2
