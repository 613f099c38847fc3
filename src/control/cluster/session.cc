// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/session.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "base/time.h"
#include "rt/first_of.h"
#include "sync/wire/deltas.h"

namespace sluice::control::cluster {
namespace {

constexpr std::int64_t kLookAgainMs = 1'000;
constexpr std::int64_t kGoodbyeMs = 2'000;
constexpr std::uint16_t kPolicyViolation = 1008;  // RFC 6455, 7.4.1
constexpr std::uint16_t kNormalClosure = 1000;
constexpr std::size_t kShownError = 1'000;  // octets of what a node says, in the log

store::SysTime now() {
  return store::SysTime(Millis(unix_millis()));
}

}  // namespace

Session::Session(std::shared_ptr<Hub> hub, http::websocket::Connection& link, Caller caller)
    : keeps_(std::move(hub)),
      hub_(*keeps_),
      link_(link),
      caller_(std::move(caller)),
      signer_(hub_.signer()),
      news_(hub_.reactor()) {}

Session::~Session() {
  if (number_ != 0) hub_.leave(*this, number_);
  if (node_ == nullptr) return;
  node_->connected = false;
  hub_.nodes().touch();
}

Task<void> Session::run() {
  Result<> outcome = co_await converse();
  say_goodbye(outcome);
  const bool refused = !outcome && outcome.error().code == Errc::Forbidden;
  const std::string reason = outcome ? std::string() : outcome.error().what.substr(0, 120);
  co_await link_.close(refused ? kPolicyViolation : kNormalClosure, reason, hub_.reactor().after_ms(kGoodbyeMs));
}

Task<Result<>> Session::converse() {
  CO_TRY(co_await greet());
  Task<Result<>> listening = listen();
  Task<Result<>> speaking = speak();
  co_await rt::FirstOf(listening, speaking);
  co_return listening.ready() ? co_await listening : co_await speaking;
}

void Session::say_goodbye(const Result<>& outcome) {
  const std::string what = outcome ? std::string("closed") : outcome.error().what;
  log::info("cluster.node_left", {{"control_plane", hub_.control_plane().to_string()},
                                  {"node", node_id().to_string()},
                                  {"hostname", caller_.peer.hostname},
                                  {"reason", what}});
}

void Session::end() {
  if (node_ != nullptr) node_->connected = false;
  node_ = nullptr;  // the record may go
  ended_ = true;    // seen within a second: whoever calls may be in the midst of all sessions
}

void Session::dismiss(std::string why) {
  end();
  why_ended_ = {.code = Errc::Forbidden, .blame = Blame::Client, .what = std::move(why)};
  wake();
}

Task<Result<>> Session::listen() {
  for (;;) {
    CO_TRY(http::websocket::Message message, co_await receive());
    if (ended_) co_return std::unexpected(why_ended_);
    saw_it();
    using Kind = http::websocket::Message::Kind;
    if (message.kind == Kind::Close) co_return Result<>{};
    if (message.kind == Kind::Pong) continue;
    if (message.kind == Kind::Ping) {
      CO_TRY(co_await take_ping(std::move(message.payload)));
    } else {
      CO_TRY(co_await take(std::move(message)));
    }
  }
}

Task<Result<>> Session::speak() {
  for (;;) {
    if (ended_) co_return std::unexpected(why_ended_);
    if (view_ != nullptr && noted_ != hub_.feed().version()) note_issues();
    if (has_work()) {
      CO_TRY(co_await work());
      continue;
    }
    co_await news_.wait(hub_.reactor().after_ms(kLookAgainMs));
  }
}

Task<Result<http::websocket::Message>> Session::receive() {
  const std::int64_t deadline = link_.last_received_ms() + dead_after().count();
  auto message = co_await link_.receive(rt::Deadline{deadline});
  if (!message && message.error().code == Errc::Timeout) {
    // Parts of a long message count as a sign of life.
    if (link_.last_received_ms() + dead_after().count() > deadline) co_return co_await receive();
    co_return fail(Errc::Timeout, "no sign of life for " + std::to_string(dead_after().count() / 1000) + " s");
  }
  co_return message;
}

Task<Result<>> Session::send(std::string_view frame) {
  co_return co_await link_.send(http::websocket::Message::Kind::Binary, frame,
                                hub_.reactor().after_ms(hub_.terms().send_timeout.count()));
}

Task<Result<>> Session::pong(std::string_view payload) {
  co_return co_await link_.send(http::websocket::Message::Kind::Pong, payload,
                                hub_.reactor().after_ms(hub_.terms().send_timeout.count()));
}

// The record
// -------------------------------------------------------------------------------------------------------------------

/// A name belongs to the certificate that came with it for as long as its link lives: whoever has another certificate
/// can neither take the link away nor write into the record.
Result<> Session::enter() {
  if (hub_.is_taken(*this)) {
    static log::Counted taken(log::Level::Warn, "cluster.node_id_taken");
    taken.hit({{"node", node_id().to_string()}, {"ip", caller_.ip}});
    return fail(Errc::Forbidden, "a node with this id is connected with another certificate", Blame::Client);
  }
  number_ = hub_.join(*this);
  if (!carries_configuration()) return {};
  NodeRecord& node = hub_.nodes().meet(node_id());
  hub_.end_others(node_id(), this);
  node.peer = caller_.peer;
  node.ip = caller_.ip;
  node.protocol = protocol();
  node.connected = true;
  node.certificate_fingerprint = caller_.certificate_fingerprint;
  node.certificate_expires = caller_.certificate_expires;
  node.config_error = nullptr;
  node_ = &node;
  saw_it();
  log::info("cluster.node_joined", {{"control_plane", hub_.control_plane().to_string()},
                                    {"node", node_id().to_string()},
                                    {"hostname", caller_.peer.hostname},
                                    {"version", caller_.peer.kong_version},
                                    {"protocol", node.protocol}});
  return {};
}

bool Session::admit() {
  const auto admission = sync::wire::admit(caller_.peer, hub_.terms().kong, hub_.terms().sluice);
  if (admission.admitted) {
    view_ = hub_.feed().view(caller_.peer);
    other_plugins_ = other_versions(caller_.peer, hub_.terms().plugins);
    note_issues();
    return true;
  }
  node_->sync_status = SyncStatus::VersionIncompatible;
  node_->issues = {{.code = admission.code,
                    .severity = sync::wire::CompatibilityIssue::Severity::Error,
                    .description = admission.reason,
                    .resolution = "Run a data plane of a version that this control plane serves.",
                    .affected = {}}};
  static log::Counted incompatible(log::Level::Warn, "cluster.node_incompatible");
  incompatible.hit({{"node", node_id().to_string()}, {"reason", admission.reason}});
  return false;
}

void Session::note_issues() {
  if (node_ == nullptr) return;
  noted_ = hub_.feed().version();
  node_->issues = view_->issues();
  auto about_versions = version_issues(other_plugins_, hub_.feed().store());
  using sync::wire::CompatibilityIssue;
  plugins_clash_ = std::ranges::find(about_versions, CompatibilityIssue::Severity::Error,
                                     &CompatibilityIssue::severity) != about_versions.end();
  std::ranges::move(about_versions, std::back_inserter(node_->issues));
  node_->sync_status = view_->withheld() ? SyncStatus::PluginSetIncompatible
                       : plugins_clash_  ? SyncStatus::PluginVersionIncompatible
                                         : SyncStatus::Normal;
}

void Session::saw_it() {
  if (node_ == nullptr) return;
  node_->last_seen = now();
  hub_.nodes().touch();
}

/// A node that has all that its kind can have counts as one that has everything.
void Session::note_standing(std::optional<store::Version> version, std::string hash) {
  if (node_ == nullptr) return;
  const bool current = hash == view_->hash() && (!version || *version == hub_.feed().version());
  if (current) {
    version = hub_.feed().version();
    hash = hub_.nodes().expected_hash();
    node_->config_error = nullptr;
  }
  if (node_->config_hash != hash || node_->config_version != version) node_->config_since = now();
  node_->config_hash = std::move(hash);
  node_->config_version = version;
  hub_.nodes().touch();
}

void Session::note_refusal(const sync::wire::Refused& refused) {
  if (node_ == nullptr) return;
  node_->config_error = Json::Object{{"version", refused.version}, {"hash", refused.hash},     {"name", refused.name},
                                     {"message", refused.message}, {"errors", refused.errors}, {"at", unix_seconds()}};
  hub_.nodes().touch();
  static log::Counted told(log::Level::Warn, "cluster.node_refused_configuration");
  told.hit({{"control_plane", hub_.control_plane().to_string()},
            {"node", node_id().to_string()},
            {"version", refused.version},
            {"error", std::string_view(refused.message).substr(0, kShownError)}});
}

}  // namespace sluice::control::cluster
