// SPDX-License-Identifier: Apache-2.0
#include "http/h2/session_stream.h"

#include <algorithm>
#include <utility>

#include "http/h2/request_fields.h"
#include "http/h2/session.h"
#include "http/h2/written_fields.h"

namespace sluice::http::h2 {
namespace {

ssize_t read_content(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t room, std::uint32_t* flags,
                     nghttp2_data_source* source, void*) {
  return static_cast<SessionStream*>(source->ptr)->provide(room, *flags);
}

}  // namespace

SessionStream::SessionStream(Session& session, std::int32_t id, Arena& arena, const h1::HeadLimits& limits,
                             const Terms& terms)
    : session_(session),
      id_(id),
      body_(*this, session.reactor(), arena, terms.patience, terms.peer),
      arena_of_fields_(arena),
      limits_(limits),
      terms_(terms),
      taken_(session.reactor()) {}

bool SessionStream::add_trailer(std::string_view name, std::string_view value) {
  return h2::add_trailer(body_.trailer_fields(), name, value, limits_);
}

void SessionStream::closed(std::uint32_t /*code*/) {
  closed_ = true;
  body_.close();
}

void SessionStream::consumed(std::size_t octets) {
  nghttp2_session_consume(session_.handle(), id_, octets);
  session_.gather();
}

void SessionStream::reset(std::uint32_t code) {
  if (closed_) return;
  reset_by_us_ = true;
  nghttp2_submit_rst_stream(session_.handle(), NGHTTP2_FLAG_NONE, id_, code);
  session_.gather();
}

void SessionStream::cancel() {
  if (!closed_) nghttp2_submit_rst_stream(session_.handle(), NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
}

Error SessionStream::closed_early() const {
  return {Errc::Closed, terms_.peer, Retry::Never, "stream closed by the peer"};
}

// --- content that goes out --------------------------------------------------------------------------------------

nghttp2_data_provider SessionStream::provider() {
  return {{.ptr = this}, read_content};
}

Task<Result<>> SessionStream::send_content(BodyReader& body, Task<Result<Chunk>> reading) {
  if (!reading.ready()) {
    session_.gather();
    return relay(body, std::move(reading));
  }
  Result<Chunk> chunk = reading.take();
  if (!chunk) return broken(std::move(chunk).error());
  if (Result<> offered = offer(*chunk, body); !offered) return broken(std::move(offered).error());
  session_.gather();
  if (complete_) return Result<>{};
  keep_pending();
  reading.reset();
  return relay(body, std::move(reading));
}

/// The chunk is its reader's again as soon as anything suspends.
void SessionStream::keep_pending() {
  rest_.assign(pending_);
  pending_ = rest_;
}

/// `reading` is under way, or invalid when a chunk has been offered.
Task<Result<>> SessionStream::relay(BodyReader& body, Task<Result<Chunk>> reading) {
  for (;;) {
    if (reading.valid()) {
      Result<Chunk> chunk = co_await reading;
      if (!chunk) co_return broken(std::move(chunk).error());
      if (Result<> offered = offer(*chunk, body); !offered) co_return broken(std::move(offered).error());
      nghttp2_session_resume_data(session_.handle(), id_);
      session_.gather();
      if (!pending_.empty()) keep_pending();
    }
    CO_TRY(co_await drained());
    if (complete_) co_return Result<>{};
    reading = body.read();
  }
}

/// Waits until all that was offered is in frames; progress restarts the clock.
Task<Result<>> SessionStream::drained() {
  while (!complete_ && (!pending_.empty() || last_offered_)) {
    if (closed_) co_return std::unexpected(closed_early());
    const rt::Deadline until = std::min(session_.reactor().after_ms(terms_.send_ms), limit_);
    const rt::Wake wake = co_await taken_.wait(until);
    if (wake == rt::Wake::TimedOut) {
      reset(NGHTTP2_CANCEL);
      co_return fail(Errc::Timeout, "timed out while sending", terms_.peer);
    }
  }
  co_return Result<>{};
}

Result<> SessionStream::offer(const Chunk& chunk, const BodyReader& body) {
  offered_ += chunk.bytes.size();
  if (announced_ && (offered_ > *announced_ || (chunk.last && offered_ != *announced_))) {
    return fail(Errc::Invalid, "content differs from its announced length", terms_.source);
  }
  pending_ = chunk.bytes;
  last_offered_ = chunk.last;
  if (chunk.last) trailers_ = body.trailers();
  return {};
}

Result<> SessionStream::broken(Error error) {
  pending_ = {};
  reset(error.code == Errc::Timeout ? NGHTTP2_CANCEL : terms_.broken);
  return std::unexpected(std::move(error));
}

ssize_t SessionStream::provide(std::size_t room, std::uint32_t& flags) {
  if (pending_.empty() && !last_offered_) return NGHTTP2_ERR_DEFERRED;
  if (session_.output_full()) {
    paused_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t octets = std::min(room, pending_.size());
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (octets == pending_.size() && last_offered_) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (submit_trailers()) flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    complete_ = true;
  }
  if (taken_.is_waited_for()) session_.needs_attention(*this);
  return static_cast<ssize_t>(octets);
}

/// True: fields follow the content.
bool SessionStream::submit_trailers() {
  if (trailers_ == nullptr) return false;
  const auto fields = trailer_fields(arena_of_fields_, *trailers_);
  if (fields.empty()) return false;
  return nghttp2_submit_trailer(session_.handle(), id_, fields.data(), fields.size()) == 0;
}

std::string_view SessionStream::take_pending(std::size_t octets) {
  const std::string_view taken = pending_.substr(0, octets);
  pending_.remove_prefix(octets);
  return taken;
}

void SessionStream::unpause() {
  if (!std::exchange(paused_, false) || closed_) return;
  nghttp2_session_resume_data(session_.handle(), id_);
}

}  // namespace sluice::http::h2
