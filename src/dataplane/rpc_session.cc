// SPDX-License-Identifier: Apache-2.0
#include "dataplane/rpc_session.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dataplane/fallback.h"
#include "entity/workspace.h"
#include "sync/signature.h"
#include "sync/version.h"
#include "sync/wire/certified.h"
#include "sync/wire/traffic.h"

namespace sluice::dataplane {
namespace {

using sync::wire::RpcCall;
using sync::wire::RpcCode;
using sync::wire::RpcMessage;
using sync::wire::RpcReply;

constexpr std::string_view kHello = "kong.meta.v1.hello";
constexpr std::string_view kGetDelta = "kong.sync.v2.get_delta";
constexpr std::string_view kNotifyNewVersion = "kong.sync.v2.notify_new_version";
constexpr std::string_view kNotifyValidationError = "kong.sync.v2.notify_validation_error";
constexpr std::uint64_t kHelloId = 1;
constexpr std::int64_t kPingMs = 30'000;
constexpr std::int64_t kDeadMs = 45'000;
constexpr std::int64_t kPollMs = 30'000;
constexpr std::int64_t kAnswerMs = 5'000;
constexpr std::int64_t kLookMs = 1'000;  // whether a copy is due
/// What a control plane may ask of us, whatever it says.
constexpr std::uint32_t kLeastPingMs = 1'000;
constexpr std::uint32_t kMostDeadMs = 300'000;

bool offers(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string ours(std::string_view name) {
  return std::string(sync::wire::kSluiceSync) + '.' + std::string(name);
}

Uuid known_default_workspace(const Standing& standing) {
  if (!standing.default_workspace.is_nil()) return standing.default_workspace;
  return *Uuid::parse(entity::Workspace::kDefaultId);
}

}  // namespace

Task<Result<RpcSession::End>> RpcSession::run() {
  CO_TRY(co_await greet());
  if (!syncs_) co_return End::UseProtocol1;
  parts_.on_agreement();
  if (!strict_) {
    CO_TRY(co_await ask_for_changes());
    chores_.spawn(ask_for_ever());
  }
  auto ended = co_await converse();
  co_return std::unexpected(ended ? Error{.code = Errc::Closed, .what = "ended"} : std::move(ended).error());
}

/// The greeting is plain JSON; all that follows is compressed.
Task<Result<>> RpcSession::greet() {
  const LinkSettings& settings = parts_.settings;
  const Standing& standing = parts_.applier.standing();
  sync::wire::Hello hello;
  if (settings.rpc_sync) hello.capabilities.emplace_back(sync::wire::kSyncV2);
  if (settings.rpc_sync && settings.strict) hello.capabilities.emplace_back(sync::wire::kSluiceSync);
  hello.encodings.emplace_back(sync::wire::kSnappyEncoding);
  hello.peer = settings.self;
  // A version means something only to whoever gave it.
  if (!standing.control_plane.empty()) {
    hello.config_version = standing.version;
    hello.config_hash = standing.hash;
  }
  CO_TRY(co_await send(sync::wire::call_text(kHello, to_text(hello), kHelloId)));
  CO_TRY(const std::string text, co_await receive());
  heard_ = true;
  CO_TRY(const auto messages, sync::wire::parse_rpc(text));
  const auto* reply = messages.size() == 1 ? std::get_if<RpcReply>(&messages.front()) : nullptr;
  if (reply == nullptr) co_return fail(Errc::Invalid, "the greeting was not answered", Blame::Upstream);
  if (const auto* error = std::get_if<sync::wire::RpcError>(&reply->outcome)) {
    co_return fail(Errc::Refused, "the greeting was refused: " + error->message, Blame::Upstream);
  }
  CO_TRY(const auto answer, sync::wire::parse_hello_reply(std::get<Json>(reply->outcome)));
  if (answer.encoding != sync::wire::kSnappyEncoding) {
    co_return fail(Errc::Unsupported, "the control plane wants encoding " + answer.encoding, Blame::Upstream);
  }
  agree(answer);
  if (strict_ && !standing.control_plane.empty() && standing.control_plane != control_plane_) {
    co_return co_await ask_for_everything("the configuration here is of control plane " + standing.control_plane);
  }
  co_return Result<>{};
}

void RpcSession::agree(const sync::wire::HelloReply& reply) {
  strict_ = parts_.settings.strict && offers(reply.capabilities, sync::wire::kSluiceSync);
  syncs_ = strict_ || (parts_.settings.rpc_sync && offers(reply.capabilities, sync::wire::kSyncV2));
  if (!strict_) return keep_alive(kPingMs, kDeadMs);
  control_plane_ = reply.control_plane;
  const std::uint32_t dead = std::min(reply.dead_ms, kMostDeadMs);
  const std::uint32_t every = std::max(reply.ping_ms, kLeastPingMs);
  keep_alive(every, std::max(dead, 2 * every));
  if (parts_.settings.traffic) chores_.spawn(report_for_ever(every));
  if (parts_.fallback == nullptr) return;
  parts_.fallback->heard_from(control_plane_);
  chores_.spawn(ask_for_signatures());
}

Task<Result<>> RpcSession::send_text(std::string text) {
  const std::string block = sync::wire::compress(text);
  co_return co_await send(block);
}

Task<Result<>> RpcSession::converse() {
  for (;;) {
    CO_TRY(std::string block, co_await receive());
    const std::size_t size = block.size();
    auto read = [block = std::move(block), most = parts_.settings.max_payload]() -> Result<Messages> {
      TRY(const std::string text, sync::wire::decompress(block, most));
      return sync::wire::parse_rpc(text);
    };
    auto messages = co_await work(size, std::move(read));
    if (!messages) {
      co_await send_text(sync::wire::error_text(nullptr, RpcCode::Parse, messages.error().what));
      co_return std::unexpected(std::move(messages).error());
    }
    for (RpcMessage& message : *messages) CO_TRY(co_await take(std::move(message)));
  }
}

Task<Result<>> RpcSession::take(RpcMessage message) {
  if (auto* call = std::get_if<RpcCall>(&message)) co_return co_await take_call(std::move(*call));
  RpcReply& reply = std::get<RpcReply>(message);
  if (certify_id_ && reply.id == Json(*certify_id_)) {
    take_signature(reply);
    co_return Result<>{};
  }
  if (!asked_ || !(reply.id == Json(*asked_))) co_return Result<>{};
  asked_.reset();
  if (const auto* error = std::get_if<sync::wire::RpcError>(&reply.outcome)) {
    log::warn("cluster.question_refused", {{"method", kGetDelta}, {"error", error->message}});
    co_return Result<>{};
  }
  co_return co_await take_changes(std::get<Json>(reply.outcome));
}

Task<Result<>> RpcSession::take_call(RpcCall call) {
  if (strict_ && call.method == ours("push")) co_return co_await take_push(call.params);
  if (call.method == kNotifyNewVersion) {
    if (call.id) CO_TRY(co_await send_text(sync::wire::result_text(*call.id, "true")));
    if (strict_) co_return Result<>{};
    ask_again_ = asked_.has_value();
    co_return co_await ask_for_changes();
  }
  if (!call.id) co_return Result<>{};
  co_return co_await send_text(sync::wire::error_text(*call.id, RpcCode::MethodNotFound, "Method not found"));
}

// With a control plane of ours
// -------------------------------------------------------------------------------------------------------------------

Task<Result<>> RpcSession::take_push(const Json& params) {
  CO_TRY(const auto read, sync::wire::read_push(params));
  CO_TRY(auto deltas, sync::wire::read_deltas(*read.deltas, known_default_workspace(parts_.applier.standing())));
  co_return co_await apply_push(read.push, std::move(deltas));
}

/// A whole configuration comes in parts; all of them are one change.
Task<Result<>> RpcSession::apply_push(sync::wire::Push push, sync::wire::ReadDeltas deltas) {
  Incoming incoming;
  incoming.from = push.from;
  incoming.to = {.control_plane = control_plane_,
                 .version = push.to,
                 .hash = push.hash,
                 .since_ms = 0,
                 .default_workspace = deltas.default_workspace};
  incoming.strict = true;
  if (!push.full) {
    incoming.delta.upserts = std::move(deltas.upserts);
    incoming.delta.removals = std::move(deltas.removals);
    co_return co_await apply_strict(std::move(incoming));
  }
  if (push.part == 0) {
    parts_so_far_.clear();
    next_part_ = 0;
    parts_of_ = push.to;
  }
  if (push.part != next_part_ || push.to != parts_of_) {
    parts_so_far_.clear();
    co_return co_await ask_for_everything("parts of a whole configuration do not follow each other");
  }
  ++next_part_;
  std::ranges::move(deltas.upserts, std::back_inserter(parts_so_far_));
  if (next_part_ < push.parts) co_return Result<>{};
  incoming.delta.complete = true;
  incoming.delta.upserts = std::exchange(parts_so_far_, {});
  const auto signed_right =
      sync::verify(sync::statement_of(control_plane_, push.to, push.hash), push.signature, parts_.peer_pem);
  if (!signed_right) {
    co_return co_await say_refused(ours("refused"), incoming.to,
                                   {Refusal::Kind::Failed, "signature: " + signed_right.error().what});
  }
  co_return co_await apply_strict(std::move(incoming));
}

Task<Result<>> RpcSession::apply_strict(Incoming incoming) {
  const Standing to = incoming.to;
  const bool whole_thing = incoming.delta.complete;
  const auto refusal = co_await apply(std::move(incoming));
  if (!refusal) co_return co_await say_standing("applied", {});
  const bool lost_track = refusal->kind == Refusal::Kind::WrongDigest || refusal->kind == Refusal::Kind::OutOfOrder;
  // When everything was sent and does not add up, sending it again will not help.
  if (lost_track && !whole_thing) co_return co_await ask_for_everything(refusal->message);
  co_return co_await say_refused(ours("refused"), to, *refusal);
}

Task<Result<>> RpcSession::ask_for_everything(std::string reason) {
  log::warn("cluster.resync", {{"reason", reason}});
  co_return co_await say_standing("resync", std::move(reason));
}

Task<Result<>> RpcSession::say_standing(std::string_view method, std::string reason) {
  const Standing& now = parts_.applier.standing();
  const bool theirs = now.control_plane == control_plane_;
  const sync::wire::Standing standing{.version = theirs ? now.version : std::string(),
                                      .hash = theirs ? now.hash : std::string(),
                                      .reason = std::move(reason)};
  co_return co_await send_text(sync::wire::call_text(ours(method), sync::wire::standing_params(standing)));
}

Task<Result<>> RpcSession::say_refused(std::string_view method, const Standing& what, const Refusal& refusal) {
  log::error("cluster.configuration_refused",
             {{"version", what.version}, {"error", refusal.message}, {"serving", parts_.applier.standing().version}});
  const sync::wire::Refused refused{.version = what.version,
                                    .hash = what.hash,
                                    .name = std::string(error_name(refusal.kind)),
                                    .message = refusal.message,
                                    .errors = refusal.errors};
  co_return co_await send_text(sync::wire::call_text(method, sync::wire::refused_params(refused)));
}

/// Counts since this node started, so that one that gets lost is made up for by the next. The first one goes at once.
Task<void> RpcSession::report_for_ever(std::int64_t every_ms) {
  for (;;) {
    const std::string counts = sync::wire::traffic_params(parts_.settings.traffic());
    const auto sent = co_await send_text(sync::wire::call_text(sync::wire::kTrafficReport, counts));
    if (!sent) co_return;  // whoever receives learns of it
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(every_ms));
  }
}

/// Whoever keeps a copy for others asks for a signature of what is served.
Task<void> RpcSession::ask_for_signatures() {
  for (;;) {
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kLookMs));
    const Standing& now = parts_.applier.standing();
    if (certify_id_ || now.control_plane != control_plane_ || !parts_.fallback->wants_signature()) continue;
    certify_id_ = next_id_++;
    to_certify_ = parts_.applier.state();
    const std::string params = sync::wire::standing_params({.version = now.version, .hash = now.hash, .reason = {}});
    const auto sent = co_await send_text(sync::wire::call_text(sync::wire::kCertify, params, certify_id_));
    if (!sent) co_return;  // whoever receives learns of it
  }
}

void RpcSession::take_signature(const RpcReply& reply) {
  certify_id_.reset();
  State state = std::exchange(to_certify_, {});
  if (const auto* error = std::get_if<sync::wire::RpcError>(&reply.outcome)) {
    return parts_.fallback->not_signed(error->message);
  }
  auto certified = sync::wire::read_certified(std::get<Json>(reply.outcome));
  if (!certified) return parts_.fallback->not_signed(certified.error().what);
  parts_.fallback->signed_by_control_plane(std::move(state), *std::move(certified), parts_.identity);
}

// With Kong's
// -------------------------------------------------------------------------------------------------------------------

std::string RpcSession::version_or_zeros() const {
  const std::string& version = parts_.applier.standing().version;
  return version.empty() ? std::string(32, '0') : version;
}

Task<Result<>> RpcSession::ask_for_changes() {
  const std::int64_t now = parts_.reactor.clock().mono_ms();
  if (asked_ && now - asked_ms_ < kAnswerMs) co_return Result<>{};
  const std::uint64_t id = next_id_++;
  asked_ = id;
  asked_ms_ = now;
  co_return co_await send_text(sync::wire::call_text(kGetDelta, sync::wire::get_delta_params(version_or_zeros()), id));
}

Task<void> RpcSession::ask_for_ever() {
  for (;;) {
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kPollMs));
    const auto asked = co_await ask_for_changes();
    if (!asked) co_return;
  }
}

Task<Result<>> RpcSession::take_changes(const Json& result) {
  CO_TRY(const auto answer, sync::wire::read_get_delta_result(result));
  CO_TRY(auto deltas, sync::wire::read_deltas(*answer.deltas, known_default_workspace(parts_.applier.standing())));
  // Nothing new, also where it says to be everything: a configuration of Kong's has its workspaces at least.
  if (deltas.version.empty()) co_return Result<>{};
  Incoming incoming;
  incoming.from = parts_.applier.standing().version;
  incoming.to = {.control_plane = {},
                 .version = deltas.version,
                 .hash = deltas.version,
                 .since_ms = 0,
                 .default_workspace = deltas.default_workspace};
  incoming.delta.complete = answer.full;
  incoming.delta.upserts = std::move(deltas.upserts);
  incoming.delta.removals = std::move(deltas.removals);
  const Standing to = incoming.to;
  const auto refusal = co_await apply(std::move(incoming));
  if (!refusal) {
    refused_.clear();
    CO_TRY(co_await send_text(sync::wire::call_text(kGetDelta, sync::wire::get_delta_params(version_or_zeros()))));
  } else if (std::exchange(refused_, to.version) != to.version) {
    CO_TRY(co_await say_refused(kNotifyValidationError, to, *refusal));
  }
  if (!std::exchange(ask_again_, false)) co_return Result<>{};
  co_return co_await ask_for_changes();
}

}  // namespace sluice::dataplane
