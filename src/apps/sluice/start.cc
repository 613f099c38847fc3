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
  }
  return log::configure(options);
}

/// Gives up what is not needed, before the first thread, and serves until the end.
int serve(WorkerOrders orders, const process::Hardening& hardening) {
  const settings::Settings& settings = *orders.settings;
  auto materials = read_materials(settings);
  if (!materials) return refuse(materials.error());
  orders.materials = *std::move(materials);
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
    duty_.prepare = [this](int link, int keepsake, bool respawned) { return prepare(link, keepsake, respawned); };
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
  Result<process::WorkerStart> prepare(int link, int keepsake, bool respawned) {
    forget();
    next_.link = link;
    next_.keepsake = keepsake;
    next_.respawned = respawned;
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

/// What a worker that replaces another one takes over at once: the settings that a reload would have taken since.
void refresh(settings::Settings& settings, SettingsArguments now) {
  now.text.reset();
  if (auto fresh = read_settings(now)) {
    settings::take_live(settings, fresh->settings);
  } else {
    log::warn("worker.started_with_first_settings", {{"error", fresh.error()}});
  }
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
  if (settings->supervisor) return Household(arguments, *settings, *std::move(sockets), shards).run();

  WorkerOrders orders;
  orders.arguments = given;
  orders.sockets = *std::move(sockets);
  orders.shards = shards;
  const process::Hardening hardening = hardening_of(*settings, given);
  orders.settings = std::move(settings);
  return serve(std::move(orders), hardening);
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
  if (handover->respawned) refresh(*orders.settings, orders.arguments);
  log::set_level(orders.settings->log_level);
  orders.sockets = std::move(handover->sockets);
  orders.shards = handover->shards;
  orders.link = process::Link(handover->link);
  if (handover->keepsake >= 0) {
    if (auto text = process::read_whole(handover->keepsake)) orders.keepsake = *std::move(text);
    ::close(handover->keepsake);
  }
  const process::Hardening hardening = hardening_of(*orders.settings, orders.arguments);
  return serve(std::move(orders), hardening);
}

}  // namespace sluice::apps
