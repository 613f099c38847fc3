// SPDX-License-Identifier: Apache-2.0
#include "cluster/simulated_node.h"

#include <utility>

#include <fmt/format.h>
#include <linux/tcp.h>  // the C library's form of tcp_info lacks the counters
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/random.h"
#include "cluster/fleet.h"
#include "http/websocket/handshake.h"
#include "rt/first_of.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"

namespace sluice::bench {
namespace {

namespace websocket = http::websocket;
namespace wire = sync::wire;
using websocket::Message;

constexpr std::size_t kLargest = 64 << 20;
constexpr std::int64_t kOpeningMs = 15'000;  // as a real one waits, from the first packet to the end of the handshake
constexpr std::int64_t kGreetingMs = 45'000;
constexpr std::int64_t kSilentMs = 120'000;
constexpr std::int64_t kSendMs = 60'000;
// Payloads of pings that somebody waits for the answer to.
constexpr std::string_view kSettle = "settle";
constexpr std::string_view kWitness = "witness";
constexpr std::uint64_t kHelloId = 1;
constexpr std::uint64_t kAskId = 2;  // one question is open at a time, and equal frames are read once

Uuid node_id(std::size_t number) {
  return *Uuid::parse(fmt::format("00000000-0000-4000-8000-{:012x}", number + 1));
}

std::string hostname(std::size_t number) {
  return fmt::format("simulated-{}", number);
}

}  // namespace

SimulatedNode::SimulatedNode(Fleet& fleet, std::size_t number, Kind kind)
    : fleet_(fleet), number_(number), kind_(kind), id_(node_id(number)) {}

void SimulatedNode::connect() {
  life_ = live();
  life_.start();
}

void SimulatedNode::drop() {
  if (stream_ != nullptr) {
    const linger hard{1, 0};  // as a machine does that loses its power: nothing waits for late octets
    ::setsockopt(stream_->fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  stream_ = nullptr;
  life_.reset();
  delay_ = {};
  if (std::exchange(witness_, false)) fleet_.witnessed();
  if (std::exchange(settled_, false)) fleet_.unsettled();
}

std::uint64_t SimulatedNode::octets_received() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (stream_ == nullptr || ::getsockopt(stream_->fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received;
}

Task<void> SimulatedNode::live() {
  for (;;) {
    const auto outcome = co_await follow();
    stream_ = nullptr;
    fleet_.lost(outcome ? "closed" : outcome.error().what);
    if (std::exchange(witness_, false)) fleet_.witnessed();
    if (std::exchange(settled_, false)) fleet_.unsettled();
    co_await rt::Sleep(fleet_.reactor(), fleet_.reactor().after_ms(delay_.after(0)));
  }
}

Task<Result<>> SimulatedNode::follow() {
  net::Stream stream;
  const rt::Deadline deadline = fleet_.reactor().after_ms(kOpeningMs);
  CO_TRY(co_await fleet_.dial(stream, number_, deadline));
  stream_ = &stream;
  CO_TRY(std::string early, co_await shake_hands(stream, deadline));
  Link link(stream, websocket::Role::Client, {.max_message = kLargest}, std::move(early));
  CO_TRY(co_await greet(link));
  Task<Result<>> listening = listen(link);
  Task<Result<>> beating = beat(link);
  co_await rt::FirstOf(listening, beating);
  co_return listening.ready() ? co_await listening : co_await beating;
}

Task<Result<std::string>> SimulatedNode::shake_hands(net::Stream& stream, rt::Deadline deadline) {
  websocket::OpenRequest request{.host = std::string(fleet_.options().server_name), .target = "/v2/outlet"};
  if (kind_ == Kind::KongWhole) {
    request.target = fmt::format("/v1/outlet?node_id={}&node_hostname={}&node_version={}", id_.to_string(),
                                 hostname(number_), fleet_.options().kong_version);
  } else {
    request.protocol = wire::kMetaProtocol;
  }
  CO_TRY(auto opened, co_await websocket::open(stream, request, deadline));
  co_return std::move(opened.early);
}

// Who it is
// -------------------------------------------------------------------------------------------------------------------

Task<Result<>> SimulatedNode::greet(Link& link) {
  // A node that is new to us stands where the fleet does, as if it had been there before.
  if (hash_.empty() && kind_ != Kind::KongWhole && !fleet_.reader().mirror().is_empty()) {
    version_ = fleet_.reader().mirror().version();
    hash_ = fleet_.reader().mirror().hash();
  }
  knew_ = !hash_.empty();
  if (kind_ == Kind::KongWhole) {
    wire::BasicInfo info;
    info.plugins = fleet_.options().plugins;
    CO_TRY(co_await send(link, wire::to_text(info)));
  } else {
    CO_TRY(co_await greet_by_rpc(link));
  }
  if (kind_ == Kind::KongDeltas) CO_TRY(co_await ask_for_deltas(link));
  co_return co_await ping(link, kSettle);
}

Task<Result<>> SimulatedNode::greet_by_rpc(Link& link) {
  wire::Hello hello;
  hello.capabilities.emplace_back(wire::kSyncV2);
  hello.encodings.emplace_back(wire::kSnappyEncoding);
  hello.peer.node_id = id_;
  hello.peer.hostname = hostname(number_);
  hello.peer.kong_version = fleet_.options().kong_version;
  if (kind_ == Kind::Strict) {
    hello.capabilities.emplace_back(wire::kSluiceSync);
    hello.peer.sluice_version = fleet_.options().sluice_version;
    hello.peer.plugins = fleet_.options().plugins;  // Kong's do not say by this protocol
    hello.config_version = hash_.empty() ? "" : to_wire(version_);
    hello.config_hash = hash_;
  }
  CO_TRY(co_await send(link, wire::call_text("kong.meta.v1.hello", wire::to_text(hello), kHelloId)));
  CO_TRY(const Message message, co_await link.receive(fleet_.reactor().after_ms(kGreetingMs)));
  if (message.kind != Message::Kind::Binary) co_return fail(Errc::Closed, "turned away: " + message.payload);
  CO_TRY(const auto messages, wire::parse_rpc(message.payload));
  const auto* answer = messages.empty() ? nullptr : std::get_if<wire::RpcReply>(&messages.front());
  const auto* result = answer == nullptr ? nullptr : std::get_if<Json>(&answer->outcome);
  if (result == nullptr) co_return fail(Errc::Invalid, "no answer to the greeting");
  CO_TRY(const wire::HelloReply reply, wire::parse_hello_reply(*result));
  if ((kind_ == Kind::Strict) == reply.control_plane.empty()) co_return fail(Errc::Invalid, "other rules than asked");
  if (reply.ping_ms > 0) ping_ms_ = reply.ping_ms;
  co_return Result<>{};
}

Task<Result<>> SimulatedNode::ask_for_deltas(Link& link) {
  const std::string params = wire::get_delta_params(to_wire(version_));
  const std::string frame = wire::compress(wire::call_text(kGetDelta, params, kAskId));
  co_return co_await send(link, frame);
}

// What it does as long as the link holds
// -------------------------------------------------------------------------------------------------------------------

Task<Result<>> SimulatedNode::beat(Link& link) {
  // Those that come at once must not ping at once.
  auto pause = static_cast<std::int64_t>(random_u64() % ping_ms_);
  for (;; pause = ping_ms_) {
    co_await rt::Sleep(fleet_.reactor(), fleet_.reactor().after_ms(pause));
    CO_TRY(co_await ping(link, kind_ == Kind::KongWhole ? std::string_view(hash_) : std::string_view()));
  }
}

Task<Result<>> SimulatedNode::listen(Link& link) {
  for (;;) {
    CO_TRY(Message message, co_await link.receive(fleet_.reactor().after_ms(kSilentMs)));
    switch (message.kind) {
      case Message::Kind::Close:
        co_return fail(Errc::Closed, "the control plane closed the link: " + message.payload);
      case Message::Kind::Pong:
        take_pong(message.payload);
        break;
      case Message::Kind::Ping:
        CO_TRY(co_await link.send(Message::Kind::Pong, message.payload, fleet_.reactor().after_ms(kSendMs)));
        break;
      default:
        CO_TRY(co_await take(link, message.payload));
    }
  }
}

Task<Result<>> SimulatedNode::take(Link& link, const std::string& frame) {
  if (kind_ == Kind::KongWhole) co_return co_await take_whole(link, frame);
  CO_TRY(const auto heard, fleet_.reader().read(frame));
  switch (heard->kind) {
    case Heard::Kind::Push:
      co_return co_await take_push(link, *heard);
    case Heard::Kind::News:
      CO_TRY(co_await send(link, heard->answer));
      co_return co_await ask_for_deltas(link);
    case Heard::Kind::Deltas:
      co_return co_await take_deltas(link, *heard);
    default:
      co_return Result<>{};
  }
}

Task<Result<>> SimulatedNode::take_whole(Link& link, const std::string& frame) {
  CO_TRY(std::string hash, fleet_.whole_pushes().hash_of(frame));
  ++fleet_.tally().whole;
  hash_ = std::move(hash);
  fleet_.arrived(*this);
  co_return co_await ping(link, hash_);
}

Task<Result<>> SimulatedNode::take_push(Link& link, const Heard& heard) {
  if (heard.full) {
    if (!heard.last) co_return Result<>{};
    ++fleet_.tally().full;
    if (knew_) ++fleet_.tally().full_to_current;
  } else {
    ++fleet_.tally().deltas;
    if (heard.from != version_) co_return fail(Errc::Invalid, "a change that does not follow on what the node has");
  }
  co_return co_await acknowledge(link, heard.to, heard.hash, heard.answer);
}

Task<Result<>> SimulatedNode::take_deltas(Link& link, const Heard& heard) {
  if (heard.full) {
    ++fleet_.tally().full;
    if (knew_) ++fleet_.tally().full_to_current;
  }
  if (heard.to <= version_) co_return Result<>{};
  ++fleet_.tally().deltas;
  co_return co_await acknowledge(link, heard.to, "as the version", heard.answer);
}

/// The last nodes that say so wait for the answer to a ping behind it: then the control plane knows, too.
Task<Result<>> SimulatedNode::acknowledge(Link& link, sync::Version version, std::string hash,
                                          const std::string& answer) {
  version_ = version;
  hash_ = std::move(hash);
  knew_ = true;
  CO_TRY(co_await send(link, answer));
  if (!fleet_.arrived(*this) || witness_) co_return Result<>{};
  witness_ = true;
  fleet_.calls_witness();
  co_return co_await ping(link, kWitness);
}

void SimulatedNode::take_pong(std::string_view payload) {
  if (payload == kWitness && std::exchange(witness_, false)) fleet_.witnessed();
  // Protocol 1 answers with empty ones.
  const bool settles = payload == kSettle || kind_ == Kind::KongWhole;
  if (settles && !std::exchange(settled_, true)) fleet_.settled();
}

Task<Result<>> SimulatedNode::send(Link& link, std::string_view frame) {
  co_return co_await link.send(Message::Kind::Binary, frame, fleet_.reactor().after_ms(kSendMs));
}

Task<Result<>> SimulatedNode::ping(Link& link, std::string_view payload) {
  co_return co_await link.send(Message::Kind::Ping, payload, fleet_.reactor().after_ms(kSendMs));
}

}  // namespace sluice::bench
