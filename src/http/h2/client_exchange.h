// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/client_stream.h"
#include "http/h2/response_fields.h"
#include "http/h2/session_stream.h"
#include "http/message.h"
#include "rt/waiter.h"

namespace sluice::http::h2 {

class ClientConnection;

/// One request on a connection to an upstream that carries many. The connection outlives it. Destroyed before both
/// directions have ended, it tells the upstream so (RST_STREAM, CANCEL).
class ClientExchange final : public ClientStream, public SessionStream {
 public:
  /// What an upstream may take, in milliseconds and octets; see h1::ClientExchange::Limits.
  struct Limits {
    std::int64_t send_ms;
    std::int64_t read_ms;
    std::size_t head_octets = 56 * 1024;
    rt::Deadline deadline = rt::Deadline::never();  // of the exchange as a whole
  };
  /// What has been received lies in `arena`.
  ClientExchange(ClientConnection& connection, Arena& arena, Limits limits);
  ClientExchange(const ClientExchange&) = delete;
  ClientExchange& operator=(const ClientExchange&) = delete;
  ~ClientExchange() override;

  Task<Result<>> send(const RequestHead& head, BodyReader* body) override;
  Task<Result<>> receive(ResponseHead& head) override;
  [[nodiscard]] BodyReader* body() override { return has_content_ ? &body_ : nullptr; }
  [[nodiscard]] bool received_anything() const override { return received_ != 0; }
  [[nodiscard]] bool reusable() const override { return false; }  // its connection is nobody's to put back
  [[nodiscard]] bool was_refused() const override { return refused_; }
  [[nodiscard]] net::Stream* take_tunnel(std::string_view& /*early*/) override { return nullptr; }

  // Told by the session.

  [[nodiscard]] bool add_field(std::string_view name, std::string_view value) override;
  void head_complete(bool ends_stream) override;
  void content(std::string_view bytes) override;
  void closed(std::uint32_t code) override;

  // Told by the connection.

  /// Resumes what waits for news; may destroy this.
  void attend();

 private:
  Result<> before_first_wait() override { return {}; }
  void widen_window(std::size_t octets);
  void consumed(std::size_t octets) override;
  // What has come is credited to the connection at once: a slow client holds back its own stream and no other.
  [[nodiscard]] bool is_held_back() const override { return false; }
  [[nodiscard]] std::int64_t held_back_ms() const override { return 0; }
  void timed_out() override;
  [[nodiscard]] Error closed_early() const override;

  [[nodiscard]] std::optional<Result<>> answer(ResponseHead& head);
  Task<Result<>> wait_and_receive(ResponseHead& head);

  ClientConnection& connection_;
  Arena& arena_;
  h1::HeadLimits limits_;
  std::int64_t read_ms_;
  std::int32_t window_;          // octets that the upstream may send ahead
  std::int32_t read_since_ = 0;  // octets, at this size of the window
  ResponseHead head_;
  ResponseFields fields_;
  rt::Waiter head_news_;
  std::uint32_t close_code_ = NGHTTP2_NO_ERROR;
  bool to_head_ = false;  // the request is HEAD
  bool has_content_ = false;
  bool malformed_ = false;
  bool refused_ = false;
  bool* gone_ = nullptr;  // told when this is destroyed
};

}  // namespace sluice::http::h2
