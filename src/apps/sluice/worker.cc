// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <future>
#include <span>
#include <utility>

#include <fmt/core.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/process/service_notify.h"
#include "apps/process/supervisor.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"

namespace sluice::apps {
namespace {

/// What a listener with HTTP/3 says of it, to clients who reach its port by the number that port_maps gives. RFC 7838.
std::string alt_svc(const std::vector<int>& sockets, const std::vector<settings::PortMap>& maps) {
  if (sockets.empty()) return {};
  std::uint16_t port = net::Address::local_of(sockets.front()).port();
  for (const settings::PortMap& map : maps) {
    if (map.inside == port) port = map.outside;
  }
  return fmt::format("h3=\":{}\"; ma=86400", port);
}

/// Returns when every shard's loop turns: it serves then, and the watchdog knows whom to ask for a stack.
void await_turns(rt::Shards& shards) {
  for (std::size_t i = 0; i < shards.count(); ++i) {
    std::promise<void> turned;
    shards.post(i, [&turned] { turned.set_value(); });
    turned.get_future().wait();
  }
}

}  // namespace

Worker::Worker(WorkerOrders orders)
    : owned_settings_(std::move(orders.settings)),
      settings_(*owned_settings_),
      arguments_(std::move(orders.arguments)),
      materials_(std::move(orders.materials)),
      sockets_(std::move(orders.sockets)),
      shards_(orders.shards),
      link_(std::move(orders.link)),
      keepsake_(std::move(orders.keepsake)),
      first_declarative_(std::move(orders.declarative)),
      vocabulary_(settings_),
      node_id_(std::move(orders.node_id)),
      ticket_keys_(std::make_shared<net::tls::TicketKeys>()),
      next_version_(orders.next_version),
      settings_text_(std::move(keepsake_.settings)) {
  static_cast<void>(ticket_keys_->restore(keepsake_.tickets.reveal()));  // else sessions begin anew
}

Worker::~Worker() = default;

Result<> Worker::prepare() {
  TRY(assemble());
  return next_version_ ? await_turn() : Result<>{};
}

Result<> Worker::assemble() {
  TRY(build());
  TRY(load_first_configuration());
  TRY(open_cluster());
  open_doors();
  return {};
}

void Worker::take_apart() {
  doors_.clear();
  stream_doors_.clear();
  data_plane_.reset();
  cluster_.reset();
  admin_.reset();
  node_.reset();
  parts_.reset();
}

int Worker::run() {
  node_->start(doors_, stream_doors_, std::exchange(elders_, {}));
  if (data_plane_) {
    data_plane_->start();
    data_plane_->listen(sockets_.status);
  } else {
    admin_->keep_store();
    admin_->listen(sockets_);
    if (cluster_) cluster_->listen(sockets_.cluster);
  }
  signals_.attach(control_, process::open_signals(false));
  tasks_.spawn(watch_signals());
  tasks_.spawn(keep_house());
  start_watchdog();
  await_turns(node_->shards());
  if (link_.is_open()) {
    supervisor_.attach(control_, ::dup(link_.fd()));
    tasks_.spawn(watch_supervisor());
    static_cast<void>(link_.send(process::Notice::Ready));
  } else {
    process::notify_service_manager("READY=1");
  }
  log::info("gateway.started", {{"version", SLUICE_VERSION}, {"shards", shards_}, {"prefix", settings_.prefix}});
  control_.run();

  departure_.reset();
  watchdog_.reset();
  tasks_.cancel();
  signals_.close();
  supervisor_.close();
  data_plane_.reset();
  cluster_.reset();
  admin_.reset();
  node_.reset();
  log::info("gateway.stopped");
  log::flush();
  return 0;
}

/// The parts, from the settings.
Result<> Worker::build() {
  auto live = make_live_set(settings_, materials_, ticket_keys_);
  if (!live) return std::unexpected(std::move(live).error());
  live->gateway.options.node_id = node_id_;
  parts_ = std::make_unique<gateway::NodeParts>(
      gateway::NodeParts{.options = std::move(live->gateway.options),
                         .dns = dns_settings(settings_),
                         .tls = std::move(live->gateway.tls),
                         .tls_http2 = std::move(live->gateway.tls_http2),
                         .trust = std::move(live->gateway.trust),
                         .access_log = std::move(live->gateway.access_log),
                         .id_key = {},
                         .origin = {},
                         .blocking = blocking_,
                         .counters = counters_,
                         .files = files_,
                         .tls_stream = std::move(live->gateway.tls_stream),
                         .stream_access_log = std::move(live->gateway.stream_access_log)});
  fill_random(std::as_writable_bytes(std::span(parts_->id_key)));
  parts_->origin.boot = static_cast<std::uint32_t>(random_u64());
  node_ = std::make_unique<gateway::Node>(*parts_, *vocabulary_.catalog, vocabulary_.plugins, vocabulary_.flavor,
                                          shards_, control_);
  if (settings_.role == settings::Role::DataPlane) return build_data_plane(std::move(live->admin));
  auto stored = load_stored(settings_, *vocabulary_.catalog);
  if (!stored) return std::unexpected(std::move(stored).error());
  loaded_heads_ = stored->heads;
  admin_ =
      std::make_unique<Admin>(settings_, vocabulary_, *node_, control_, *parts_, *std::move(stored), link_.is_open());
  admin_->reconfigure(std::move(live->admin));
  return {};
}

Result<> Worker::build_data_plane(AdminTls tls) {
  auto made = DataPlane::make({settings_, vocabulary_, *node_, control_, *parts_}, materials_);
  if (!made) return std::unexpected(std::move(made).error());
  data_plane_ = *std::move(made);
  data_plane_->reconfigure(std::move(tls));
  return {};
}

/// The end of the links to data planes, where settings ask for it.
Result<> Worker::open_cluster() {
  if (sockets_.cluster.empty() || admin_ == nullptr || admin_->planes() == nullptr) return {};
  control::cluster::PluginVersions plugins;
  for (const gateway::PluginDescriptor* plugin : vocabulary_.plugins.in_order()) {
    plugins[plugin->name] = plugin->version;
  }
  auto made = Cluster::make({settings_, control_, *admin_->planes(), *admin_->durable(), node_id_, std::move(plugins),
                             [this](http::ServerStream& stream) { return admin_->serve_ingress(stream); }},
                            materials_);
  if (!made) return fail("cluster_cert: ", std::move(made).error());
  cluster_ = *std::move(made);
  return {};
}

/// What the store holds, what the worker before served, or the declarative file.
Result<> Worker::load_first_configuration() {
  if (data_plane_) {
    data_plane_->serve_kept();
    return {};
  }
  if (settings_.database != settings::Database::Off) {
    admin_->take_stored();
    return {};
  }
  // Both may be asked for again when this process waits for its turn.
  const Keepsake kept = next_version_ ? keepsake_ : std::exchange(keepsake_, {});
  const auto text = next_version_ ? first_declarative_ : std::exchange(first_declarative_, {});
  if (kept.form != Keepsake::Form::None) {
    const std::string problems = serve_first(kept.load(vocabulary_));
    if (!next_version_) kept_generation_ = node_->status().generation;
    if (problems.empty()) return {};
    if (next_version_) return fail(Errc::Invalid, "what is served now " + problems);
    log::error("keepsake.unusable", {{"error", problems}});
  }
  std::string problems;
  if (!text) {
    problems = "cannot be read: " + text.error() + "\n";
  } else {
    problems = serve_first(text->empty() ? sync::Delta{} : load_configuration(vocabulary_, *text));
  }
  if (!problems.empty()) return fail(Errc::Invalid, "the declarative configuration " + std::string(trim(problems)));
  leave_text(*text);
  return {};
}

/// What is wrong, with a verb in front; empty when it is served, or there is nothing to serve.
std::string Worker::serve_first(std::expected<sync::Delta, std::string> loaded) {
  if (!loaded) return "is not valid:\n" + loaded.error();
  if (loaded->upserts.empty() && !loaded->complete) return {};
  std::string problems;
  return admin_->take_first(*std::move(loaded), problems) ? std::string() : "cannot be served:\n" + problems;
}

void Worker::open_doors() {
  for (std::size_t i = 0; i < sockets_.proxy.size(); ++i) {
    const settings::Listener& listener = settings_.proxy_listen[i];
    doors_.push_back({.tls = listener.ssl,
                      .http2 = listener.http2,
                      .proxy_protocol = listener.proxy_protocol,
                      .sockets = sockets_.proxy[i],
                      .quic_sockets = sockets_.quic[i],
                      .alt_svc = alt_svc(sockets_.quic[i], settings_.port_maps),
                      .max_connections = share_of_shard(listener.max_connections, shards_)});
  }
  for (std::size_t i = 0; i < sockets_.streams.size(); ++i) {
    const settings::Listener& listener = settings_.stream_listen[i];
    stream_doors_.push_back({.tls = listener.ssl,
                             .udp = listener.udp,
                             .proxy_protocol = listener.proxy_protocol,
                             .sockets = sockets_.streams[i]});
  }
}

void Worker::start_watchdog() {
  if (settings_.watchdog_timeout == Millis(0)) return;
  std::vector<process::Watchdog::Watched> watched = {{"control", control_, false}};
  for (std::size_t i = 0; i < shards_; ++i) watched.push_back({fmt::format("shard-{}", i), node_->shards().reactor(i)});
  auto all_well = [this] {
    if (link_.is_open()) static_cast<void>(link_.send(process::Notice::Alive));
  };
  watchdog_ = std::make_unique<process::Watchdog>(watched, settings_.watchdog_timeout,
                                                  process::Watchdog::Actions{all_well, on_stall});
}

/// A shard that hangs serves nobody and drains never: better a new process within a second. A control reactor that is
/// busy for long keeps nobody from being served.
void Worker::on_stall(const process::Watchdog::Report& report) {
  if (report.vital) {
    // Should the stuck thread hold a lock of the log, the alarm ends the process all the same.
    std::signal(SIGALRM, SIG_DFL);
    ::alarm(2);
  }
  log::error("watchdog.stuck",
             {{"thread", report.name}, {"stalled_ms", report.stalled.count()}, {"stack", report.stack}});
  log::flush();
  if (report.vital) std::abort();
}

Task<void> Worker::watch_signals() {
  for (;;) {
    co_await signals_.wait_readable(rt::Deadline::never());
    signalfd_siginfo info{};
    while (::read(signals_.fd(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      switch (static_cast<int>(info.ssi_signo)) {
        case SIGHUP:
          on_hangup();
          break;
        case SIGUSR1:
          static_cast<void>(log::reopen());
          files_.reopen_all();
          break;
        case SIGUSR2:
          log::error("upgrade.refused", {{"error", "there is no supervisor that could do it"}});
          break;
        default:
          shut_down();
          break;
      }
    }
    signals_.clear_readable();
  }
}

/// That it is gone shows in its end of the link.
Task<void> Worker::watch_supervisor() {
  for (bool gone = false; !gone;) {
    co_await supervisor_.wait_readable(rt::Deadline::never());
    while (auto order = link_.receive(gone)) on_order(*order);
    supervisor_.clear_readable();
  }
  if (!stopping_) log::error("worker.supervisor_gone");
  shut_down();
}

Task<void> Worker::keep_house() {
  for (;;) {
    co_await rt::Sleep(control_, control_.after_ms(1000));
    log::flush();
    node_->log_shed();
    leave_keepsake();
  }
}

/// Lame duck: readiness is gone at once, requests in flight finish, then the process ends. Who asks twice is in a
/// hurry.
void Worker::shut_down() {
  if (std::exchange(stopping_, true)) return departure_->hurry(settings_.shutdown_timeout);
  log::info("gateway.draining");
  if (!link_.is_open()) process::notify_service_manager("STOPPING=1");
  departure_.emplace(*node_, control_).begin({settings_.shutdown_delay, settings_.shutdown_timeout});
}

}  // namespace sluice::apps
