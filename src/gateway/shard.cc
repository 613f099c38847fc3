// SPDX-License-Identifier: Apache-2.0
#include "gateway/shard.h"

#include <utility>
#include <vector>

#include <malloc.h>

#include "base/log.h"
#include "gateway/config/server_names.h"
#include "gateway/log_record.h"
#include "http/accept_connection.h"
#include "net/tls/server_context.h"

namespace sluice::gateway {
namespace {

std::unique_ptr<net::dns::Resolver> open_resolver(rt::Reactor& reactor, const net::dns::Settings& settings) {
  auto resolver = net::dns::Resolver::open(reactor, settings);
  if (resolver) return *std::move(resolver);
  log::error("dns.unavailable", {{"error", resolver.error()}});
  return nullptr;
}

constexpr std::int64_t kLookMs = 50;     // at the load
constexpr std::size_t kShedAtOnce = 64;  // idle connections, when memory is short
constexpr std::int64_t kTrimMs = 1000;

/// For counters that one thread writes: no other one's increment can be lost.
void add_one(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

RequestIds::Origin on_shard(RequestIds::Origin origin, std::size_t index) {
  origin.shard = static_cast<std::uint16_t>(index);
  return origin;
}

}  // namespace

Shard::Shard(rt::Reactor& reactor, const NodeParts& node, HealthBoard& board, rt::MemoryGauge& memory,
             Prober::Place place)
    : reactor_(reactor),
      node_(node),
      options_(node.options),
      tls_(node.tls),
      tls_http2_(node.tls_http2),
      sinks_(reactor, node.files, metrics_),
      access_log_(open_log(node.access_log)),
      stream_log_(open_log(node.stream_access_log)),
      resolver_(open_resolver(reactor, node.dns)),
      dialer_(reactor, resolver_.get(), node.trust),
      client_(
          reactor,
          [this](net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                 rt::Deadline deadline) { return dialer_.dial(stream, std::move(host), port, tls, verify, deadline); }),
      host_{reactor,  node.blocking,        node.counters,         client_,
            metrics_, node.options.node_id, node.options.hostname, &sinks_},
      plans_(host_),
      balancer_(reactor, options_.pool, dialer_, board, options_.balancing),
      prober_(reactor, dialer_, board, node.trust, place),
      ids_(node.id_key, on_shard(node.origin, place.index)),
      memory_(memory),
      admission_(options_.ceilings, memory),
      succession_(reactor),
      proxy_({options_, plans_, balancer_, dialer_, ids_, *this, admission_}),
      server_(reactor, options_.server, proxy_, &admission_),
      stream_tls_{node.tls_stream, {}},
      streams_({reactor, options_, plans_, balancer_, dialer_, stream_tls_, *this, stream_counts_, admission_, server_,
                succession_}) {
  if (place.index == 0) keeper_ = std::make_unique<CertificateKeeper>(reactor, client_, node.blocking);
  keep_certificates(node.trust);
  chores_.spawn(watch_load(place.index == 0));
}

Shard::~Shard() = default;

/// How late this task itself is says how long everything else waits for the shard's turn.
Task<void> Shard::watch_load(bool first_shard) {
  for (;;) {
    const rt::Deadline due = reactor_.after_ms(kLookMs);
    co_await rt::Sleep(reactor_, due);
    admission_.sample_delay(reactor_.clock().mono_ms() - due.at_ms);
    if (first_shard) memory_.refresh();
    if (memory_.level() == rt::MemoryGauge::Level::Ample) continue;
    server_.shed_idle(kShedAtOnce);
    if (first_shard) relieve_memory();
  }
}

/// What was freed under load stays with the allocator, and would count as used for ever.
void Shard::relieve_memory() {
  const std::int64_t now = reactor_.clock().mono_ms();
  if (now - trimmed_ms_ < kTrimMs) return;
  trimmed_ms_ = now;
  node_.blocking.submit([] { ::malloc_trim(0); });
}

void Shard::listen(const ProxyDoor& door, int socket) {
  http::Preparation preparation;
  if (door.tls || door.http2 || door.proxy_protocol) {
    preparation = [this, &door](net::Stream& stream, http::ConnectionInfo& info, std::string& early,
                                const http::Admit& admit) {
      http::AcceptTerms terms{.proxy_protocol = door.proxy_protocol,
                              .http2 = door.http2,
                              .tls = door.tls,
                              .context = door.http2 ? tls_http2_ : tls_,
                              .identities = identities_,
                              .admit = admit};
      if (door.tls) info.alt_svc = door.alt_svc;
      return http::accept_connection(stream, info, early, std::move(terms), reactor_.after_ms(options_.tls_timeout_ms));
    };
  }
  server_.listen(socket, std::move(preparation),
                 door.proxy_protocol ? http::Server::ClientKnown::WhenPrepared : http::Server::ClientKnown::AtAccept,
                 door.max_connections);
}

void Shard::listen(const ProxyDoor& door, int socket, net::quic::Group& group, std::size_t shard) {
  group.lend(shard, succession_);
  server_.listen(socket,
                 {.group = group,
                  .shard = shard,
                  .tls = [this] { return net::quic::TlsTerms{.context = tls_, .resolver = identities_}; },
                  .handshake_ms = [this] { return options_.tls_timeout_ms; }},
                 door.max_connections);
}

void Shard::publish(const Snapshot::Ref& snapshot) {
  identities_ = std::make_shared<ServerNames>(snapshot);
  dialer_.publish(snapshot);
  proxy_.publish(snapshot);
  stream_tls_.identities = identities_;
  streams_.publish(snapshot);
  balancer_.sweep(*snapshot);
  if (options_.proxies) prober_.publish(*snapshot);
  if (keeper_) keeper_->publish(*snapshot);
}

void Shard::keep_certificates(const UpstreamTrust& trust) {
  if (!keeper_) return;
  std::vector<CertificateKeeper::Identities> listeners;
  for (const auto& context : {tls_, stream_tls_.context}) {
    if (context) listeners.push_back(context->settings().identity);
  }
  keeper_->reconfigure(options_.stapling, std::move(listeners), trust.store);
}

void Shard::reconfigure(const LiveParts& parts) {
  options_ = parts.options;
  tls_ = parts.tls;
  tls_http2_ = parts.tls_http2;
  dialer_.reconfigure(parts.trust);
  balancer_.reconfigure(options_.balancing);
  prober_.reconfigure(parts.trust);
  stream_tls_.context = parts.tls_stream;
  keep_certificates(parts.trust);
  access_log_ = open_log(parts.access_log);
  stream_log_ = open_log(parts.stream_access_log);
}

std::unique_ptr<telemetry::AccessLog> Shard::open_log(const std::string& path) const {
  return path.empty() ? nullptr : std::make_unique<telemetry::AccessLog>(reactor_, node_.files, path);
}

net::dns::Resolver::Stats Shard::dns_stats() const {
  return resolver_ ? resolver_->stats() : net::dns::Resolver::Stats{};
}

void Shard::on_request(const Exchange& ex) noexcept {
  add_one(counts_.requests);
  const int status = ex.record.status;
  if (status >= 400) add_one(status < 500 ? counts_.client_errors : counts_.server_errors);
  constexpr std::int64_t kMilli = 1'000'000;
  add_one(counts_.times[sync::Traffic::class_of((ex.record.finished_ns - ex.record.started_ns) / kMilli)]);
  counts_.accepted.store(server_.counts().accepted, std::memory_order_relaxed);
  counts_.active.store(server_.counts().active, std::memory_order_relaxed);
  if (access_log_ != nullptr) access_log_->write(access_entry(ex));
}

void Shard::on_session(const StreamSession& session) noexcept {
  if (stream_log_ != nullptr) stream_log_->write(access_entry(session));
}

}  // namespace sluice::gateway
