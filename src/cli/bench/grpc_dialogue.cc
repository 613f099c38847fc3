// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/grpc_dialogue.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <nghttp2/nghttp2.h>

namespace sluice::cli::bench {
namespace {

constexpr std::size_t kFrame = 5;          // octets before each message: compressed or not, length
constexpr std::int32_t kWindow = 1 << 20;  // octets that may come unasked

std::string_view text(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  nghttp2_nv out{};
  out.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  out.namelen = name.size();
  out.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  out.valuelen = value.size();
  return out;
}

GrpcDialogue& self(void* user) {
  return *static_cast<GrpcDialogue*>(user);
}

ssize_t read_message(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
                     nghttp2_data_source* source, void*) {
  bool end = false;
  bool wait = false;
  const std::size_t given = self(source->ptr).give(reinterpret_cast<char*>(into), room, end, wait);
  if (wait) return NGHTTP2_ERR_DEFERRED;
  if (end) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(given);
}

nghttp2_session* new_session(GrpcDialogue* dialogue) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
        self(user).on_header(text(name, name_size), text(value, value_size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks,
      [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size, void* user) {
        self(user).on_data(text(data, size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t, std::uint32_t error_code, void* user) {
        self(user).on_close(error_code);
        return 0;
      });
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks, dialogue);
  nghttp2_session_callbacks_del(callbacks);
  return session;
}

}  // namespace

void GrpcDialogue::FreeSession::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

GrpcDialogue::GrpcDialogue(Call call) : call_(std::move(call)), message_(kFrame + call_.size, 'x') {
  message_[0] = 0;
  for (std::size_t i = 0; i < 4; ++i) message_[1 + i] = static_cast<char>(call_.size >> (8 * (3 - i)) & 0xff);
}

GrpcDialogue::~GrpcDialogue() = default;

void GrpcDialogue::open(std::string& out) {
  session_.reset(new_session(this));
  call_id_ = -1;
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}}};
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, kWindow);
  collect(out);
}

void GrpcDialogue::ask(std::uint64_t, std::string& out) {
  unsent_ = message_.size();
  replies_ = 0;
  if (call_id_ < 0)
    begin_call();
  else
    nghttp2_session_resume_data(session_.get(), call_id_);
  collect(out);
}

void GrpcDialogue::begin_call() {
  prefix_.clear();
  in_reply_ = false;
  status_.clear();
  broken_.clear();
  closed_ = false;
  std::vector<nghttp2_nv> fields = {header(":method", "POST"),
                                    header(":scheme", call_.scheme),
                                    header(":authority", call_.authority),
                                    header(":path", call_.path),
                                    header("content-type", "application/grpc"),
                                    header("te", "trailers")};
  for (const auto& [name, value] : call_.headers) fields.push_back(header(name, value));
  nghttp2_data_provider content{};
  content.source.ptr = this;
  content.read_callback = read_message;
  call_id_ = nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), &content, nullptr);
}

std::size_t GrpcDialogue::give(char* into, std::size_t room, bool& end, bool& wait) {
  if (unsent_ == 0) {
    wait = true;
    return 0;
  }
  const std::size_t count = std::min(room, unsent_);
  std::memcpy(into, message_.data() + (message_.size() - unsent_), count);
  unsent_ -= count;
  end = unsent_ == 0 && !call_.stream;
  return count;
}

void GrpcDialogue::collect(std::string& out) {
  for (;;) {
    const std::uint8_t* octets = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &octets);
    if (size <= 0) return;
    out += text(octets, static_cast<std::size_t>(size));
  }
}

Dialogue::Progress GrpcDialogue::take(std::string_view octets, std::string& out) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(octets.data());
  if (const ssize_t used = nghttp2_session_mem_recv(session_.get(), data, octets.size()); used < 0)
    return failed(std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(used)));
  collect(out);
  if (!broken_.empty()) return failed(broken_);
  if (was_last() && !closed_) return failed("the server speaks no HTTP/2, or ended it");
  if (replies_ > 1) return failed("more than one message in reply to one");
  if (call_.stream && !closed_) return replies_ == 1 ? Progress::Done : Progress::Pending;
  if (!closed_) return Progress::Pending;
  call_id_ = -1;
  if (status_ != "0") return failed("grpc-status " + (status_.empty() ? "is missing" : status_));
  return replies_ == 1 ? Progress::Done : failed("the call ended without a message");
}

bool GrpcDialogue::was_last() const {
  return nghttp2_session_want_read(session_.get()) == 0;
}

void GrpcDialogue::on_header(std::string_view name, std::string_view value) {
  if (name == "grpc-status") status_ = value;
  if (name == ":status" && value != "200" && broken_.empty()) broken_ = "answered " + std::string(value);
}

void GrpcDialogue::on_data(std::string_view octets) {
  while (!octets.empty()) {
    if (!in_reply_) {
      const std::size_t wanted = std::min(kFrame - prefix_.size(), octets.size());
      prefix_ += octets.substr(0, wanted);
      octets.remove_prefix(wanted);
      if (prefix_.size() < kFrame) return;
      reply_left_ = 0;
      for (std::size_t i = 1; i < kFrame; ++i) reply_left_ = reply_left_ << 8 | static_cast<std::uint8_t>(prefix_[i]);
      in_reply_ = true;
    }
    const std::size_t taken = std::min(reply_left_, octets.size());
    reply_left_ -= taken;
    octets.remove_prefix(taken);
    if (reply_left_ > 0) return;
    ++replies_;
    in_reply_ = false;
    prefix_.clear();
  }
}

void GrpcDialogue::on_close(std::uint32_t error_code) {
  closed_ = true;
  if (error_code != NGHTTP2_NO_ERROR && broken_.empty())
    broken_ = std::string("the call was reset: ") + nghttp2_http2_strerror(error_code);
}

}  // namespace sluice::cli::bench
