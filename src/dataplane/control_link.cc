// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control_link.h"

#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "base/time.h"
#include "dataplane/push_session.h"
#include "dataplane/rpc_session.h"
#include "http/websocket/handshake.h"

namespace sluice::dataplane {
namespace {

constexpr std::int64_t kConnectMs = 15'000;
constexpr std::int64_t kPatienceMs = 2'000;  // with a control plane that does not answer, where nothing is served yet
constexpr std::int64_t kTickMs = 1'000;
/// At the certificate's files: what is on disk has to be kept under the new key before somebody restarts the process.
constexpr int kTicksBetweenLooks = 5;
constexpr int kUnheardMost = 3;
constexpr std::int64_t kGoodbyeMs = 2'000;
constexpr std::uint16_t kGoingAway = 1001;  // RFC 6455, 7.4.1

}  // namespace

void ControlLink::start() {
  tasks_.spawn(stay_connected());
  tasks_.spawn(keep_house());
}

void ControlLink::stop() {
  tasks_.cancel();
  falling_back_ = false;
  set_connected(false, status_.protocol);
}

Task<void> ControlLink::keep_house() {
  for (int tick = 1;; ++tick) {
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kTickMs));
    parts_.cache.keep_house();
    if (tick % kTicksBetweenLooks == 0) {
      const auto learned = co_await learn_identity();
      const std::string why = learned ? std::string() : learned.error().what;
      if (!why.empty() && why != unreadable_) log::warn("cluster.certificate_unreadable", {{"error", why}});
      unreadable_ = why;
    }
  }
}

Task<void> ControlLink::stay_connected() {
  for (;;) {
    if (parts_.applier.standing().empty()) tasks_.spawn(fall_back_beside(status_.attempts + 1));
    const Error error = co_await connect_once();
    const std::int64_t now = parts_.reactor.clock().mono_ms();
    const std::int64_t lived = connected_ms_ != 0 ? now - connected_ms_ : 0;
    report(error, connected_ms_ != 0);
    set_connected(false, status_.protocol);
    if (parts_.applier.standing().empty()) co_await fall_back();
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(delay_.after(lived)));
  }
}

/// The files as they are now. The identity stays the same object while they do, so that TLS sessions can be resumed.
Task<Result<>> ControlLink::learn_identity() {
  using Learned = Result<Identity>;
  Learned learned =
      co_await rt::offload(parts_.pool, parts_.reactor,
                           [read = parts_.read_materials, known = identity_, shared = settings_.shared]() -> Learned {
                             TRY(ClusterMaterials materials, read());
                             if (known && known->materials() == materials) return known;
                             return ClusterIdentity::make(std::move(materials), shared);
                           });
  if (!learned) co_return std::unexpected(std::move(learned).error());
  const bool known = identity_ && identity_->materials() == (*learned)->materials();
  if (identity_ && !known) log::notice("cluster.certificate_replaced", {{"sha256", (*learned)->fingerprint()}});
  if (!identity_ || !(identity_->cache_key() == (*learned)->cache_key())) parts_.cache.use_key((*learned)->cache_key());
  if (!known) identity_ = *std::move(learned);
  status_.certificate_ends = identity_->not_after();
  expiry_.tell(identity_->fingerprint(), identity_->not_after(), unix_seconds());
  co_return Result<>{};
}

/// One attempt and the life of the link; the reason for its end. Without protocol 2 on the other side, protocol 1.
Task<Error> ControlLink::connect_once() {
  ++status_.attempts;
  connected_ms_ = 0;
  auto learned = co_await learn_identity();
  if (!learned) co_return std::move(learned).error();
  if (identity_->not_after() <= unix_seconds()) {
    co_return Error{.code = Errc::Forbidden,
                    .blame = Blame::Config,
                    .what = "the cluster certificate has expired on " + format_rfc3339(identity_->not_after() * 1000)};
  }
  bool try_protocol_1 = !settings_.rpc;
  if (settings_.rpc) {
    Error error = co_await speak("/v2/outlet", true, try_protocol_1);
    if (!try_protocol_1) co_return error;
  }
  Error error = co_await speak("/v1/outlet", false, try_protocol_1);
  co_return error;
}

std::string ControlLink::target(std::string_view path, bool rpc) const {
  std::string text(path);
  if (rpc) return text;
  const sync::wire::Peer& self = settings_.self;
  return text + "?node_id=" + self.node_id.to_string() + "&node_hostname=" + percent_encode(self.hostname) +
         "&node_version=" + percent_encode(self.kong_version);
}

Task<Error> ControlLink::speak(std::string_view path, bool rpc, bool& try_protocol_1) {
  namespace websocket = http::websocket;
  const Identity identity = identity_;
  const rt::Deadline deadline = parts_.reactor.after_ms(kConnectMs);
  ClusterStream connection(parts_.reactor, parts_.resolver);
  auto peer = co_await connection.open(settings_.address, *identity, deadline);
  if (!peer) co_return std::move(peer).error();
  const std::string peer_pem = *std::move(peer);
  websocket::OpenRequest request;
  request.host = settings_.address.host + ":" + std::to_string(settings_.address.port);
  request.target = target(path, rpc);
  if (rpc) request.protocol = sync::wire::kMetaProtocol;
  auto opened = co_await websocket::open(connection.stream(), request, deadline);
  if (!opened) {
    const Errc code = opened.error().code;
    // A control plane without protocol 2 answers that there is no such path, or in some other way that it is not meant.
    try_protocol_1 = rpc && code != Errc::Forbidden && code != Errc::Unavailable && code != Errc::Timeout &&
                     code != Errc::Closed && code != Errc::Io;
    Error error = std::move(opened).error();
    // It knows who we are only once the handshake of TLS is done, and then has no other way to say no.
    if (code == Errc::Closed) {
      error.what =
          "the control plane closed the link, probably because it does not know this certificate: see its log, or pin "
          "one with `sluice dp join` (" +
          error.what + ")";
    }
    co_return error;
  }
  websocket::Connection link(connection.stream(), websocket::Role::Client,
                             {.max_message = settings_.max_payload, .answer_pings = true}, std::move(opened->early));
  Conversation::Parts parts{.reactor = parts_.reactor,
                            .pool = parts_.pool,
                            .applier = parts_.applier,
                            .settings = settings_,
                            .link = link,
                            .peer_pem = peer_pem,
                            .identity = identity,
                            .fallback = parts_.fallback,
                            .on_agreement = {}};
  Error error;
  if (rpc) {
    RpcSession* running = nullptr;
    parts.on_agreement = [this, &running] { set_connected(true, running->is_strict() ? "v2 strict" : "v2"); };
    RpcSession session(parts);
    running = &session;
    auto ended = co_await session.run();
    // Some control planes open the door to protocol 2 and then hang up on whoever speaks it.
    unheard_ = session.was_heard() ? 0 : unheard_ + 1;
    try_protocol_1 = ended.has_value() || unheard_ >= kUnheardMost;
    if (!ended) error = std::move(ended).error();
  } else {
    parts.on_agreement = [this] { set_connected(true, "v1"); };
    PushSession session(parts, parts_.catalog);
    error = co_await session.run();
  }
  co_await link.close(kGoingAway, "", parts_.reactor.after_ms(kGoodbyeMs));
  co_return error;
}

void ControlLink::set_connected(bool connected, std::string_view protocol) {
  if (connected) {
    connected_ms_ = parts_.reactor.clock().mono_ms();
    status_.copy_made_at = 0;
    reported_.clear();
    status_.last_error.clear();
    log::notice("cluster.connected", {{"control_plane", settings_.address.host},
                                      {"port", settings_.address.port},
                                      {"protocol", protocol},
                                      {"version", parts_.applier.standing().version}});
  }
  if (status_.connected != connected || status_.since_ms == 0) {
    status_.since_ms = parts_.reactor.clock().wall_ms();
    status_.since_mono_ms = parts_.reactor.clock().mono_ms();
  }
  status_.connected = connected;
  status_.protocol = protocol;
}

/// A control plane may be away for days: the same reason is said once.
void ControlLink::report(const Error& error, bool was_connected) {
  status_.last_error = error.what;
  if (reported_ == error.what) {
    log::debug("cluster.not_connected", {{"error", error}, {"attempts", status_.attempts}});
    return;
  }
  reported_ = error.what;
  log::warn(was_connected ? "cluster.link_lost" : "cluster.not_connected",
            {{"control_plane", settings_.address.host},
             {"port", settings_.address.port},
             {"error", error},
             {"serving", parts_.applier.standing().version}});
}

/// An address that swallows packets says nothing for as long as one waits: a new node does not.
Task<void> ControlLink::fall_back_beside(std::uint64_t attempt) {
  co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kPatienceMs));
  if (attempt == status_.attempts && !status_.connected) co_await fall_back();
}

/// Whatever the control plane sends meanwhile wins.
Task<void> ControlLink::fall_back() {
  if (parts_.fallback == nullptr || !parts_.fallback->imports() || !identity_ || falling_back_) co_return;
  falling_back_ = true;
  const auto imported = co_await parts_.fallback->import(identity_);
  falling_back_ = false;
  if (imported && !status_.connected) status_.copy_made_at = *imported;
  if (imported || fallback_reported_ == imported.error().what) co_return;
  fallback_reported_ = imported.error().what;
  log::warn("cluster.fallback_not_imported", {{"error", imported.error()}});
}

}  // namespace sluice::dataplane
