// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/probe.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/arena.h"
#include "base/strings.h"
#include "http/h1/client_connection.h"
#include "http/h2/client_connection.h"
#include "net/dns/end_of_turn.h"
#include "net/stream.h"
#include "net/tls/handshake.h"

namespace sluice::gateway {
namespace {

using namespace std::string_view_literals;

constexpr int kGrpcOk = 0;
constexpr int kGrpcUnimplemented = 12;
constexpr auto kEmptyMessage = "\0\0\0\0\0"sv;       // a HealthCheckRequest that names no service
constexpr auto kServing = "\0\0\0\0\x02\x08\x01"sv;  // a HealthCheckResponse: status 1
constexpr std::size_t kLargestAnswer = 1024;

std::int64_t left_ms(rt::Reactor& reactor, rt::Deadline deadline) {
  return std::max<std::int64_t>(1, deadline.at_ms - reactor.clock().mono_ms());
}

Task<Result<>> open(net::Stream& stream, rt::Reactor& reactor, const ProbePlan& plan, rt::Deadline deadline) {
  CO_TRY(co_await net::connect(stream, reactor, plan.where, deadline));
  if (!plan.context) co_return Result<>{};
  co_return co_await net::tls::connect(stream, plan.context, plan.sni, deadline);
}

Task<Result<ProbeAnswer>> probe_tcp(rt::Reactor& reactor, ProbePlan plan, rt::Deadline deadline) {
  net::Stream stream;
  CO_TRY(co_await open(stream, reactor, plan, deadline));
  co_return ProbeAnswer{};
}

Task<Result<ProbeAnswer>> probe_http(rt::Reactor& reactor, ProbePlan plan, rt::Deadline deadline) {
  http::h1::ClientConnection connection(reactor);
  CO_TRY(co_await open(connection.stream(), reactor, plan, deadline));
  Arena arena;
  http::RequestHead head(arena);
  head.method = "GET";
  head.target = plan.check->http_path;
  head.authority = plan.authority;
  for (const auto& [name, values] : plan.check->headers) {
    for (const std::string& value : values) {
      if (http::same_name(name, "Host")) {
        head.authority = value;
      } else {
        head.headers.add_view(name, value);
      }
    }
  }
  head.headers.add_view("Connection", "close", http::Known::Connection);
  const std::int64_t left = left_ms(reactor, deadline);
  http::h1::ClientExchange exchange(connection, arena, {left, left});
  CO_TRY(co_await exchange.send(head, nullptr));
  http::ResponseHead answer(arena);
  CO_TRY(co_await exchange.receive(answer));
  co_return ProbeAnswer{.status = answer.status};
}

/// The status of a call: in the trailers, or in the head of an answer without content.
int grpc_status(const http::ResponseHead& head, const http::BodyReader* body) {
  auto text = head.headers.get("grpc-status");
  if (!text && body != nullptr && body->trailers() != nullptr) text = body->trailers()->get("grpc-status");
  const auto number = text ? parse_int<int>(*text) : Result<int>(-1);
  return number ? *number : -1;
}

Task<Result<ProbeAnswer>> check_grpc(http::h2::ClientConnection& connection, rt::Reactor& reactor, ProbePlan plan,
                                     rt::Deadline deadline) {
  Arena arena;
  http::RequestHead head(arena);
  head.method = "POST";
  head.target = "/grpc.health.v1.Health/Check";
  head.authority = plan.authority;
  head.headers.add_view("Content-Type", "application/grpc", http::Known::ContentType);
  head.headers.add_view("TE", "trailers", http::Known::Te);
  head.framing = {http::Framing::Kind::Length, kEmptyMessage.size()};
  const std::int64_t left = left_ms(reactor, deadline);
  http::h2::ClientExchange exchange(connection, arena,
                                    {.send_ms = left, .read_ms = left, .head_octets = 16 * 1024, .deadline = deadline});
  http::MemoryBody request(kEmptyMessage);
  CO_TRY(co_await exchange.send(head, &request));
  http::ResponseHead answer(arena);
  CO_TRY(co_await exchange.receive(answer));
  std::string content;
  http::BodyReader* body = exchange.body();
  for (bool last = body == nullptr; !last && content.size() < kLargestAnswer;) {
    CO_TRY(http::Chunk chunk, co_await body->read());
    content.append(chunk.bytes);
    last = chunk.last;
  }
  const int status = grpc_status(answer, body);
  co_return ProbeAnswer{.status = 0,
                        .well = (status == kGrpcOk && content == kServing) || status == kGrpcUnimplemented};
}

Task<Result<ProbeAnswer>> probe_grpc(rt::Reactor& reactor, ProbePlan plan, rt::Deadline deadline) {
  struct NoOwner final : http::h2::ClientConnection::Owner {
    void connection_over() override {}
  };
  auto stream = std::make_unique<net::Stream>();
  CO_TRY(co_await open(*stream, reactor, plan, deadline));
  NoOwner owner;
  http::h2::ClientConnection connection(std::move(stream), {.idle_ms = left_ms(reactor, deadline), .max_requests = 1},
                                        owner);
  Task<Result<ProbeAnswer>> checking = check_grpc(connection, reactor, std::move(plan), deadline);
  Result<ProbeAnswer> answer = co_await checking;
  checking.reset();
  co_await net::dns::EndOfTurn(reactor);  // it may have been one of the connection's calls that told us
  co_return answer;
}

}  // namespace

bool is_secure(const entity::ActiveHealthcheck& check) {
  return check.type == "https" || check.type == "grpcs";
}
bool is_grpc(const entity::ActiveHealthcheck& check) {
  return check.type == "grpc" || check.type == "grpcs";
}

Task<Result<ProbeAnswer>> probe(rt::Reactor& reactor, ProbePlan plan, rt::Deadline deadline) {
  if (plan.check->type == "tcp") return probe_tcp(reactor, std::move(plan), deadline);
  if (is_grpc(*plan.check)) return probe_grpc(reactor, std::move(plan), deadline);
  return probe_http(reactor, std::move(plan), deadline);
}

}  // namespace sluice::gateway
