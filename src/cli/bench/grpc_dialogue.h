// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/bench/dialogue.h"

struct nghttp2_session;

namespace sluice::cli::bench {

/// gRPC calls to a method that answers each message with one message: unary, or messages of one call that stays open
/// (bidirectional streaming). HTTP/2 through nghttp2, without knowing what is in the messages.
class GrpcDialogue final : public Dialogue {
 public:
  struct Call {
    std::string scheme = "http";
    std::string authority;
    std::string path;                                               // /package.Service/Method
    std::vector<std::pair<std::string, std::string>> headers = {};  // further fields, names in lower case
    std::size_t size = 0;                                           // octets of each message
    bool stream = false;                                            // one call for all messages of a connection
  };
  explicit GrpcDialogue(Call call);
  ~GrpcDialogue() override;

  void open(std::string& out) override;
  void ask(std::uint64_t turn, std::string& out) override;
  Progress take(std::string_view octets, std::string& out) override;
  [[nodiscard]] bool was_last() const override;

  // What nghttp2 reports.
  void on_header(std::string_view name, std::string_view value);
  void on_data(std::string_view octets);
  void on_close(std::uint32_t error_code);
  /// Copies octets of the message that is being sent; sets `end` with the last of the call, `wait` when there are none.
  std::size_t give(char* into, std::size_t room, bool& end, bool& wait);

 private:
  struct FreeSession {
    void operator()(nghttp2_session* session) const;
  };
  void begin_call();
  void collect(std::string& out);

  Call call_;
  std::string message_;  // with its five octets of frame
  std::unique_ptr<nghttp2_session, FreeSession> session_;
  std::int32_t call_id_ = -1;   // of the open call
  std::size_t unsent_ = 0;      // octets of message_
  std::string prefix_;          // of the reply message that is arriving: its frame
  std::size_t reply_left_ = 0;  // octets of that message
  bool in_reply_ = false;
  std::uint32_t replies_ = 0;  // to the question that was asked
  std::string status_;         // grpc-status
  bool closed_ = false;
  std::string broken_;  // why there will be no reply
};

}  // namespace sluice::cli::bench
