// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/websocket_upgrade.h"

#include <string>
#include <utility>

#include "entity/service.h"
#include "gateway/plugin.h"
#include "http/field_name.h"
#include "http/websocket/handshake.h"
#include "net/tunnel.h"
#include "rt/reactor.h"

namespace sluice::gateway {
namespace {

using http::Known;

struct WantedFrames {
  bool wanted = false;
};

class PipelineInspector final : public FrameInspector {
 public:
  PipelineInspector(Exchange& ex, Pipeline& pipeline) : ex_(ex), pipeline_(pipeline) {}
  Task<FrameVerdict> inspect(Frame& frame) override { return pipeline_.frame(ex_, frame); }

 private:
  Exchange& ex_;
  Pipeline& pipeline_;
};

/// What both ends said behind the handshake. Seldom anything: then there is no frame.
Task<bool> send_early(RelayEnd& client, RelayEnd& upstream, std::int64_t send_ms) {
  if (client.early.empty() && upstream.early.empty()) return true;
  struct Send {
    static Task<bool> run(RelayEnd& client, RelayEnd& upstream, rt::Deadline deadline) {
      if (!co_await upstream.stream.write_all(client.early, deadline)) co_return false;
      const Result<> sent = co_await client.stream.write_all(upstream.early, deadline);
      co_return sent.has_value();
    }
  };
  return Send::run(client, upstream, client.stream.reactor().after_ms(send_ms));
}

/// Octets, whatever they mean. Its frame is there for as long as the WebSocket is, so it is small.
Task<void> tunnel(RelayEnd client, RelayEnd upstream, RelayTimes times) {
  const bool sent = co_await send_early(client, upstream, times.send_ms);
  if (!sent) co_return;
  client.early = upstream.early = {};
  net::TunnelCounts counts;
  co_await net::run_tunnel(client.stream, upstream.stream, times.idle_ms, counts);
}

Task<void> relay(Exchange& ex, Pipeline& pipeline, RelayEnd client, RelayEnd upstream, RelayTimes times) {
  const FrameLimits* limits = ex.find<FrameLimits>();
  PipelineInspector inspector(ex, pipeline);
  WebSocketRelay both(std::move(client), std::move(upstream), limits != nullptr ? *limits : FrameLimits{}, times,
                      inspector);
  co_await both.run();
}

}  // namespace

std::optional<Reply> check_websocket(const Exchange& ex, const RouteConfig& route) {
  if (!route.is_websocket()) return std::nullopt;
  const http::RequestHead& head = ex.request.received;
  const Result<std::string> key = http::websocket::check_request(head);
  if (key) return std::nullopt;
  const auto upgrade = head.headers.get(Known::Upgrade);
  const bool asks = upgrade && http::list_has(*upgrade, "websocket");
  if (key.error().code == Errc::Unsupported) {
    return Reply{426, key.error().what}.with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13");
  }
  if (asks || head.version != http::Version::Http11) return Reply{400, key.error().what};
  return Reply{426, "Please use WebSocket protocol"}.with("Upgrade", "websocket");
}

void note_wanted_frames(Exchange& ex, const Plan& plan) {
  if ((plan.hooks & kOnFrame) != 0 || ex.find<FrameLimits>() != nullptr) ex.slot<WantedFrames>().wanted = true;
}

bool wants_frames(const Exchange& ex) {
  const auto* wanted = ex.find<WantedFrames>();
  return wanted != nullptr && wanted->wanted;
}

bool answers_handshake(const Exchange& ex) {
  const http::Headers& answer = ex.response.headers;
  const auto key = ex.request.received.headers.get("Sec-WebSocket-Key");
  if (!key || answer.get("Sec-WebSocket-Accept") != http::websocket::accept_value(*key)) return false;
  return !wants_frames(ex) || !answer.has("Sec-WebSocket-Extensions");
}

Task<void> carry_upgraded(Exchange& ex, Pipeline& pipeline, RelayEnd client, RelayEnd upstream,
                          const entity::Service& service) {
  // What the client sent before it hung up still goes upstream: from here on its end is seen by reading.
  client.stream.source().listen_for_hangup(nullptr);
  const RelayTimes times{.idle_ms = service.read_timeout.count(), .send_ms = service.write_timeout.count()};
  if (!wants_frames(ex)) return tunnel(std::move(client), std::move(upstream), times);
  return relay(ex, pipeline, std::move(client), std::move(upstream), times);
}

}  // namespace sluice::gateway
