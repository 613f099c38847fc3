// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/ip.h"
#include "http/body.h"
#include "http/server_stream.h"

namespace sluice::gateway {

/// A request that lies in memory, from 192.0.2.7 to port 8000, for tests and fuzzers. Its head is for them to parse;
/// the text that it is parsed from outlives it.
class Received final : public http::ServerStream {
 public:
  explicit Received(rt::Reactor& reactor) : reactor_(reactor), head_(arena_) {
    connection_.peer = net::Address(*IpAddress::parse("192.0.2.7"), 40'000);
    connection_.local = net::Address(*IpAddress::parse("192.0.2.1"), 8000);
  }
  [[nodiscard]] rt::Reactor& reactor() const override { return reactor_; }
  [[nodiscard]] Arena& arena() override { return arena_; }
  [[nodiscard]] http::RequestHead& request() override { return head_; }
  [[nodiscard]] http::BodyReader* body() override { return head_.framing.has_body() ? &content_ : nullptr; }
  [[nodiscard]] const http::ConnectionInfo& connection() const override { return connection_; }
  [[nodiscard]] std::int64_t started_ns() const override { return 0; }
  Task<Result<>> respond(http::ResponseHead& /*head*/, http::BodyReader* /*body*/) override { return Result<>{}; }
  Task<Result<>> inform(int /*status*/) override { return Result<>{}; }
  Task<Result<net::Stream*>> switch_protocols(http::ResponseHead& /*head*/, std::string_view& /*early*/) override {
    return Result<net::Stream*>(nullptr);
  }
  void close_after_response() override {}
  [[nodiscard]] bool response_started() const override { return false; }
  [[nodiscard]] std::uint64_t octets_received() const override { return 0; }
  [[nodiscard]] std::uint64_t octets_sent() const override { return 0; }

 private:
  rt::Reactor& reactor_;
  Arena arena_;
  http::RequestHead head_;
  http::MemoryBody content_{""};
  http::ConnectionInfo connection_;
};

}  // namespace sluice::gateway
