// SPDX-License-Identifier: Apache-2.0
#include "gateway/stream/stream_life.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/pipeline/stream_pipeline.h"
#include "gateway/stream/stream_match.h"

namespace sluice::gateway {
namespace {

constexpr int kCarried = 200;
constexpr int kLeft = 499;
constexpr int kNotFound = 404;
constexpr int kBadGateway = 502;
constexpr int kUnavailable = 503;
constexpr int kTimedOut = 504;

int status_of(const Error& error) {
  if (error.code == Errc::Timeout) return kTimedOut;
  return error.code == Errc::Unavailable ? kUnavailable : kBadGateway;
}

}  // namespace

/// What a session keeps of its generation: names and texts for its log record. A session may last for days, and its
/// generation with all its tables must not.
class StreamLife::Remains final : public Directory {
 public:
  Remains(const Snapshot& snapshot, Shared<const RouteConfig> route, Shared<const ServiceConfig> service)
      : workspace_name_(snapshot.workspace_name(route->workspace)),
        route_(std::move(route)),
        service_(std::move(service)) {}

  [[nodiscard]] const Credential* credential(std::string_view, std::string_view) const override { return nullptr; }
  [[nodiscard]] const Consumer* consumer(const Uuid&) const override { return nullptr; }
  [[nodiscard]] const Consumer* consumer_by_username(std::string_view) const override { return nullptr; }
  [[nodiscard]] std::string_view consumer_group_name(const Uuid&) const override { return {}; }
  [[nodiscard]] WorkspaceView workspace() const override {
    if (route_->workspace.is_nil()) return Directory::workspace();
    return {route_->workspace, workspace_name_};
  }
  bool append_document(std::string& out, const entity::Route&) const override {
    out += *route_->document;
    return true;
  }
  bool append_document(std::string& out, const entity::Service&) const override {
    out += *service_->document;
    return true;
  }

 private:
  const std::string workspace_name_;
  const Shared<const RouteConfig> route_;
  const Shared<const ServiceConfig> service_;
};

StreamLife::StreamLife(const StreamParts& parts, Snapshot::Ref snapshot, Transport transport)
    : session(parts.reactor, transport), parts_(parts), snapshot_(std::move(snapshot)) {
  const rt::Clock& clock = parts_.reactor.clock();
  session.record.started_ns = clock.mono_ns();
  session.record.started_wall_ms = clock.wall_ms();
  session.directory = snapshot_.get();
  parts_.counts.accepted.fetch_add(1, std::memory_order_relaxed);
  parts_.counts.active.fetch_add(1, std::memory_order_relaxed);
}

StreamLife::~StreamLife() {
  telemetry::StreamRecord& record = session.record;
  record.finished_ns = session.clock().mono_ns();
  record.received = counts.from_client;
  record.sent = counts.to_client;
  record.upstream_received = counts.from_upstream;
  record.upstream_sent = counts.to_upstream;
  if (record.status == 0) record.status = kLeft;
  if (plan_) run_stream_log(*plan_, session);
  parts_.observer.on_session(session);
  parts_.counts.active.fetch_sub(1, std::memory_order_relaxed);
}

void StreamLife::set_client(const net::Address& peer, const net::Address& local) {
  Client& client = session.client;
  client.address = client.forwarded_address = peer.ip();
  client.port = client.forwarded_port = peer.port();
  client.local_address = local.ip();
  client.local_port = local.port();
}

void StreamLife::end_with(int status, std::string_view why) {
  if (session.record.status != 0) return;
  session.record.status = status;
  log::debug("stream.refused", {{"client", session.client.address.to_string()}, {"status", status}, {"reason", why}});
}

bool StreamLife::find_route() {
  const router::Match match = snapshot_->routes->match(match_input(session));
  if (!match) {
    plan_ = parts_.plans.plan(*snapshot_, nullptr, nullptr, Subsystem::Stream);
    return false;
  }
  route_ = Shared<const RouteConfig>::share(static_cast<const RouteConfig*>(match.target));
  session.route = route_.get();
  session.passthrough = session.client.tls && route_->is_passthrough();
  if (!route_->workspace.is_nil()) session.directory = &directory_.emplace(*snapshot_, route_->workspace);
  plan_ = parts_.plans.plan(*snapshot_, route_.get(), nullptr);
  session.service = plan_->service.get();
  return true;
}

Task<bool> StreamLife::police() {
  if (!find_route()) {
    end_with(kNotFound, "no Route matched with those values");
    co_return false;
  }
  const StreamVerdict verdict = co_await run_preread(*plan_, session);
  if (const StreamRefusal* refusal = verdict.refusal()) {
    end_with(refusal->status, refusal->reason);
    co_return false;
  }
  if (!plan_->service) {
    end_with(kUnavailable, "no Service found with those values");
    co_return false;
  }
  co_return true;
}

Task<bool> StreamLife::reach(Open open) {
  if (!plan_->live) plan_->live = parts_.balancer.live(*snapshot_, plan_->service);
  live_ = plan_->live;
  live_->budget.earn(session.clock().mono_ms());
  hashed_ = hashed_of(session, *live_);
  selection_.hashed = hashed_;
  session.record.upstream_started_ns = session.clock().mono_ns();
  for (int tries_left = 1 + service().retries;; --tries_left) {
    const std::int64_t began_ns = session.clock().mono_ns();
    const rt::Deadline deadline = session.reactor.after_ms(service().connect_timeout.count());
    Result<Choice> choice = co_await parts_.balancer.pick(*live_, selection_, deadline);
    if (!choice) {
      end_with(status_of(choice.error()), choice.error().what);
      co_return false;
    }
    telemetry::Try& attempt = note_try(*choice, began_ns);
    visit_.begin(*live_, *choice, began_ns);
    const Result<> opened = co_await open(*choice, deadline);
    if (opened) break;
    attempt.failed = true;
    attempt.status = status_of(opened.error());
    visit_.failed(opened.error());
    if (tries_left > 1 && may_try_again(opened.error(), *choice)) continue;
    end_with(status_of(opened.error()), opened.error().what);
    co_return false;
  }
  session.record.connected_ns = session.clock().mono_ns();
  session.record.source = telemetry::StreamRecord::Source::Upstream;
  session.record.status = kCarried;
  visit_.connected(session.record.connected_ns);
  let_go();
  co_return true;
}

void StreamLife::lose_upstream(const Error& error) {
  visit_.failed(error);
  session.record.status = status_of(error);
}

/// Trying the next address at once costs nobody anything; waiting again for one that was slow does, and so does asking
/// the same one once more.
bool StreamLife::may_try_again(const Error& error, const Choice& choice) {
  const Peer* peer = choice.peer.get();
  const bool first = !selection_.has_failed(peer);
  if (first) selection_.failed.push_back(peer);
  const bool free = first && error.code != Errc::Timeout && live_->has_another(selection_);
  return free || live_->budget.spend(session.clock().mono_ms());
}

telemetry::Try& StreamLife::note_try(const Choice& choice, std::int64_t began_ns) {
  telemetry::StreamRecord& record = session.record;
  const std::size_t index = std::min<std::size_t>(record.try_count, telemetry::Tries::kMost - 1);
  ++record.try_count;
  const std::int64_t took_ns = session.clock().mono_ns() - began_ns;
  record.tries[index] = {.ip = choice.endpoint->address.ip(),
                         .port = choice.endpoint->address.port(),
                         .started_wall_ns = session.clock().wall_ns() - took_ns,
                         .balancer_ns = took_ns,
                         .status = 0,
                         .failed = false};
  return record.tries[index];
}

void StreamLife::let_go() {
  remains_ = std::make_unique<Remains>(*snapshot_, route_, plan_->service);
  session.directory = remains_.get();
  directory_.reset();
  snapshot_.reset();
}

}  // namespace sluice::gateway
