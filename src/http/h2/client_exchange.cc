// SPDX-License-Identifier: Apache-2.0
#include "http/h2/client_exchange.h"

#include <algorithm>
#include <string>
#include <utility>

#include "http/h2/client_connection.h"
#include "http/h2/written_fields.h"

namespace sluice::http::h2 {
namespace {

constexpr std::size_t kMostFields = 500;

}  // namespace

ClientExchange::ClientExchange(ClientConnection& connection, Arena& arena, Limits limits)
    : SessionStream(connection, 0, arena, limits_,
                    {.peer = Blame::Upstream,
                     .source = Blame::Client,
                     .send_ms = limits.send_ms,
                     .patience = {limits.read_ms},
                     .broken = NGHTTP2_CANCEL}),
      connection_(connection),
      arena_(arena),
      limits_{.head_octets = limits.head_octets, .target_octets = 0, .method_octets = 0, .fields = kMostFields},
      read_ms_(limits.read_ms),
      window_(ClientConnection::kStreamWindow),
      head_(arena),
      fields_(head_, limits_),
      head_news_(connection.reactor()) {
  limit_ = limits.deadline;
  body_.wait_no_longer_than(limits.deadline);
}

ClientExchange::~ClientExchange() {
  if (gone_ != nullptr) *gone_ = true;
  if (id_ == 0) return;
  connection_.give_back(window_ - ClientConnection::kStreamWindow);
  connection_.release(*this);
}

// --- the request ------------------------------------------------------------------------------------------------

Task<Result<>> ClientExchange::send(const RequestHead& head, BodyReader* body) {
  auto refuse = [this](std::string what) {
    refused_ = closed_ = true;
    return Result<>(fail(Errc::Closed, std::move(what), Blame::Upstream, Retry::Safe));
  };
  if (!connection_.takes_streams()) return refuse("upstream connection takes no more requests");
  to_head_ = head.method == "HEAD";
  if (body != nullptr && !head.framing.has_body()) body = nullptr;
  if (head.framing.kind == Framing::Kind::Length) announced_ = head.framing.length;

  Task<Result<Chunk>> reading = body != nullptr ? body->read() : Result<Chunk>(Chunk{{}, true});
  reading.start();
  const auto fields = request_fields(arena_, head, connection_.scheme());
  session_.keep_names_known(fields);
  const nghttp2_data_provider source = provider();
  const std::int32_t id = nghttp2_submit_request(session_.handle(), nullptr, fields.data(), fields.size(),
                                                 body != nullptr ? &source : nullptr, nullptr);
  if (id < 0) return refuse(nghttp2_strerror(id));
  id_ = id;
  connection_.add(*this);
  if (body != nullptr) return send_content(*body, std::move(reading));
  complete_ = true;
  session_.gather();
  return Result<>{};
}

// --- the response -----------------------------------------------------------------------------------------------

bool ClientExchange::add_field(std::string_view name, std::string_view value) {
  fields_.add(name, value);
  return !fields_.is_abusive();
}

void ClientExchange::head_complete(bool ends_stream) {
  connection_.note_activity();
  switch (fields_.finish(ends_stream)) {
    case ResponseFields::Kind::Interim:
      return;
    case ResponseFields::Kind::Malformed:
      malformed_ = true;
      return reset(NGHTTP2_PROTOCOL_ERROR);
    case ResponseFields::Kind::Final:
      head_known_ = true;
      has_content_ = !ends_stream && !to_head_ && may_have_content(head_.status);
      body_.begin(head_.framing);
  }
}

void ClientExchange::content(std::string_view bytes) {
  connection_.note_activity();
  nghttp2_session_consume_connection(session_.handle(), bytes.size());
  SessionStream::content(bytes);
}

/// Reads have emptied a whole window without falling behind: the window may be what keeps the upstream waiting, as it
/// does wherever more than that is under way at a time.
void ClientExchange::widen_window(std::size_t octets) {
  if (window_ == ClientConnection::kLargestStreamWindow || body_.ended()) return;
  if (body_.held() != 0 || octets > static_cast<std::size_t>(window_) / 2) {
    read_since_ = 0;
    return;
  }
  read_since_ += static_cast<std::int32_t>(octets);  // never more than the window
  if (read_since_ < window_) return;
  read_since_ = 0;
  if (!connection_.lend(window_)) return;
  window_ *= 2;
  nghttp2_session_set_local_window_size(session_.handle(), NGHTTP2_FLAG_NONE, id_, window_);
}

void ClientExchange::consumed(std::size_t octets) {
  if (closed_) return;
  nghttp2_session_consume_stream(session_.handle(), id_, octets);
  widen_window(octets);
  session_.gather();
}

void ClientExchange::closed(std::uint32_t code) {
  SessionStream::closed(code);
  close_code_ = code;
  refused_ = code == NGHTTP2_REFUSED_STREAM && !head_known_;
}

Error ClientExchange::closed_early() const {
  if (malformed_) return {Errc::Invalid, Blame::Upstream, Retry::Never, std::string("upstream: ") + fields_.why()};
  if (refused_) return {Errc::Closed, Blame::Upstream, Retry::Safe, "upstream refused the stream"};
  return {Errc::Closed, Blame::Upstream, received_ == 0 ? Retry::Safe : Retry::Never,
          std::string("upstream ended the stream: ") + nghttp2_http2_strerror(close_code_)};
}

void ClientExchange::attend() {
  bool gone = false;
  gone_ = &gone;
  if (head_news_.is_waited_for() && (head_known_ || malformed_ || closed_)) head_news_.wake();
  if (!gone) body_.wake();
  if (!gone) wake_sender();
  if (!gone) gone_ = nullptr;
}

std::optional<Result<>> ClientExchange::answer(ResponseHead& head) {
  if (head_known_) {
    head = std::move(head_);
    return Result<>{};
  }
  if (malformed_ || closed_) return std::unexpected(closed_early());
  return std::nullopt;
}

Task<Result<>> ClientExchange::receive(ResponseHead& head) {
  if (auto now = answer(head)) return std::move(*now);
  return wait_and_receive(head);
}

/// While the upstream takes content it owes no answer.
Task<Result<>> ClientExchange::wait_and_receive(ResponseHead& head) {
  rt::Reactor& reactor = session_.reactor();
  for (;;) {
    const std::uint64_t sent_before = sent_;
    const rt::Deadline until = std::min(reactor.after_ms(read_ms_), limit_);
    const rt::Wake wake = co_await head_news_.wait(until);
    if (auto now = answer(head)) co_return std::move(*now);
    if (wake == rt::Wake::TimedOut && (sent_ == sent_before || limit_.passed(reactor.clock()))) break;
  }
  timed_out();
  // The client's own deadline says nothing about the upstream.
  co_return fail(Errc::Timeout, "upstream did not answer in time",
                 limit_.passed(reactor.clock()) ? Blame::Client : Blame::Upstream);
}

/// Either this request is slow or nobody is there any more. A deadline of the client's tells nothing of that.
void ClientExchange::timed_out() {
  if (!limit_.passed(session_.reactor().clock())) connection_.doubt();
}

}  // namespace sluice::http::h2
