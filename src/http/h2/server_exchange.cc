// SPDX-License-Identifier: Apache-2.0
#include "http/h2/server_exchange.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "http/h2/server_connection.h"
#include "http/h2/written_fields.h"

namespace sluice::http::h2 {

ServerExchange::ServerExchange(ServerConnection& connection, std::int32_t id, std::int64_t started_ns)
    : SessionStream(connection, id, memory, connection.options().head,
                    {.peer = Blame::Client,
                     .source = Blame::Upstream,
                     .send_ms = connection.options().send_timeout_ms,
                     .patience = connection.options().body,
                     .broken = NGHTTP2_INTERNAL_ERROR}),
      connection_(connection),
      request_(memory),
      fields_(request_, connection.options().head),
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

void ServerExchange::head_complete(bool ends_stream) {
  head_known_ = true;
  refusal_ = fields_.finish(ends_stream);
  body_.begin(request_.framing);
  auto expect = request_.headers.get(Known::Expect);
  expects_continue_ = !ends_stream && expect && same_name(*expect, "100-continue");
}

Result<> ServerExchange::before_first_wait() {
  if (!std::exchange(expects_continue_, false)) return {};
  return inform(100).take();
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
  wake_sender();
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
  if (!closed_) {
    if (!complete_) {
      reset(NGHTTP2_INTERNAL_ERROR);
    } else if (!body_.ended()) {
      reset(NGHTTP2_NO_ERROR);  // the rest of the content is not wanted: RFC 9113, 8.1
    }
  }
  connection_.needs_attention(*this);
}

// --- the response -----------------------------------------------------------------------------------------------

Task<Result<>> ServerExchange::inform(int status) {
  if (response_started_ || closed_) return Result<>{};
  const nghttp2_nv field = status_field(memory, status);
  nghttp2_submit_headers(connection_.handle(), NGHTTP2_FLAG_NONE, id_, nullptr, &field, 1, nullptr);
  connection_.gather();
  return Result<>{};
}

Task<Result<net::Stream*>> ServerExchange::switch_protocols(ResponseHead& /*head*/, std::string_view& /*early*/) {
  return Result<net::Stream*>(fail(Errc::Unsupported, "HTTP/2 has no 101", Blame::Upstream));
}

void ServerExchange::submit_head(const ResponseHead& head, Framing framing, bool has_body) {
  const auto fields = response_fields(memory, head, framing);
  connection_.keep_names_known(fields);
  const nghttp2_data_provider content = provider();
  const int failed =
      nghttp2_submit_response(connection_.handle(), id_, fields.data(), fields.size(), has_body ? &content : nullptr);
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
    complete_ = true;
    connection_.gather();
    return Result<>{};
  }
  if (framing.kind == Framing::Kind::Length) announced_ = framing.length;
  Task<Result<Chunk>> reading = body->read();
  reading.start();
  submit_head(head, framing, true);
  return send_content(*body, std::move(reading));
}

}  // namespace sluice::http::h2
