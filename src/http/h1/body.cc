// SPDX-License-Identifier: Apache-2.0
#include "http/h1/body.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rt/reactor.h"

namespace sluice::http::h1 {
namespace {

/// `more` lies somewhere behind `content` in the same input buffer, which is ours; it is moved up to its end.
std::string_view joined(std::string_view content, std::string_view more) {
  if (content.empty() || more.empty()) return content.empty() ? more : content;
  std::memmove(const_cast<char*>(content.data()) + content.size(), more.data(), more.size());
  return {content.data(), content.size() + more.size()};
}

}  // namespace

void IncomingBody::begin(Framing framing) {
  framing_ = framing;
  left_ = framing.length;
  done_ = !framing.has_body();
}

std::optional<std::uint64_t> IncomingBody::remaining() const {
  if (framing_.kind == Framing::Kind::Length || done_) return left_;
  return std::nullopt;
}

const Headers* IncomingBody::trailers() const {
  return framing_.kind == Framing::Kind::Chunked && done_ && !trailers_.empty() ? &trailers_ : nullptr;
}

Task<Result<Chunk>> IncomingBody::read() {
  consume_handed_out();
  if (done_) return Result<Chunk>(Chunk{{}, true});
  if (auto now = take_pending()) return std::move(*now);
  // A first attempt without a frame: the octets are often there already.
  if (stream_.has_input()) {
    net::Io io = input_.fill(stream_);
    if (io.state == net::Io::State::Closed || io.state == net::Io::State::Failed) closed_ = true;
    if (auto now = take_pending()) return std::move(*now);
  }
  return wait_and_read();
}

std::optional<Result<Chunk>> IncomingBody::at_end() {
  if (!closed_) return std::nullopt;
  if (framing_.kind == Framing::Kind::UntilClose && !stream_.source().broken()) {
    done_ = true;
    return Result<Chunk>(Chunk{{}, true});
  }
  return Result<Chunk>(fail(Errc::Closed, "connection closed in the middle of a message", blame_));
}

std::optional<Result<Chunk>> IncomingBody::take_pending() {
  if (framing_.kind == Framing::Kind::Chunked) return take_chunked();
  std::string_view bytes = input_.pending();
  if (bytes.empty()) return at_end();
  if (framing_.kind == Framing::Kind::Length) {
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    left_ -= bytes.size();
    done_ = left_ == 0;
  }
  handed_out_ = bytes.size();
  patience_.received(bytes.size());
  return Result<Chunk>(Chunk{bytes, done_});
}

/// All the content that is there, as one piece: what lies between chunks is taken out where it is. So a peer that sends
/// in chunks of an octet costs a copy for each and not two system calls, and the end comes together with the rest.
std::optional<Result<Chunk>> IncomingBody::take_chunked() {
  const std::string_view pending = input_.pending();
  std::string_view content;
  std::size_t consumed = 0;
  for (;;) {
    const ChunkedDecoder::Step step = decoder_.next(pending.substr(consumed));
    if (step.kind == ChunkedDecoder::Step::Kind::Data) {
      consumed += step.consumed;
      content = joined(content, step.data);
      continue;
    }
    if (step.kind == ChunkedDecoder::Step::Kind::Done) {
      consumed += step.consumed;
      done_ = true;
    }
    if (content.empty()) input_.consume(consumed);
    if (done_ || !content.empty()) {  // a fault behind content is found again by the next read
      if (!content.empty()) handed_out_ = consumed;
      patience_.received(content.size());
      return Result<Chunk>(Chunk{content, done_});
    }
    if (step.kind == ChunkedDecoder::Step::Kind::NeedMore) return at_end();
    return Result<Chunk>(fail(Errc::Invalid, std::string("chunked content: ") + step.why, blame_));
  }
}

Task<Result<Chunk>> IncomingBody::wait_and_read() {
  if (first_wait_ != nullptr) {
    auto* listener = std::exchange(first_wait_, nullptr);
    CO_TRY(co_await listener->before_first_wait());
  }
  for (;;) {
    if (!closed_ && !stream_.has_input()) {
      const rt::Clock& clock = stream_.reactor().clock();
      rt::Deadline until = patience_.begin_wait(clock);
      while (co_await stream_.readable(until) == rt::Wake::TimedOut) {
        until = patience_.wait_end();  // the rate may not matter any more
        if (!until.passed(clock)) continue;
        co_return fail(Errc::Timeout, "timed out waiting for content", blame_);
      }
      patience_.ended_wait(clock);
    }
    net::Io io = input_.fill(stream_);
    if (io.state == net::Io::State::Closed || io.state == net::Io::State::Failed) closed_ = true;
    if (auto now = take_pending()) co_return std::move(*now);
  }
}

std::optional<SpliceSource> IncomingBody::splice_source() {
  consume_handed_out();
  if (framing_.kind != Framing::Kind::Length || done_ || !input_.empty() || !stream_.is_plain()) return std::nullopt;
  return SpliceSource{&stream_, left_, &patience_, blame_};
}

void IncomingBody::spliced(std::uint64_t octets) {
  left_ -= octets;
  patience_.received(octets);
  done_ = left_ == 0;
}

}  // namespace sluice::http::h1
