// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fmt/core.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/process/hardening.h"
#include "apps/process/memory_file.h"
#include "apps/process/pid_file.h"
#include "apps/process/program.h"
#include "apps/process/supervisor.h"
#include "base/log.h"
#include "commands.h"
#include "console_folder.h"
#include "handover.h"
#include "hardening.h"
#include "prefix.h"
#include "settings/table.h"
#include "upgrade.h"
#include "worker.h"

// `sluice start`: listeners and the PID file first, then a supervisor with a worker below it, or the worker alone. Also
// what the supervisor starts below itself, and becomes by an upgrade.

namespace sluice::apps {
namespace {

int refuse(const Error& error) {
  fmt::print(stderr, "sluice: {}\n", error.what);
  return 1;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<> open_log(const settings::Settings& settings) {
  log::Options options;
  options.level = settings.log_level;
  options.format = settings.log_format;
  if (settings.proxy_error_log != "/dev/stderr" && settings.proxy_error_log != "stderr") {
    options.file = settings::below_prefix(settings, settings.proxy_error_log);
    options.shared_folder = !settings.nginx_user.empty() && options.file.starts_with(settings.prefix + "/");
  }
  return log::configure(options);
}

/// The settings that the worker before had taken over by a reload; null when there was none, or they cannot be had any
/// more: then those of the start do. All or nothing, and nothing that nobody asked to reload.
std::unique_ptr<settings::Settings> reloaded_settings(const WorkerOrders& orders, Materials& materials) {
  if (!orders.keepsake.settings) return nullptr;
  auto unusable = [](const std::string& error) {
    log::warn("worker.started_with_first_settings", {{"error", error}});
    return nullptr;
  };
  SettingsArguments arguments = orders.arguments;
  arguments.text = orders.keepsake.settings;
  auto fresh = read_settings(arguments);
  if (!fresh) return unusable(fresh.error());
  auto settings = std::make_unique<settings::Settings>(*orders.settings);
  settings::take_live(*settings, fresh->settings);
  auto read = read_materials(*settings);
  if (!read) return unusable(read.error().what);
  auto live = make_live_set(*settings, *read, std::make_shared<net::tls::TicketKeys>());
  if (!live) return unusable(live.error().what);
  materials = *std::move(read);
  return settings;
}

/// What takes rights that are given up next. Writes nothing through a link: a worker may have been here before.
Result<> read_with_all_rights(WorkerOrders& orders) {
  if (auto reloaded = reloaded_settings(orders, orders.materials)) {
    orders.settings = std::move(reloaded);
  } else {
    orders.keepsake.settings.reset();
    TRY(orders.materials, read_materials(*orders.settings));
  }
  orders.node_id = node_id(*orders.settings);
  if (orders.settings->database == settings::Database::Off) orders.declarative = declarative_text(*orders.settings);
  return {};
}

/// Gives up what is not needed, before the first thread, and loads everything.
Result<std::unique_ptr<Worker>> make_worker(WorkerOrders orders) {
  TRY(read_with_all_rights(orders));
  const settings::Settings& settings = *orders.settings;
  log::set_level(settings.log_level);
  const process::Hardening hardening = hardening_of(settings, orders.arguments);
  TRY(change_user(settings));
  process::harden(hardening);
  auto worker = std::make_unique<Worker>(std::move(orders));
  TRY(worker->prepare());
  return worker;
}

int serve(WorkerOrders orders) {
  auto worker = make_worker(std::move(orders));
  return worker ? (*worker)->run() : refuse(worker.error());
}

/// The state of a supervisor between two workers.
class Household {
 public:
  /// `origin` says all that its workers have in common.
  Household(Handover origin, const settings::Settings& settings, process::PidFile& pid_file)
      : next_(std::move(origin)) {
    duty_.prepare = [this](int link, int keepsake) { return prepare(next_, link, keepsake); };
    duty_.close_listeners = [this] { next_.sockets.close(); };
    duty_.drain_at_most = settings.shutdown_delay + settings.shutdown_timeout + Millis(5000);
    if (settings.watchdog_timeout != Millis(0)) duty_.silence_at_most = 2 * settings.watchdog_timeout + Millis(2000);

    duty_.program = next_.program;
    duty_.prepare_next = [this](int link, int keepsake, int errors) { return prepare_next(link, keepsake, errors); };
    duty_.supervise = [](int estate, bool trial) {
      std::vector<std::string> command = {"sluice", "supervise", "--estate", std::to_string(estate)};
      if (trial) command.emplace_back("--trial");
      return command;
    };
    duty_.on_failed_upgrade = [prefix = settings.prefix](std::string_view problem) { report_upgrade(prefix, problem); };
    duty_.leave_at_most = settings.upgrade_drain_timeout + Millis(5000);
    duty_.pid_file = pid_file.descriptor();
  }
  Household(const Household&) = delete;
  Household& operator=(const Household&) = delete;
  ~Household() { forget(); }

  int run() {
    ::malloc_trim(0);  // parsing the settings took more than watching a process will
    return process::Supervisor(duty_).run();
  }
  /// The same where workers are there already.
  int go_on(const process::Estate& estate) {
    ::malloc_trim(0);
    return process::Supervisor(duty_, estate).run();
  }

 private:
  Result<process::WorkerStart> prepare(Handover& handover, int link, int keepsake) {
    forget();
    handover.link = link;
    handover.keepsake = keepsake;
    TRY(orders_, handover.write());
    process::WorkerStart start;
    start.command = {"sluice", "worker", "--handover", std::to_string(orders_)};
    start.descriptors = handover.sockets.all();
    start.descriptors.insert(start.descriptors.end(), {orders_, link});
    if (keepsake >= 0) start.descriptors.push_back(keepsake);
    return start;
  }
  /// Which reads its settings from where we did.
  Result<process::WorkerStart> prepare_next(int link, int keepsake, int errors) {
    Handover handover = next_;
    handover.arguments.text.reset();
    handover.next_version = true;
    handover.errors = errors;
    TRY(auto start, prepare(handover, link, keepsake));
    start.descriptors.push_back(errors);
    return start;
  }
  void forget() {
    if (orders_ >= 0) ::close(std::exchange(orders_, -1));
  }

  Handover next_;
  process::Duty duty_;
  int orders_ = -1;  // of the last worker
};

/// On a terminal: that it runs, and where. Elsewhere standard error is for what is wrong.
void greet(const settings::Settings& settings) {
  if (::isatty(STDERR_FILENO) == 0) return;
  const auto show = [](std::string_view what, const std::vector<settings::Listener>& listeners) {
    for (const settings::Listener& listener : listeners) {
      fmt::print(stderr, "  {:<12} {}{}\n", what, listener.address(), listener.ssl ? " (TLS)" : "");
    }
  };
  fmt::print(stderr, "Sluice {} listens; Ctrl-C ends it. Its log: {}\n", SLUICE_VERSION, settings.proxy_error_log);
  if (settings.role != settings::Role::ControlPlane) {
    show("proxy", settings.proxy_listen);
    show("streams", settings.stream_listen);
  }
  show("Admin API", settings.admin_listen);
  show("status", settings.status_listen);
  if (has_platform(settings)) {
    show(console_folder(settings).empty() ? "platform API" : "console", settings.admin_gui_listen);
  }
  if (has_cluster(settings)) show("data planes", settings.cluster_listen);
}

/// What every process does before it opens anything.
Result<> set_up_process(const settings::Settings& settings) {
  ::umask(static_cast<mode_t>(std::strtoul(settings.umask.c_str(), nullptr, 8)));
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  process::block_signals();
  return open_log(settings);
}

Result<> read_settings_file(SettingsArguments& arguments) {
  if (arguments.file.empty()) return {};
  auto text = read_file(arguments.file);
  if (!text) return fail(Errc::Io, text.error());
  arguments.text = *std::move(text);
  return {};
}

/// The listeners' sockets, and what the supervisor shall go on with once this process serves.
Result<> tell_supervisor(const process::Link& link, const Handover& handover) {
  for (const int socket : handover.sockets.all()) {
    if (!link.send_patiently(process::Notice::Socket, socket)) return fail(Errc::Closed, "the supervisor has gone");
  }
  Handover orders = handover;
  orders.sockets = handover.sockets.as_places();
  orders.link = orders.keepsake = orders.errors = -1;
  orders.next_version = false;
  TRY(const int paper, orders.write());
  const bool sent = link.send_patiently(process::Notice::Orders, paper);
  ::close(paper);
  return sent ? Result<>{} : fail(Errc::Closed, "the supervisor has gone");
}

/// With the rights of the supervisor: settings are read as at a start, and listeners opened that were not there.
Result<WorkerOrders> orders_of_next_version(Handover handover) {
  TRY(read_settings_file(handover.arguments));
  auto loaded = read_settings(handover.arguments);
  if (!loaded) return fail(Errc::Invalid, loaded.error());
  WorkerOrders orders;
  orders.settings = std::make_unique<settings::Settings>(std::move(loaded->settings));
  const settings::Settings& settings = *orders.settings;
  if (settings.prefix != handover.prefix) return fail(Errc::Invalid, "prefix: only a restart can change it");
  if (!settings.supervisor) return fail(Errc::Invalid, "supervisor: only a restart can switch it off");
  TRY(make_prefix(settings));
  TRY(set_up_process(settings));
  // Sockets of a listener share what arrives: closing one of them would lose who waits there.
  const bool shared = !handover.sockets.proxy.empty() || !handover.sockets.streams.empty();
  if (shared && handover.shards != shard_count(settings)) {
    log::warn("config.needs_restart", {{"settings", "nginx_worker_processes"}});
  } else {
    handover.shards = shard_count(settings);
  }
  TRY(handover.sockets, ListeningSockets::open(settings, handover.shards, std::exchange(handover.sockets, {})));
  orders.link = process::Link(handover.link);
  TRY(tell_supervisor(orders.link, handover));
  process::drop_ambient_capabilities();
  orders.arguments = handover.arguments;
  orders.arguments.text.reset();
  orders.sockets = std::move(handover.sockets);
  orders.shards = handover.shards;
  orders.keepsake = Keepsake::take(handover.keepsake).only_rows();
  orders.next_version = true;
  return orders;
}

/// Whoever asked for the upgrade is told what is wrong, beside standard error.
int serve_next_version(Handover handover) {
  const int errors = handover.errors;
  auto orders = orders_of_next_version(std::move(handover));
  auto worker = orders ? make_worker(*std::move(orders)) : std::unexpected(orders.error());
  if (worker) {
    ::close(errors);
    return (*worker)->run();
  }
  [[maybe_unused]] auto written = ::write(errors, worker.error().what.data(), worker.error().what.size());
  return refuse(worker.error());
}

}  // namespace

int start(const SettingsArguments& given) {
  SettingsArguments arguments = given;
  if (auto read = read_settings_file(arguments); !read) return refuse(read.error());
  auto settings = load_settings(arguments);
  if (!settings) return 1;
  if (auto made = make_prefix(*settings); !made) return refuse(made.error());
  if (auto done = set_up_process(*settings); !done) return refuse(done.error());
  auto pid_file = process::PidFile::claim(settings::below_prefix(*settings, kPidFile));
  if (!pid_file) return refuse(pid_file.error());
  const std::size_t shards = shard_count(*settings);
  auto sockets = ListeningSockets::open(*settings, shards);
  if (!sockets) return refuse(sockets.error());
  greet(*settings);
  if (settings->supervisor) {
    Handover origin;
    origin.arguments = arguments;
    origin.sockets = *std::move(sockets);
    origin.shards = shards;
    origin.program = process::path_of_program();
    origin.prefix = settings->prefix;
    return Household(std::move(origin), *settings, *pid_file).run();
  }

  WorkerOrders orders;
  orders.arguments = given;
  orders.sockets = *std::move(sockets);
  orders.shards = shards;
  orders.settings = std::move(settings);
  return serve(std::move(orders));
}

int worker(int descriptor) {
  ::pthread_setname_np(::pthread_self(), "sluice");  // else exec names it after the link in /proc
  auto handover = Handover::read(descriptor);
  if (!handover) return refuse({.what = "worker: " + handover.error().what});
  if (handover->next_version) return serve_next_version(*std::move(handover));
  auto loaded = read_settings(handover->arguments);  // its warnings have been printed
  if (!loaded) return refuse({.what = loaded.error()});
  WorkerOrders orders;
  orders.settings = std::make_unique<settings::Settings>(std::move(loaded->settings));
  std::signal(SIGPIPE, SIG_IGN);
  process::block_signals();
  if (auto opened = open_log(*orders.settings); !opened) return refuse(opened.error());
  orders.arguments = handover->arguments;
  orders.arguments.text.reset();
  orders.sockets = std::move(handover->sockets);
  orders.shards = handover->shards;
  orders.link = process::Link(handover->link);
  orders.keepsake = Keepsake::take(handover->keepsake);
  return serve(std::move(orders));
}

int supervise(int descriptor, bool trial) {
  ::pthread_setname_np(::pthread_self(), "sluice");
  auto estate = process::Estate::read(descriptor);
  if (!estate) return refuse({.what = "supervise: " + estate.error().what});
  auto origin = Handover::read(estate->orders, estate->sockets);
  if (!origin) return refuse({.what = "supervise: " + origin.error().what});
  auto loaded = read_settings(origin->arguments);
  if (!loaded) return refuse({.what = loaded.error()});
  if (trial) return 0;
  const settings::Settings& settings = loaded->settings;
  // Nothing stops it any more: the worker serves.
  if (auto done = set_up_process(settings); !done) log::error("upgrade.no_log", {{"error", done.error()}});
  auto pid_file = process::PidFile::inherited(settings::below_prefix(settings, kPidFile), estate->pid_file);
  for (const int inherited : estate->descriptors()) process::keep_on_exec(inherited, false);
  log::notice("upgrade.done", {{"version", SLUICE_VERSION}, {"worker", estate->worker}});
  report_upgrade(settings.prefix, "");
  return Household(*std::move(origin), settings, pid_file).go_on(*estate);
}

}  // namespace sluice::apps
