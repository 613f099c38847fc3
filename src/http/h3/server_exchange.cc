// SPDX-License-Identifier: Apache-2.0
#include "http/h3/server_exchange.h"

#include <exception>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "http/h2/written_fields.h"
#include "http/h3/server_connection.h"
#include "http/h3/written_fields.h"

namespace sluice::http::h3 {
namespace {

// Of a response that the client has not acknowledged: each one may have so much kept, and more while all of them
// together do not have too much.
constexpr std::size_t kKeptAlways = 64 * 1024;
constexpr std::size_t kMostKept = 1024 * 1024;
constexpr std::size_t kMostKeptByAll = 4 * 1024 * 1024;

nghttp3_ssize read_content(nghttp3_conn*, std::int64_t id, nghttp3_vec* parts, std::size_t count, std::uint32_t* flags,
                           void* connection, void*) {
  ServerExchange* exchange = static_cast<ServerConnection*>(connection)->find(id);
  return exchange != nullptr ? exchange->provide({parts, count}, *flags) : NGHTTP3_ERR_WOULDBLOCK;
}

}  // namespace

ServerExchange::ServerExchange(ServerConnection& connection, std::int64_t id, std::int64_t started_ns)
    : connection_(connection),
      id_(id),
      request_(memory),
      fields_(request_, connection.options().head),
      body_(*this, connection.reactor(), memory, connection.options().body, Blame::Client),
      started_ns_(started_ns),
      taken_(connection.reactor()) {}

rt::Reactor& ServerExchange::reactor() const {
  return connection_.reactor();
}
const ConnectionInfo& ServerExchange::connection() const {
  return connection_.info();
}
void ServerExchange::close_after_response() {
  connection_.drain(Idle::Keep);
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
  request_.version = Version::Http3;
  body_.begin(request_.framing);
  auto expect = request_.headers.get(Known::Expect);
  expects_continue_ = !ends_stream && expect && same_name(*expect, "100-continue");
}

Result<> ServerExchange::before_first_wait() {
  if (!std::exchange(expects_continue_, false)) return {};
  return inform(100).take();
}

void ServerExchange::consumed(std::size_t octets) {
  connection_.consumed(*this, octets);
}

bool ServerExchange::is_held_back() const {
  return connection_.is_window_full();
}

std::int64_t ServerExchange::held_back_ms() const {
  return connection_.held_back_ms();
}

void ServerExchange::closed() {
  closed_ = true;
  body_.close();
}

void ServerExchange::reset(std::uint64_t code) {
  if (closed_ || std::exchange(reset_, true)) return;
  connection_.give_up(id_, code);
}

// --- the handler ------------------------------------------------------------------------------------------------

void ServerExchange::attend() {
  if (!started_) {
    if (!head_known_ || closed_ || reset_) return;
    started_ = true;
    work_ = live();
    work_.start();
    return;
  }
  if (cancelled_) {
    work_ = Task<void>::done();
    finished_ = true;
    return;
  }
  body_.wake();
  if (taken_.is_waited_for() && (closed_ || reset_ || may_go_on())) taken_.wake();
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
  // Who waits for leave to send will not get it.
  if (complete_ && !expects_continue_) co_await body_.discard_rest();
  finish();
}

/// The handler is done: what it left open is closed.
void ServerExchange::finish() {
  finished_ = true;
  if (!closed_ && !complete_) {
    reset(NGHTTP3_H3_INTERNAL_ERROR);
  } else if (!closed_ && !body_.ended()) {
    connection_.stop_reading(id_);  // the rest of the content is not wanted: RFC 9114, 4.1
  }
  connection_.needs_attention(*this);
}

// --- the response -----------------------------------------------------------------------------------------------

Task<Result<>> ServerExchange::inform(int status) {
  if (response_started_ || closed_ || reset_) return Result<>{};
  const nghttp2_nv field = h2::status_field(memory, status);
  const auto fields = as_http3(memory, {&field, 1});
  ::nghttp3_conn_submit_info(connection_.session(), id_, fields.data(), fields.size());
  connection_.ask_to_send();
  return Result<>{};
}

Task<Result<net::Stream*>> ServerExchange::switch_protocols(ResponseHead& /*head*/, std::string_view& /*early*/) {
  return Result<net::Stream*>(fail(Errc::Unsupported, "HTTP/3 has no 101", Blame::Upstream));
}

Result<> ServerExchange::submit_head(const ResponseHead& head, Framing framing, bool has_body) {
  const auto fields = as_http3(memory, h2::response_fields(memory, head, framing));
  const nghttp3_data_reader content{read_content};
  const int failed = closed_ || reset_ ? NGHTTP3_ERR_STREAM_NOT_FOUND
                                       : ::nghttp3_conn_submit_response(connection_.session(), id_, fields.data(),
                                                                        fields.size(), has_body ? &content : nullptr);
  if (failed == 0) return {};
  reset(NGHTTP3_H3_INTERNAL_ERROR);
  return fail(Errc::Closed, "stream closed by the peer", Blame::Client);
}

Task<Result<>> ServerExchange::respond(ResponseHead& head, BodyReader* body) {
  SLUICE_ASSERT(!response_started_);
  response_started_ = true;
  body_.patience().drop_rate();
  if (request_.method == "HEAD" || !h2::may_have_content(head.status)) body = nullptr;
  const Framing framing = h2::response_framing(head, body != nullptr, request_.method);
  if (body == nullptr) {
    if (Result<> submitted = submit_head(head, framing, false); !submitted) return submitted;
    complete_ = true;
    connection_.ask_to_send();
    return Result<>{};
  }
  if (framing.kind == Framing::Kind::Length) announced_ = framing.length;
  Task<Result<Chunk>> reading = body->read();
  reading.start();
  if (Result<> submitted = submit_head(head, framing, true); !submitted) return submitted;
  connection_.ask_to_send();
  return send_content(*body, std::move(reading));
}

/// `reading` is the first read(), begun before the head was submitted, so that both may leave together.
Task<Result<>> ServerExchange::send_content(BodyReader& body, Task<Result<Chunk>> reading) {
  for (;;) {
    Result<Chunk> chunk = co_await reading;
    Result<> offered = chunk ? offer(*chunk, body) : Result<>(std::unexpected(std::move(chunk).error()));
    if (!offered) {
      reset(offered.error().code == Errc::Timeout ? NGHTTP3_H3_REQUEST_CANCELLED : NGHTTP3_H3_INTERNAL_ERROR);
      co_return offered;
    }
    CO_TRY(co_await wait_for_client());
    if (last_offered_) co_return Result<>{};
    reading = body.read();
  }
}

Result<> ServerExchange::offer(const Chunk& chunk, const BodyReader& body) {
  if (closed_ || reset_) return fail(Errc::Closed, "stream closed by the peer", Blame::Client);
  offered_ += chunk.bytes.size();
  if (announced_ && (offered_ > *announced_ || (chunk.last && offered_ != *announced_))) {
    return fail(Errc::Invalid, "content differs from its announced length", Blame::Upstream);
  }
  content_.append(chunk.bytes);
  connection_.keep(chunk.bytes.size());
  last_offered_ = chunk.last;
  if (chunk.last) trailers_ = body.trailers();
  ::nghttp3_conn_resume_stream(connection_.session(), id_);
  connection_.ask_to_send();
  return {};
}

bool ServerExchange::has_room() const {
  const std::size_t held = content_.held();
  return held < kKeptAlways || (held < kMostKept && connection_.kept() < kMostKeptByAll);
}

/// Until there is room for more, or all of it is on its way; each octet that the client takes restarts the clock.
Task<Result<>> ServerExchange::wait_for_client() {
  while (!may_go_on()) {
    if (closed_ || reset_) co_return fail(Errc::Closed, "stream closed by the peer", Blame::Client);
    const std::uint64_t before = sent_ + offered_ - content_.held();
    const rt::Wake wake = co_await taken_.wait(reactor().after_ms(connection_.options().send_timeout_ms));
    if (wake != rt::Wake::TimedOut || sent_ + offered_ - content_.held() != before) continue;
    reset(NGHTTP3_H3_REQUEST_CANCELLED);
    co_return fail(Errc::Timeout, "timed out while sending", Blame::Client);
  }
  co_return Result<>{};
}

nghttp3_ssize ServerExchange::provide(std::span<nghttp3_vec> parts, std::uint32_t& flags) {
  if (closed_ || reset_) return NGHTTP3_ERR_WOULDBLOCK;  // what trailers_ names may be gone
  const std::size_t before = content_.unoffered();
  const std::size_t count = content_.offer(parts);
  content_sent_ += before - content_.unoffered();
  if (last_offered_ && content_.unoffered() == 0) {
    flags |= NGHTTP3_DATA_FLAG_EOF;
    if (submit_trailers()) flags |= NGHTTP3_DATA_FLAG_NO_END_STREAM;
    complete_ = true;
  } else if (count == 0) {
    return NGHTTP3_ERR_WOULDBLOCK;
  }
  return static_cast<nghttp3_ssize>(count);
}

/// True: fields follow the content.
bool ServerExchange::submit_trailers() {
  if (trailers_ == nullptr) return false;
  const auto fields = as_http3(memory, h2::trailer_fields(memory, *trailers_));
  if (fields.empty()) return false;
  return ::nghttp3_conn_submit_trailers(connection_.session(), id_, fields.data(), fields.size()) == 0;
}

void ServerExchange::acknowledged(std::uint64_t octets) {
  const std::size_t before = content_.held();
  content_.acknowledge(octets);
  connection_.release(before - content_.held());
}

}  // namespace sluice::http::h3
