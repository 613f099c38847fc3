// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/h2/client_exchange.h"
#include "http/h2/session.h"
#include "net/stream.h"
#include "rt/timer_wheel.h"

namespace sluice::http::h2 {

/// A connection to an upstream that carries many requests at a time. It ends by itself: when the upstream says goodbye
/// or goes, when it has been idle for too long, when it has carried as many requests as it may, or when nobody answers
/// any more (PING).
class ClientConnection final : public Session, private rt::Timer {
 public:
  /// A slow reader of a response costs at most this much memory.
  static constexpr std::int32_t kStreamWindow = 128 * 1024;
  /// One that has kept up so far, over a path that may hold more than that, up to this much; together no more than
  /// kMostLent beyond kStreamWindow each.
  static constexpr std::int32_t kLargestStreamWindow = 1024 * 1024;
  static constexpr std::int32_t kMostLent = 8 * 1024 * 1024;
  static constexpr std::int32_t kConnectionWindow = 16 * 1024 * 1024;

  struct Options {
    std::int64_t idle_ms;
    std::uint64_t max_requests;  // in all; 0: no limit
  };
  struct Owner {
    /// is_over() may hold from now on. Must not destroy the connection before this has returned to the reactor.
    virtual void connection_over() = 0;

   protected:
    ~Owner() = default;
  };

  /// `stream` is connected (and past its TLS handshake). `owner` outlives the connection.
  ClientConnection(std::unique_ptr<net::Stream> stream, const Options& options, Owner& owner);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection() override;

  /// Another request can be sent at once.
  [[nodiscard]] bool takes_streams() const;
  /// Content sent now would wait: for the upstream's window on the whole connection, or for the socket.
  [[nodiscard]] bool is_held_back() const;
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  /// Of no use to anybody: may be destroyed, but not while one of its own calls is on the stack.
  [[nodiscard]] bool is_over() const { return ended_ && streams_.empty(); }

  // For exchanges.
  [[nodiscard]] std::string_view scheme() const { return stream_->is_plain() ? "http" : "https"; }
  void add(ClientExchange& exchange);
  /// The exchange is being destroyed.
  void release(ClientExchange& exchange);
  /// `octets` more of memory for the window of one stream, if there is so much; give_back() when the stream ends.
  [[nodiscard]] bool lend(std::int32_t octets) {
    if (octets > kMostLent - lent_) return false;
    lent_ += octets;
    return true;
  }
  void give_back(std::int32_t octets) { lent_ -= octets; }
  /// Something of a request has come.
  void note_activity() { asked_ = false; }
  /// A request waited in vain: asks whether anybody is there, and takes no requests until an answer comes.
  void doubt();

 private:
  void control_frame(const nghttp2_frame& frame) override;
  bool take_input(std::string_view bytes) override;
  void attend(SessionStream& stream) override { static_cast<ClientExchange&>(stream).attend(); }
  void settled() override { watch(); }
  void fail(std::uint32_t code, std::string_view why) override;
  [[nodiscard]] bool has_failed() const override { return failed_; }
  void finished() override { hang_up(); }
  [[nodiscard]] std::int64_t send_timeout_ms() const override;

  Task<void> live();
  void close_streams(std::uint32_t code);
  void say_goodbye();
  void ask();
  void watch();
  void expire() override;

  const Options options_;
  Owner& owner_;
  std::uint64_t requests_ = 0;
  std::int32_t lent_ = 0;  // octets
  std::int64_t heard_ms_;  // when something came last
  bool settings_seen_ = false;
  bool leaving_ = false;  // no more requests: the upstream said so, or there were enough
  bool failed_ = false;
  bool ended_ = false;
  bool idle_ = false;
  bool asked_ = false;     // a PING since a request last moved: not another one, some upstreams count them
  bool doubtful_ = false;  // asked, and nothing has come since
  Task<void> reading_ = Task<void>::done();
  Task<void> writing_ = Task<void>::done();
};

}  // namespace sluice::http::h2
