// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "control/cluster/push_pace.h"
#include "control/cluster/session.h"
#include "sync/wire/certified.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"
#include "sync/wire/rpc.h"
#include "sync/wire/traffic.h"

namespace sluice::control::cluster {
namespace {

using sync::wire::RpcCall;
using sync::wire::RpcCode;
using sync::wire::RpcReply;

constexpr std::int64_t kGreetingMs = 5'000;
constexpr std::size_t kShown = 1'000;  // octets of what a node says, in the log
constexpr std::string_view kHelloMethod = "kong.meta.v1.hello";
constexpr std::string_view kGetDelta = "kong.sync.v2.get_delta";
constexpr std::string_view kNotifyNewVersion = "kong.sync.v2.notify_new_version";
constexpr std::string_view kNotifyValidationError = "kong.sync.v2.notify_validation_error";

bool offers(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_sluice_call(std::string_view method, std::string_view name) {
  return method.starts_with(sync::wire::kSluiceSync) && method.substr(sync::wire::kSluiceSync.size()) == name;
}

bool is_strict_call(std::string_view method) {
  return is_sluice_call(method, ".applied") || is_sluice_call(method, ".refused") || is_sluice_call(method, ".resync");
}

/// Protocol 2. A node of ours is pushed what it lacks; one of Kong is told that there is news and asks.
class SessionV2 final : public Session {
 public:
  using Session::Session;

 private:
  Task<Result<>> greet() override;
  Task<Result<>> take(http::websocket::Message message) override;
  Task<Result<>> take_ping(std::string payload) override { return pong(payload); }
  [[nodiscard]] bool has_work() override;
  Task<Result<>> work() override { return strict_ ? push() : announce(); }
  [[nodiscard]] Millis dead_after() const override { return strict_ ? hub_.terms().dead : hub_.terms().kong_dead; }
  [[nodiscard]] std::string_view protocol() const override { return strict_ ? "v2 strict" : "v2"; }
  [[nodiscard]] bool carries_configuration() const override { return syncs_; }

  [[nodiscard]] sync::wire::HelloReply agree(const sync::wire::Hello& hello);
  Task<Result<>> take_call(RpcCall call);
  Task<Result<>> take_get_delta(const RpcCall& call);
  Task<Result<>> take_strict(const RpcCall& call);
  Task<Result<>> take_certify(const RpcCall& call);
  void take_standing(const sync::wire::Standing& standing);
  void take_reply(const RpcReply& reply);
  Task<Result<>> answer(std::string text) { return send_text(std::move(text)); }
  Task<Result<>> send_text(std::string text);
  Task<Result<>> push();
  void note_whole(const store::Version& version) const;
  Task<Result<>> announce();
  [[nodiscard]] bool is_due() const;
  [[nodiscard]] bool is_ahead(const std::optional<store::Version>& standing) const;

  bool strict_ = false;
  bool syncs_ = false;                      // the configuration goes over this link
  std::optional<store::Version> standing_;  // what the node serves
  std::string standing_hash_;               // of that
  bool resync_ = false;                     // it wants everything
  std::optional<store::Version> sent_;      // under way: what it was sent or told of
  std::optional<store::Version> refused_;   // what it could not take
  std::int64_t sent_ms_ = 0;                // monotonic
  PushPace pace_;                           // of whole configurations
  std::uint64_t next_id_ = 0;
};

/// The greeting is plain JSON; all that follows is compressed.
Task<Result<>> SessionV2::greet() {
  const rt::Deadline deadline = hub_.reactor().after_ms(kGreetingMs);
  CO_TRY(http::websocket::Message message, co_await link_.receive(deadline));
  CO_TRY(const auto calls, sync::wire::parse_rpc(message.payload));
  const auto* call = calls.size() == 1 ? std::get_if<RpcCall>(&calls.front()) : nullptr;
  if (call == nullptr || call->method != kHelloMethod || !call->id) {
    co_return fail(Errc::Invalid, "the first message is no greeting", Blame::Client);
  }
  CO_TRY(sync::wire::Hello hello, sync::wire::parse_hello(call->params));
  caller_.peer = hello.peer;
  const auto reply = agree(hello);
  CO_TRY(enter());
  if (syncs_ && !admit()) co_return fail(Errc::Forbidden, node_->issues.front().description, Blame::Client);
  CO_TRY(co_await send(sync::wire::result_text(*call->id, to_text(reply))));
  if (strict_) {
    resync_ = hello.config_version.empty();
    take_standing({.version = hello.config_version, .hash = hello.config_hash, .reason = {}});
  }
  co_return Result<>{};
}

/// A node that is newer than what we claim to be gets protocol 1 from Kong; ours knows how to leave out.
sync::wire::HelloReply SessionV2::agree(const sync::wire::Hello& hello) {
  sync::wire::HelloReply reply;
  reply.encoding = sync::wire::kSnappyEncoding;
  const auto version = sync::wire::parse_product_version(hello.peer.kong_version);
  const bool older = version && *version < hub_.terms().kong;
  strict_ = hub_.terms().strict && hello.peer.is_sluice() && offers(hello.capabilities, sync::wire::kSluiceSync);
  syncs_ = strict_ || (hub_.terms().rpc_sync && !older && offers(hello.capabilities, sync::wire::kSyncV2));
  if (syncs_) reply.capabilities.emplace_back(sync::wire::kSyncV2);
  if (strict_) {
    reply.capabilities.emplace_back(sync::wire::kSluiceSync);
    reply.control_plane = hub_.control_plane().to_string();
    reply.ping_ms = static_cast<std::uint32_t>(hub_.terms().ping.count());
    reply.dead_ms = static_cast<std::uint32_t>(hub_.terms().dead.count());
  }
  return reply;
}

// What the node says
// -------------------------------------------------------------------------------------------------------------------

Task<Result<>> SessionV2::take(http::websocket::Message message) {
  CO_TRY(const std::string text, sync::wire::decompress(message.payload, kLongestFromNode));
  auto messages = sync::wire::parse_rpc(text);
  if (!messages) {
    const RpcCode code = parse_json(text) ? RpcCode::InvalidRequest : RpcCode::Parse;
    co_return co_await answer(sync::wire::error_text(nullptr, code, messages.error().what));
  }
  for (auto& each : *messages) {
    if (has_ended()) co_return Result<>{};  // the node's record may be gone, and what it asks for
    if (auto* call = std::get_if<RpcCall>(&each)) {
      CO_TRY(co_await take_call(std::move(*call)));
    } else {
      take_reply(std::get<RpcReply>(each));
    }
  }
  co_return Result<>{};
}

Task<Result<>> SessionV2::take_call(RpcCall call) {
  if (syncs_ && call.method == kGetDelta) co_return co_await take_get_delta(call);
  if (call.method == kNotifyValidationError) {
    const auto refused = sync::wire::read_refused_params(call.params);
    if (refused) {
      refused_ = std::exchange(sent_, {});
      note_refusal(*refused);
    }
    co_return Result<>{};
  }
  if (strict_ && is_strict_call(call.method)) co_return co_await take_strict(call);
  if (strict_ && call.id && call.method == sync::wire::kCertify) co_return co_await take_certify(call);
  if (strict_ && call.method == sync::wire::kTrafficReport) {
    CO_TRY(const auto traffic, sync::wire::read_traffic(call.params));
    hub_.note_traffic(node_id(), traffic);
  }
  if (!call.id) co_return Result<>{};
  co_return co_await answer(sync::wire::error_text(*call.id, RpcCode::MethodNotFound, "Method not found"));
}

/// As a call it asks for changes, as a notification it says what was applied.
Task<Result<>> SessionV2::take_get_delta(const RpcCall& call) {
  const auto text = sync::wire::read_get_delta_params(call.params);
  if (!text) {
    if (!call.id) co_return Result<>{};
    co_return co_await answer(sync::wire::error_text(*call.id, RpcCode::InvalidParams, text.error().what));
  }
  const auto version = sync::parse_wire_version(*text);
  const bool current = version && *version == hub_.feed().version();
  note_standing(version ? std::optional(*version) : std::nullopt, current ? view_->hash() : *text);
  if (current) sent_.reset();
  if (!call.id) co_return Result<>{};
  if (withheld()) {
    co_return co_await answer(sync::wire::error_text(
        *call.id, RpcCode::Server, "the configuration needs plugins that this node lacks, or has in another version"));
  }
  bool is_to_come = false;
  if (version && hub_.feed().is_ahead(*version)) is_to_come = co_await hub_.is_to_come(*version);
  if (has_ended()) co_return Result<>{};
  // All that there is here would be a step back; there will be news when there is more.
  if (is_to_come) {
    co_return co_await answer(sync::wire::result_text(*call.id, sync::wire::get_delta_result("[]", false)));
  }
  if (version) co_await hub_.learn_history(*version);
  if (has_ended()) co_return Result<>{};
  Parcel parcel;
  if (version) parcel = co_await view_->answer_since(*version);
  const bool is_whole = parcel.frames == nullptr;
  if (is_whole && !has_ended()) parcel = co_await view_->answer_all();
  if (has_ended()) co_return Result<>{};
  if (is_whole) note_whole(parcel.to);
  const std::string frame = answer_to(*call.id, parcel.frames->front());
  co_return co_await send(frame);
}

/// sluice.sync.v1: applied, refused, resync.
Task<Result<>> SessionV2::take_strict(const RpcCall& call) {
  if (is_sluice_call(call.method, ".refused")) {
    CO_TRY(const auto refused, sync::wire::read_refused_params(call.params));
    refused_ = std::exchange(sent_, {});
    note_refusal(refused);
    co_return Result<>{};
  }
  CO_TRY(const auto standing, sync::wire::read_standing(call.params));
  if (is_sluice_call(call.method, ".resync")) {
    static log::Counted resyncs(log::Level::Warn, "cluster.node_resyncs");
    resyncs.hit({{"node", node_id().to_string()}, {"reason", std::string_view(standing.reason).substr(0, kShown)}});
    resync_ = true;
  }
  sent_.reset();
  refused_.reset();
  take_standing(standing);
  wake();
  co_return Result<>{};
}

/// The node keeps a copy for others, and asks for a signature of what it serves.
Task<Result<>> SessionV2::take_certify(const RpcCall& call) {
  const auto standing = sync::wire::read_standing(call.params);
  if (!standing) {
    co_return co_await answer(sync::wire::error_text(*call.id, RpcCode::InvalidParams, standing.error().what));
  }
  Notary::Question question{.peer = caller_.peer,
                            .standing = *standing,
                            .hash = view_->hash(),
                            .control_plane = hub_.control_plane().to_string(),
                            .signer = signer_};
  const auto certified = co_await hub_.notary().certify(hub_.feed(), std::move(question));
  if (has_ended()) co_return Result<>{};
  if (certified) co_return co_await answer(sync::wire::result_text(*call.id, to_text(*certified)));
  co_return co_await answer(sync::wire::error_text(*call.id, RpcCode::Server, certified.error().what));
}

void SessionV2::take_standing(const sync::wire::Standing& standing) {
  const auto version = sync::parse_wire_version(standing.version);
  standing_ = version ? std::optional(*version) : std::nullopt;
  standing_hash_ = standing.hash;
  if (standing_ == hub_.feed().version() && standing_hash_ != view_->hash()) resync_ = true;
  note_standing(standing_, standing.hash);
}

/// The only calls of ours tell of news; a node that fails at them asks again by itself.
void SessionV2::take_reply(const RpcReply& reply) {
  if (const auto* error = std::get_if<sync::wire::RpcError>(&reply.outcome)) {
    static log::Counted answered(log::Level::Warn, "cluster.node_answered_error");
    answered.hit({{"node", node_id().to_string()}, {"error", std::string_view(error->message).substr(0, kShown)}});
  }
}

// What the node lacks
// -------------------------------------------------------------------------------------------------------------------

/// Whether there is something that the node has not been sent. One thing at a time is under way: what changes meanwhile
/// goes together afterwards, so that a slow node costs no memory.
bool SessionV2::is_due() const {
  const store::Version& version = hub_.feed().version();
  if (!syncs_ || sent_ || refused_ == version || withheld()) return false;
  if (!strict_) return node_ != nullptr && node_->config_version != version && !is_ahead(node_->config_version);
  const Feed& feed = hub_.feed();
  const bool lacks_all = resync_ || !standing_ || (!feed.knows(*standing_) && !feed.may_learn(*standing_));
  if (lacks_all && !pace_.may(hub_.reactor().clock().mono_ms())) return false;
  return resync_ || (standing_ != version && !is_ahead(standing_));
}

/// A node that comes from another replica may know more than this one does as yet.
bool SessionV2::is_ahead(const std::optional<store::Version>& standing) const {
  return standing && hub_.feed().is_ahead(*standing);
}

bool SessionV2::has_work() {
  if (sent_ && hub_.reactor().clock().mono_ms() - sent_ms_ > hub_.terms().apply_timeout.count()) {
    sent_.reset();  // it was told and said nothing: once more
    resync_ = strict_;
  }
  return is_due();
}

Task<Result<>> SessionV2::send_text(std::string text) {
  const std::string block = sync::wire::compress(text);
  co_return co_await send(block);
}

Task<Result<>> SessionV2::push() {
  const auto from = resync_ ? std::optional<store::Version>() : standing_;
  if (from) co_await hub_.learn_history(*from);
  Parcel parcel;
  if (from && !has_ended()) parcel = co_await view_->push_since(*from);
  const bool is_whole = parcel.frames == nullptr;
  if (is_whole && !has_ended()) parcel = co_await view_->push_all(signer_, hub_.control_plane().to_string());
  if (has_ended() || withheld()) co_return Result<>{};
  if (!is_whole && (resync_ || standing_ != from)) co_return Result<>{};  // the node has said something else meanwhile
  sent_ = parcel.to;
  sent_ms_ = hub_.reactor().clock().mono_ms();
  resync_ = false;
  if (is_whole) {
    pace_.sent(sent_ms_);
    note_whole(parcel.to);
  }
  for (const std::string& frame : *parcel.frames) CO_TRY(co_await send(frame));
  sent_ms_ = hub_.reactor().clock().mono_ms();  // a slow link has its time from the end on
  co_return Result<>{};
}

/// Which deltas are there to spare.
void SessionV2::note_whole(const store::Version& version) const {
  log::info("cluster.sent_everything", {{"control_plane", hub_.control_plane().to_string()},
                                        {"node", node_id().to_string()},
                                        {"version", to_string(version)}});
}

Task<Result<>> SessionV2::announce() {
  sent_ = hub_.feed().version();
  sent_ms_ = hub_.reactor().clock().mono_ms();
  co_return co_await send_text(
      sync::wire::call_text(kNotifyNewVersion, sync::wire::new_version_params(to_wire(*sent_)), next_id_++));
}

}  // namespace

std::unique_ptr<Session> make_session_v2(std::shared_ptr<Hub> hub, http::websocket::Connection& link, Caller caller) {
  return std::make_unique<SessionV2>(std::move(hub), link, std::move(caller));
}

}  // namespace sluice::control::cluster
