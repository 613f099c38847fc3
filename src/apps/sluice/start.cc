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

#include "apps/process/memory_file.h"
#include "apps/process/pid_file.h"
#include "apps/process/service_notify.h"
#include "apps/process/supervisor.h"
#include "base/log.h"
#include "commands.h"
#include "handover.h"
#include "hardening.h"
#include "prefix.h"
#include "settings/table.h"
#include "worker.h"

// `sluice start`: listeners and the PID file first, then a supervisor with a worker below it, or the worker alone.

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

/// Gives up what is not needed, before the first thread, and serves until the end.
int serve(WorkerOrders orders) {
  if (auto read = read_with_all_rights(orders); !read) return refuse(read.error());
  const settings::Settings& settings = *orders.settings;
  log::set_level(settings.log_level);
  const process::Hardening hardening = hardening_of(settings, orders.arguments);
  if (!change_user(settings)) return 1;
  process::harden(hardening);
  Worker worker(std::move(orders));
  return worker.run();
}

/// The state of a supervisor between two workers.
class Household {
 public:
  Household(const SettingsArguments& arguments, const settings::Settings& settings, ListeningSockets sockets,
            std::size_t shards) {
    next_.arguments = arguments;
    next_.sockets = std::move(sockets);
    next_.shards = shards;
    duty_.prepare = [this](int link, int keepsake) { return prepare(link, keepsake); };
    duty_.close_listeners = [this] { next_.sockets.close(); };
    duty_.drain_at_most = settings.shutdown_timeout + Millis(5000);
    if (settings.watchdog_timeout != Millis(0)) duty_.silence_at_most = 2 * settings.watchdog_timeout + Millis(2000);
  }
  Household(const Household&) = delete;
  Household& operator=(const Household&) = delete;
  ~Household() { forget(); }

  int run() {
    ::malloc_trim(0);  // parsing the settings took more than watching a process will
    return process::Supervisor(duty_).run();
  }

 private:
  Result<process::WorkerStart> prepare(int link, int keepsake) {
    forget();
    next_.link = link;
    next_.keepsake = keepsake;
    TRY(orders_, next_.write());
    process::WorkerStart start;
    start.command = {"sluice", "worker", "--handover", std::to_string(orders_)};
    start.descriptors = next_.sockets.all();
    start.descriptors.insert(start.descriptors.end(), {orders_, link});
    if (keepsake >= 0) start.descriptors.push_back(keepsake);
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
      fmt::print(stderr, "  {:<10} {}{}\n", what, listener.address(), listener.ssl ? " (TLS)" : "");
    }
  };
  fmt::print(stderr, "Sluice {} listens; Ctrl-C ends it. Its log: {}\n", SLUICE_VERSION, settings.proxy_error_log);
  show("proxy", settings.proxy_listen);
  show("Admin API", settings.admin_listen);
  show("status", settings.status_listen);
  if (settings.database != settings::Database::Off) show("console", settings.admin_gui_listen);
}

/// What the worker before left; nothing of it when it cannot be read.
Keepsake take_keepsake(int descriptor) {
  if (descriptor < 0) return {};
  auto text = process::read_whole(descriptor);
  ::close(descriptor);
  auto keepsake = text ? Keepsake::parse(*text) : std::unexpected(text.error());
  if (keepsake) return *std::move(keepsake);
  log::error("keepsake.unusable", {{"error", keepsake.error()}});
  return {};
}

}  // namespace

int start(const SettingsArguments& given) {
  SettingsArguments arguments = given;
  if (!arguments.file.empty()) {
    auto text = read_file(arguments.file);
    if (!text) return refuse({.what = text.error()});
    arguments.text = *std::move(text);
  }
  auto settings = load_settings(arguments);
  if (!settings) return 1;
  if (auto made = make_prefix(*settings); !made) return refuse(made.error());
  ::umask(static_cast<mode_t>(std::strtoul(settings->umask.c_str(), nullptr, 8)));
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  process::block_signals();
  if (auto opened = open_log(*settings); !opened) return refuse(opened.error());
  auto pid_file = process::PidFile::claim(settings::below_prefix(*settings, "pids/sluice.pid"));
  if (!pid_file) return refuse(pid_file.error());
  const std::size_t shards = shard_count(*settings);
  auto sockets = ListeningSockets::open(*settings, shards);
  if (!sockets) return refuse(sockets.error());
  greet(*settings);
  if (settings->supervisor) return Household(arguments, *settings, *std::move(sockets), shards).run();

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
  orders.keepsake = take_keepsake(handover->keepsake);
  return serve(std::move(orders));
}

}  // namespace sluice::apps
