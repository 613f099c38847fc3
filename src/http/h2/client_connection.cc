// SPDX-License-Identifier: Apache-2.0
#include "http/h2/client_connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "rt/reactor.h"

namespace sluice::http::h2 {
namespace {

constexpr std::int64_t kSendTimeoutMs = 60'000;
// Requests wait and nothing at all comes: then the upstream is asked whether it is there.
constexpr std::int64_t kSilenceMs = 20'000;
constexpr std::int64_t kAnswerMs = 10'000;
// Until the upstream has said how many streams it takes, and however many it says.
constexpr std::size_t kFirstStreams = 100;
constexpr std::size_t kMostStreams = 1000;
// The largest list of fields is judged per request; this tells the upstream what is never taken.
constexpr std::uint32_t kHeaderListOctets = 64 * 1024;
// Less than this of the connection's window, and the next message goes out in pieces.
constexpr std::int32_t kWorthSending = 16 * 1024;

}  // namespace

ClientConnection::ClientConnection(std::unique_ptr<net::Stream> stream, const Options& options, Owner& owner)
    : Session(End::Client, std::move(stream), FrameBudget::of_upstream()),
      options_(options),
      owner_(owner),
      heard_ms_(reactor().clock().mono_ms()) {
  open(std::array<nghttp2_settings_entry, 3>{{
           {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
           {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
           {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderListOctets},
       }},
       kConnectionWindow);
  writing_ = write_loop();
  writing_.start();
  reading_ = live();
  reading_.start();
}

ClientConnection::~ClientConnection() {
  SLUICE_ASSERT(streams_.empty());
  closing_ = true;
  writing_.reset();
  reading_.reset();
}

std::int64_t ClientConnection::send_timeout_ms() const {
  return kSendTimeoutMs;
}

bool ClientConnection::takes_streams() const {
  if (ended_ || failed_ || leaving_ || doubtful_) return false;
  const std::size_t allowed =
      settings_seen_ ? nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
                     : kFirstStreams;
  return streams_.size() < std::min(allowed, kMostStreams) && nghttp2_session_check_request_allowed(session_) != 0;
}

bool ClientConnection::is_held_back() const {
  return output_full() || nghttp2_session_get_remote_window_size(session_) < kWorthSending;
}

void ClientConnection::add(ClientExchange& exchange) {
  enter(exchange);
  budget_.content_sent();
  if (++requests_ == options_.max_requests) leaving_ = true;
  watch();
}

void ClientConnection::release(ClientExchange& exchange) {
  leave(exchange);
  exchange.cancel();
  gather();
  if (ended_) {
    if (is_over()) owner_.connection_over();
  } else {
    watch();
  }
}

// --- what comes -------------------------------------------------------------------------------------------------

Task<void> ClientConnection::live() {
  co_await read_loop();
  ended_ = true;
  closing_ = true;  // nothing is written any more
  disarm();
  close_streams(NGHTTP2_INTERNAL_ERROR);
  settle();
  owner_.connection_over();
}

bool ClientConnection::take_input(std::string_view bytes) {
  heard_ms_ = reactor().clock().mono_ms();
  doubtful_ = false;
  receive(bytes);
  return true;
}

void ClientConnection::control_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_SETTINGS) settings_seen_ = true;
  if (frame.hd.type == NGHTTP2_GOAWAY) leaving_ = true;  // nghttp2 closes those that it did not process as refused
}

void ClientConnection::fail(std::uint32_t code, std::string_view why) {
  failed_ = true;
  static log::Counted refused(log::Level::Info, "http2.upstream_refused");
  refused.hit({{"upstream", stream_->peer().to_string()}, {"why", why}});
  nghttp2_session_terminate_session(session_, code);  // from now on nghttp2 asks no stream for content
  close_streams(code);
  ask_for_writer();
}

void ClientConnection::close_streams(std::uint32_t code) {
  for (SessionStream* stream : streams_) close(*stream, code);
}

// --- the end ----------------------------------------------------------------------------------------------------

/// Without streams a connection lasts as long as idle connections may; with streams it must not be silent for long.
void ClientConnection::watch() {
  if (ended_ || failed_ || doubtful_) return;
  const bool idle = streams_.empty();
  if (idle && leaving_) return say_goodbye();
  if (idle == idle_ && armed()) return;
  idle_ = idle;
  reactor().timers().arm(*this, reactor().after_ms(idle ? options_.idle_ms : kSilenceMs).at_ms);
}

void ClientConnection::expire() {
  if (ended_ || failed_) return;
  if (doubtful_) return hang_up();  // live() tells the streams
  if (streams_.empty()) return say_goodbye();
  const std::int64_t silent_ms = reactor().clock().mono_ms() - heard_ms_;
  if (silent_ms >= kSilenceMs && !asked_) return ask();
  reactor().timers().arm(*this, reactor().after_ms(silent_ms < kSilenceMs ? kSilenceMs - silent_ms : kSilenceMs).at_ms);
}

void ClientConnection::ask() {
  asked_ = doubtful_ = true;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  gather();
  reactor().timers().arm(*this, reactor().after_ms(kAnswerMs).at_ms);
}

void ClientConnection::doubt() {
  if (!ended_ && !failed_ && !asked_) ask();
}

/// GOAWAY, and then the end. There are no streams.
void ClientConnection::say_goodbye() {
  failed_ = true;
  disarm();
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  gather();
}

}  // namespace sluice::http::h2
