// SPDX-License-Identifier: Apache-2.0
#include "http/h2/server_exchange.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "http/h2/response_fields.h"
#include "http/h2/server_connection.h"

namespace sluice::http::h2 {
namespace {

// What is received and thrown away behind an answer that did not wait for it.
constexpr std::size_t kDiscardOctets = 32 * 1024 * 1024;
constexpr std::int64_t kDiscardMs = 2'000;

ssize_t read_content(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t room, std::uint32_t* flags,
                     nghttp2_data_source* source, void*) {
  return static_cast<ServerExchange*>(source->ptr)->provide(room, *flags);
}

}  // namespace

ServerExchange::ServerExchange(ServerConnection& connection, std::int32_t id, std::int64_t started_ns)
    : connection_(connection),
      id_(id),
      request_(arena_),
      fields_(request_, connection.options().head),
      body_(*this, connection.reactor(), arena_, connection.options().body),
      taken_(connection.reactor()),
      started_ns_(started_ns) {}

rt::Reactor& ServerExchange::reactor() const {
  return connection_.reactor();
}
const ConnectionInfo& ServerExchange::connection() const {
  return connection_.info();
}
void ServerExchange::close_after_response() {
  connection_.drain();
}

// --- the request ------------------------------------------------------------------------------------------------

bool ServerExchange::add_field(std::string_view name, std::string_view value) {
  fields_.add(name, value);
  return !fields_.is_abusive();
}

bool ServerExchange::add_trailer(std::string_view name, std::string_view value) {
  return h2::add_trailer(body_.trailer_fields(), name, value, connection_.options().head);
}

void ServerExchange::head_complete(bool ends_stream) {
  head_known_ = true;
  refusal_ = fields_.finish(ends_stream);
  body_.begin(request_.framing);
  auto expect = request_.headers.get(Known::Expect);
  expects_continue_ = !ends_stream && expect && same_name(*expect, "100-continue");
}

void ServerExchange::closed() {
  closed_ = true;
  body_.close();
}

Result<> ServerExchange::before_first_wait() {
  if (!std::exchange(expects_continue_, false)) return {};
  return inform(100).take();
}

void ServerExchange::consumed(std::size_t octets) {
  nghttp2_session_consume(connection_.session(), id_, octets);
  connection_.gather();
}

bool ServerExchange::is_held_back() const {
  return connection_.is_window_full();
}

std::int64_t ServerExchange::held_back_ms() const {
  return connection_.held_back_ms();
}

// --- the handler ------------------------------------------------------------------------------------------------

void ServerExchange::attend() {
  if (!started_) {
    if (!head_known_ || closed_) return;
    started_ = true;
    work_ = live();
    work_.start();
    return;
  }
  body_.wake();
  if (taken_.is_waited_for()) taken_.wake();
}

Task<void> ServerExchange::live() {
  try {
    if (refusal_) {
      co_await connection_.handler().refuse(*this, refusal_.status, refusal_.why);
    } else {
      co_await connection_.handler().handle(*this);
    }
  } catch (const std::exception& error) {
    log::error("request.failed", {{"error", error.what()}});
  }
  if (response_complete_) co_await discard_rest();
  finish();
}

/// Gives a client that is still sending a little time to finish: some take RST_STREAM behind a whole answer for a
/// failure and lose the answer.
Task<void> ServerExchange::discard_rest() {
  if (expects_continue_) co_return;  // it waits for leave to send, and will not get it
  body_.patience().set_pause(kDiscardMs);
  const rt::Deadline deadline = reactor().after_ms(kDiscardMs);
  body_.wait_no_longer_than(deadline);
  std::size_t discarded = 0;
  while (!closed_ && !body_.ended() && discarded < kDiscardOctets && !deadline.passed(reactor().clock())) {
    Result<Chunk> chunk = co_await body_.read();
    if (!chunk) break;
    discarded += chunk->bytes.size();
  }
}

/// The handler is done: what it left open is closed.
void ServerExchange::finish() {
  finished_ = true;
  if (!closed_) {
    if (!response_complete_) {
      reset(NGHTTP2_INTERNAL_ERROR);
    } else if (!body_.ended()) {
      reset(NGHTTP2_NO_ERROR);  // the rest of the content is not wanted: RFC 9113, 8.1
    }
  }
  connection_.needs_attention(*this);
}

void ServerExchange::reset(std::uint32_t code) {
  if (closed_) return;
  reset_by_us_ = true;
  nghttp2_submit_rst_stream(connection_.session(), NGHTTP2_FLAG_NONE, id_, code);
  connection_.gather();
}

// --- the response -----------------------------------------------------------------------------------------------

Task<Result<>> ServerExchange::inform(int status) {
  if (response_started_ || closed_) return Result<>{};
  const nghttp2_nv field = status_field(arena_, status);
  nghttp2_submit_headers(connection_.session(), NGHTTP2_FLAG_NONE, id_, nullptr, &field, 1, nullptr);
  connection_.gather();
  return Result<>{};
}

Task<Result<net::Stream*>> ServerExchange::switch_protocols(ResponseHead& /*head*/, std::string_view& /*early*/) {
  return Result<net::Stream*>(fail(Errc::Unsupported, "HTTP/2 has no 101", Blame::Upstream));
}

void ServerExchange::submit_head(const ResponseHead& head, Framing framing, bool has_body) {
  const auto fields = response_fields(arena_, head, framing);
  nghttp2_data_provider content{{.ptr = this}, read_content};
  const int failed =
      nghttp2_submit_response(connection_.session(), id_, fields.data(), fields.size(), has_body ? &content : nullptr);
  if (failed != 0) reset(NGHTTP2_INTERNAL_ERROR);
}

Task<Result<>> ServerExchange::respond(ResponseHead& head, BodyReader* body) {
  SLUICE_ASSERT(!response_started_);
  response_started_ = true;
  body_.patience().drop_rate();
  if (request_.method == "HEAD" || !may_have_content(head.status)) body = nullptr;
  const Framing framing = response_framing(head, body != nullptr, request_.method);
  if (body == nullptr) {
    submit_head(head, framing, false);
    response_complete_ = true;
    connection_.gather();
    return Result<>{};
  }
  if (framing.kind == Framing::Kind::Length) announced_ = framing.length;
  Task<Result<Chunk>> reading = body->read();
  reading.start();
  submit_head(head, framing, true);
  if (!reading.ready()) {
    connection_.gather();
    return relay(*body, std::move(reading));
  }
  Result<Chunk> chunk = reading.take();
  if (!chunk) return broken(std::move(chunk).error());
  if (Result<> offered = offer(*chunk, *body); !offered) return broken(std::move(offered).error());
  connection_.gather();
  if (response_complete_) return Result<>{};
  rest_.assign(pending_);  // the chunk is the reader's again as soon as anything suspends
  pending_ = rest_;
  reading.reset();
  return relay(*body, std::move(reading));
}

/// `reading` is under way, or invalid when a chunk has been offered.
Task<Result<>> ServerExchange::relay(BodyReader& body, Task<Result<Chunk>> reading) {
  for (;;) {
    if (reading.valid()) {
      Result<Chunk> chunk = co_await reading;
      if (!chunk) co_return broken(std::move(chunk).error());
      if (Result<> offered = offer(*chunk, body); !offered) co_return broken(std::move(offered).error());
      nghttp2_session_resume_data(connection_.session(), id_);
      connection_.gather();
      if (!pending_.empty()) {
        rest_.assign(pending_);
        pending_ = rest_;
      }
    }
    CO_TRY(co_await drained());
    if (response_complete_) co_return Result<>{};
    reading = body.read();
  }
}

/// Waits until all that was offered is in frames; progress restarts the clock.
Task<Result<>> ServerExchange::drained() {
  while (!response_complete_ && (!pending_.empty() || last_offered_)) {
    if (closed_) co_return fail(Errc::Closed, "stream closed by the client", Blame::Client);
    const rt::Wake wake = co_await taken_.wait(reactor().after_ms(connection_.options().send_timeout_ms));
    if (wake == rt::Wake::TimedOut) {
      reset(NGHTTP2_CANCEL);
      co_return fail(Errc::Timeout, "timed out while sending", Blame::Client);
    }
  }
  co_return Result<>{};
}

Result<> ServerExchange::offer(const Chunk& chunk, const BodyReader& body) {
  offered_ += chunk.bytes.size();
  if (announced_ && (offered_ > *announced_ || (chunk.last && offered_ != *announced_))) {
    return fail(Errc::Invalid, "content differs from its announced length", Blame::Upstream);
  }
  pending_ = chunk.bytes;
  last_offered_ = chunk.last;
  if (chunk.last) trailers_ = body.trailers();
  return {};
}

Result<> ServerExchange::broken(Error error) {
  pending_ = {};
  reset(NGHTTP2_INTERNAL_ERROR);
  return std::unexpected(std::move(error));
}

ssize_t ServerExchange::provide(std::size_t room, std::uint32_t& flags) {
  if (pending_.empty() && !last_offered_) return NGHTTP2_ERR_DEFERRED;
  if (connection_.output_full()) {
    paused_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t octets = std::min(room, pending_.size());
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (octets == pending_.size() && last_offered_) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (submit_trailers()) flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    response_complete_ = true;
  }
  if (taken_.is_waited_for()) connection_.needs_attention(*this);
  return static_cast<ssize_t>(octets);
}

/// True: fields follow the content.
bool ServerExchange::submit_trailers() {
  if (trailers_ == nullptr) return false;
  const auto fields = trailer_fields(arena_, *trailers_);
  if (fields.empty()) return false;
  return nghttp2_submit_trailer(connection_.session(), id_, fields.data(), fields.size()) == 0;
}

std::string_view ServerExchange::take_pending(std::size_t octets) {
  const std::string_view taken = pending_.substr(0, octets);
  pending_.remove_prefix(octets);
  return taken;
}

void ServerExchange::unpause() {
  if (!std::exchange(paused_, false) || closed_) return;
  nghttp2_session_resume_data(connection_.session(), id_);
}

}  // namespace sluice::http::h2
