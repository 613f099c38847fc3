// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <span>
#include <thread>

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "commands.h"
#include "crypto/hash.h"
#include "gateway/node.h"
#include "net/tls/self_signed.h"
#include "net/tls/server_context.h"
#include "rt/io_source.h"
#include "rt/scope.h"
#include "telemetry/file_writer.h"

namespace sluice::apps {
namespace {

/// Creates the working folder and what lies in it.
bool make_prefix(const settings::Settings& settings) {
  std::string path;
  for (std::string_view part : split(settings.prefix, '/')) {
    path.append(part).append("/");
    if (part.empty()) continue;
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
      fmt::print(stderr, "sluice: cannot create the prefix {}: {}\n", settings.prefix, std::strerror(errno));
      return false;
    }
  }
  for (const char* folder : {"logs", "pids", "ssl"}) {
    ::mkdir(settings::below_prefix(settings, folder).c_str(), 0755);
  }
  return true;
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::trunc);
  out << text;
  return static_cast<bool>(out.flush());
}

/// The node's identity persists in the prefix.
std::string node_id(const settings::Settings& settings) {
  if (!settings.node_id.empty()) return settings.node_id;
  const std::string path = settings::below_prefix(settings, "node.id");
  if (auto text = read_file(path)) {
    if (auto id = Uuid::parse(trim(*text))) return id->to_string();
  }
  std::string id = Uuid::random().to_string();
  write_file(path, id + "\n");
  return id;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string error_type(settings::ErrorType type) {
  switch (type) {
    case settings::ErrorType::Json:
      return "application/json";
    case settings::ErrorType::Html:
      return "text/html";
    case settings::ErrorType::Xml:
      return "application/xml";
    case settings::ErrorType::PlainText:
      break;
  }
  return "text/plain";
}

/// "3.10.0" of "3.10.0.0".
std::string product_version(std::string_view compat) {
  auto parts = split_list(compat, '.');
  std::string version;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, parts.size()); ++i)
    version.append(i == 0 ? "" : ".").append(parts[i]);
  return version;
}

gateway::GatewayOptions gateway_options(const settings::Settings& settings) {
  gateway::GatewayOptions options;
  options.version = product_version(settings.compat_version);
  options.product = "kong/" + options.version;
  options.node_id = node_id(settings);
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  options.hostname = name.data();
  options.server_tokens = settings.headers.server || settings.headers.via;
  options.latency_tokens = settings.headers.proxy_latency || settings.headers.upstream_latency;
  options.upstream_status_header = settings.headers.upstream_status;
  options.request_id_downstream = settings.headers.request_id;
  options.request_id_upstream = settings.headers_upstream.request_id;
  options.allow_debug_header = settings.allow_debug_header;
  options.trusted_ips = settings.trusted_ips;
  options.real_ip_header = settings.real_ip_header;
  options.real_ip_recursive = settings.real_ip_recursive;
  options.error_default_type = error_type(settings.error_default_type);
  options.client_max_body_size = settings.client_max_body_size.count;
  options.upstream_tls_verify = settings.upstream_tls_verify;
  options.server.head.head_octets = settings.client_max_header_size.count;
  options.server.head.target_octets = settings.client_max_uri_size.count;
  options.server.head.fields = settings.client_max_headers;
  options.server.header_timeout_ms = settings.client_header_timeout.count();
  options.server.keepalive_timeout_ms = settings.client_keepalive_timeout.count();
  options.server.body_timeout_ms = settings.client_body_timeout.count();
  options.server.send_timeout_ms = settings.client_send_timeout.count();
  options.server.max_requests =
      settings.client_keepalive_requests == 0 ? UINT64_MAX : settings.client_keepalive_requests;
  options.pool.max_idle = settings.upstream_keepalive_pool_size;
  options.pool.max_requests = settings.upstream_keepalive_max_requests;
  options.pool.idle_timeout_ms = settings.upstream_keepalive_idle_timeout.count();
  return options;
}

net::dns::Settings dns_settings(const settings::Settings& settings) {
  net::dns::Settings dns;
  for (const settings::ResolverAddress& server : settings.dns_resolver) {
    dns.channel.servers.push_back(to_string(server.ip, server.port));
  }
  if (!settings.dns_hostsfile.empty()) dns.hosts_file = settings.dns_hostsfile;
  dns.stale_ttl_s = settings.dns_stale_ttl.count() / 1000;
  dns.not_found_ttl_s = settings.dns_not_found_ttl.count() / 1000;
  dns.error_ttl_s = settings.dns_error_ttl.count() / 1000;
  dns.cache_size = settings.dns_cache_size;
  if (settings.dns_valid_ttl.count() > 0) dns.valid_ttl_s = settings.dns_valid_ttl.count() / 1000;
  return dns;
}

/// The listeners' own certificate: of the settings, or one made at the first start and kept in the prefix.
Result<std::shared_ptr<const net::tls::IdentitySet>> own_identity(const settings::Settings& settings) {
  std::string cert, key;
  if (!settings.ssl_cert.empty()) {
    cert = settings.ssl_cert.front();
    key = settings.ssl_cert_key.empty() ? std::string{} : settings.ssl_cert_key.front().reveal();
    if (auto text = read_file(cert)) cert = *text;
    if (auto text = read_file(key)) key = *text;
  } else {
    const std::string cert_path = settings::below_prefix(settings, "ssl/sluice-default.crt");
    const std::string key_path = settings::below_prefix(settings, "ssl/sluice-default.key");
    auto stored_cert = read_file(cert_path);
    auto stored_key = read_file(key_path);
    if (stored_cert && stored_key) {
      cert = *stored_cert;
      key = *stored_key;
    } else {
      TRY(net::tls::PemPair made, net::tls::make_self_signed({"localhost"}));
      cert = made.certificate;
      key = made.key;
      write_file(cert_path, cert);
      write_file(key_path, key);
      ::chmod(key_path.c_str(), 0600);
    }
  }
  TRY(net::tls::Identity identity, net::tls::Identity::from_pem(cert, key));
  return net::tls::IdentitySet::of(std::move(identity));
}

/// The contexts of listeners with and without HTTP/2, which differ in what ALPN offers.
Result<> make_tls_contexts(const settings::Settings& settings, gateway::NodeParts& parts) {
  net::tls::ServerSettings tls;
  TRY(tls.identity, own_identity(settings));
  tls.alpn = {"http/1.1"};
  tls.tickets = settings.ssl_session_tickets;
  tls.session_timeout_s = settings.ssl_session_timeout.count() / 1000;
  auto keys = std::make_shared<net::tls::TicketKeys>();
  TRY(parts.tls, net::tls::ServerContext::make(tls, keys));
  tls.alpn = {"h2", "http/1.1"};
  TRY(parts.tls_http2, net::tls::ServerContext::make(std::move(tls), std::move(keys)));
  return {};
}

/// The authorities that upstreams' certificates are judged by: the system's, or files.
Result<std::shared_ptr<const net::tls::TrustStore>> trust_store(const settings::Settings& settings) {
  std::vector<std::string> texts;
  for (const std::string& entry : settings.lua_ssl_trusted_certificate) {
    if (entry == "system") continue;
    auto text = read_file(entry);
    texts.push_back(text ? *std::move(text) : entry);  // a path, or the PEM text itself
  }
  return texts.empty() ? net::tls::TrustStore::system() : net::tls::TrustStore::from_pem(texts);
}

/// Opens every proxy listener once per shard, before anything else may fail later.
Result<std::vector<gateway::ProxyDoor>> open_doors(const std::vector<settings::Listener>& listeners,
                                                   std::size_t shards) {
  std::vector<gateway::ProxyDoor> doors;
  for (const settings::Listener& listener : listeners) {
    gateway::ProxyDoor door;
    door.tls = listener.ssl;
    door.http2 = listener.http2;
    door.proxy_protocol = listener.proxy_protocol;
    net::ListenOptions options;
    if (listener.backlog > 0) options.backlog = listener.backlog;
    options.v6_only = listener.ipv6only;
    options.keep_alive = listener.so_keepalive;
    for (std::size_t i = 0; i < shards; ++i) {
      TRY(int socket, net::listen_on(net::Address(listener.ip, listener.port), options));
      door.sockets.push_back(socket);
    }
    doors.push_back(std::move(door));
  }
  return doors;
}

/// The running process, from its settings to its end.
class Gateway {
 public:
  explicit Gateway(const settings::Settings& settings, SettingsArguments arguments)
      : settings_(settings), arguments_(std::move(arguments)), vocabulary_(settings.router_flavor) {}

  int run();

 private:
  bool load_first_configuration();
  Task<void> watch_signals();
  Task<void> reload();
  Task<void> keep_house();
  void shut_down();

  const settings::Settings& settings_;
  SettingsArguments arguments_;
  Vocabulary vocabulary_;
  rt::Reactor control_;
  rt::BlockingPool blocking_{2};
  rt::shared::CounterTable counters_;
  telemetry::FileWriter files_;
  std::unique_ptr<gateway::NodeParts> parts_;
  std::vector<gateway::ProxyDoor> doors_;
  std::unique_ptr<gateway::Node> node_;
  std::unique_ptr<Admin> admin_;
  rt::IoSource signals_;
  rt::TaskScope tasks_;
  std::thread drain_;
  bool stopping_ = false;
};

int Gateway::run() {
  const std::size_t shards = settings_.nginx_worker_processes.count != 0
                                 ? settings_.nginx_worker_processes.count
                                 : std::max(1U, std::thread::hardware_concurrency());
  parts_ = std::make_unique<gateway::NodeParts>(gateway::NodeParts{.options = gateway_options(settings_),
                                                                   .dns = dns_settings(settings_),
                                                                   .tls = nullptr,
                                                                   .tls_http2 = nullptr,
                                                                   .trust = nullptr,
                                                                   .access_log = {},
                                                                   .id_key = {},
                                                                   .origin = {},
                                                                   .blocking = blocking_,
                                                                   .counters = counters_,
                                                                   .files = files_});
  if (settings_.proxy_access_log != "off")
    parts_->access_log = settings::below_prefix(settings_, settings_.proxy_access_log);
  fill_random(std::as_writable_bytes(std::span(parts_->id_key)));
  parts_->origin.boot = static_cast<std::uint32_t>(random_u64());
  if (auto trust = trust_store(settings_)) {
    parts_->trust = *trust;
  } else {
    fmt::print(stderr, "sluice: lua_ssl_trusted_certificate: {}\n", trust.error().what);
    return 1;
  }
  auto speaks_tls = [](const std::vector<settings::Listener>& listeners) {
    return std::any_of(listeners.begin(), listeners.end(), [](const auto& listener) { return listener.ssl; });
  };
  if (speaks_tls(settings_.proxy_listen) || speaks_tls(settings_.admin_listen) || speaks_tls(settings_.status_listen)) {
    if (auto made = make_tls_contexts(settings_, *parts_); !made) {
      fmt::print(stderr, "sluice: TLS: {}\n", made.error().what);
      return 1;
    }
  }
  node_ = std::make_unique<gateway::Node>(*parts_, *vocabulary_.catalog, vocabulary_.plugins, vocabulary_.flavor,
                                          shards, control_);
  admin_ = std::make_unique<Admin>(settings_, vocabulary_, *node_, control_, *parts_);
  if (!load_first_configuration()) return 1;

  auto doors = open_doors(settings_.proxy_listen, shards);
  if (!doors) {
    fmt::print(stderr, "sluice: {}\n", doors.error().what);
    return 1;
  }
  doors_ = *std::move(doors);
  if (auto opened = admin_->listen(); !opened) {
    fmt::print(stderr, "sluice: {}\n", opened.error().what);
    return 1;
  }
  node_->start(doors_);
  const std::string pid_file = settings::below_prefix(settings_, "pids/sluice.pid");
  write_file(pid_file, std::to_string(::getpid()) + "\n");
  log::info("gateway.started", {{"version", SLUICE_VERSION}, {"shards", shards}, {"prefix", settings_.prefix}});

  sigset_t wanted;
  sigemptyset(&wanted);
  for (int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1}) sigaddset(&wanted, signal);
  signals_.attach(control_, ::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
  tasks_.spawn(watch_signals());
  tasks_.spawn(keep_house());
  control_.run();

  if (drain_.joinable()) drain_.join();
  tasks_.cancel();
  signals_.close();
  admin_.reset();
  node_.reset();
  ::unlink(pid_file.c_str());
  log::info("gateway.stopped");
  log::flush();
  return 0;
}

bool Gateway::load_first_configuration() {
  std::string text = settings_.declarative_config_string;
  if (text.empty() && !settings_.declarative_config.empty()) {
    auto file = read_file(settings_.declarative_config);
    if (!file) {
      fmt::print(stderr, "sluice: {}\n", file.error());
      return false;
    }
    text = *std::move(file);
  }
  if (text.empty()) return true;
  auto delta = load_configuration(vocabulary_, text);
  if (!delta) {
    fmt::print(stderr, "sluice: the declarative configuration is not valid:\n{}", delta.error());
    return false;
  }
  std::string problems;
  if (!admin_->take_first(*std::move(delta), problems)) {
    fmt::print(stderr, "sluice: the declarative configuration cannot be served:\n{}", problems);
    return false;
  }
  return true;
}

Task<void> Gateway::watch_signals() {
  for (;;) {
    co_await signals_.wait_readable(rt::Deadline::never());
    signalfd_siginfo info{};
    while (::read(signals_.fd(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      switch (static_cast<int>(info.ssi_signo)) {
        case SIGHUP:
          tasks_.spawn(reload());
          break;
        case SIGUSR1:
          log::reopen();
          files_.reopen_all();
          break;
        default:
          shut_down();
          break;
      }
    }
    signals_.clear_readable();
  }
}

/// SIGHUP: the file again, all or nothing.
Task<void> Gateway::reload() {
  log::reopen();
  files_.reopen_all();
  if (settings_.declarative_config.empty()) co_return;
  auto text = read_file(settings_.declarative_config);
  if (!text) {
    log::error("config.reload_failed", {{"error", text.error()}});
    co_return;
  }
  auto delta = load_configuration(vocabulary_, *text);
  if (!delta) {
    log::error("config.reload_failed", {{"file", settings_.declarative_config}, {"error", delta.error()}});
    co_return;
  }
  std::string problems = co_await admin_->replace(*std::move(delta));
  if (problems.empty()) {
    log::info("config.reloaded", {{"file", settings_.declarative_config}});
  } else {
    log::error("config.reload_failed", {{"file", settings_.declarative_config}, {"error", problems}});
  }
}

Task<void> Gateway::keep_house() {
  for (;;) {
    co_await rt::Sleep(control_, control_.after_ms(1000));
    log::flush();
  }
}

/// Lame duck: readiness is gone at once, requests in flight finish, then the process ends.
void Gateway::shut_down() {
  if (std::exchange(stopping_, true)) return;
  log::info("gateway.draining");
  drain_ = std::thread([this] {
    node_->drain(settings_.shutdown_timeout.count());
    control_.stop();
  });
}

}  // namespace

int start(const SettingsArguments& arguments) {
  auto settings = load_settings(arguments);
  if (!settings) return 1;
  if (!make_prefix(*settings)) return 1;
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1}) sigaddset(&blocked, signal);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);  // before any thread: all inherit it, and signalfd receives

  log::Options options;
  options.level = settings->log_level;
  options.format = settings->log_format;
  if (settings->proxy_error_log != "/dev/stderr" && settings->proxy_error_log != "stderr") {
    options.file = settings::below_prefix(*settings, settings->proxy_error_log);
  }
  if (auto configured = log::configure(options); !configured) {
    fmt::print(stderr, "sluice: {}\n", configured.error().what);
    return 1;
  }
  Gateway gateway(*settings, arguments);
  return gateway.run();
}

}  // namespace sluice::apps
