// SPDX-License-Identifier: Apache-2.0
#include "apps/process/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/process/memory_file.h"
#include "apps/process/service_notify.h"
#include "base/log.h"

namespace sluice::process {
namespace {

constexpr std::int64_t kTickMs = 1000;
constexpr int kSignals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

sigset_t signal_set(bool children) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : kSignals) sigaddset(&set, signal);
  if (children) sigaddset(&set, SIGCHLD);
  return set;
}

/// In the child, between fork and exec: only what is async-signal-safe.
[[noreturn]] void become_worker(const std::vector<char*>& argv, const std::vector<int>& descriptors) {
  for (int fd : descriptors) keep_on_exec(fd, true);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // ports below 1024 are open by now
  ::execv("/proc/self/exe", argv.data());
  static constexpr char kFailed[] = "sluice: cannot start a worker: /proc/self/exe does not execute\n";
  [[maybe_unused]] auto written = ::write(STDERR_FILENO, kFailed, sizeof kFailed - 1);
  ::_exit(127);
}

}  // namespace

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

void block_signals() {
  const sigset_t set = signal_set(false);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int open_signals(bool children) {
  const sigset_t set = signal_set(children);
  if (children) ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

Supervisor::Supervisor(Duty duty, const Estate& estate)
    : duty_(std::move(duty)), link_(estate.link), keepsake_(estate.keepsake), worker_(estate.worker) {
  started_ms_ = heard_ms_ = now_ms();
  ready_ = worker_ != 0;
  ever_ready_ = true;
  for (const Estate::Leaving& one : estate.leaving) {
    leavers_.push_back({one.pid, Link(one.link), started_ms_ + one.kill_in_ms});
  }
}

Supervisor::~Supervisor() {
  if (signals_ >= 0) ::close(signals_);
  if (keepsake_ >= 0) ::close(keepsake_);
}

int Supervisor::run() {
  signals_ = open_signals(true);
  if (worker_ == 0 && !spawn() && !ever_ready_) return 1;  // else look_after() tries again
  std::int64_t before = now_ms();
  while (!ended_) {
    std::vector<pollfd> watched = {{signals_, POLLIN, 0}};
    if (link_.is_open()) watched.push_back({link_.fd(), POLLIN, 0});
    if (upgrade_ && upgrade_->link.is_open()) watched.push_back({upgrade_->link.fd(), POLLIN, 0});
    ::poll(watched.data(), watched.size(), wait_ms(before));
    const std::int64_t now = now_ms();
    // Whoever stopped this process (a suspended machine, a debugger) stopped the worker as well: give it a fresh term.
    if (now - before > 3 * kTickMs) heard_ms_ = now;
    before = now;
    look_after();
    log::flush();
  }
  log::flush();
  return exit_code_;
}

void Supervisor::look_after() {
  take_signals();
  listen_to_worker();
  listen_to_next();
  reap();
  if (ended_) return;
  const std::int64_t now = now_ms();
  if (worker_ == 0 && !stopping_ && upgrade_ == nullptr && now >= respawn_ms_ && !spawn()) {
    respawn_ms_ = now + backoff_.after_death(Millis{0}).count();
  }
  judge_silence(now);
  judge_upgrade(now);
}

bool Supervisor::spawn() {
  auto ends = Link::make();
  if (!ends) {
    log::error("supervisor.cannot_start_worker", {{"error", ends.error()}});
    return false;
  }
  auto start = duty_.prepare(ends->second.fd(), keepsake_);
  if (!start) {
    log::error("supervisor.cannot_start_worker", {{"error", start.error()}});
    return false;
  }
  std::vector<char*> argv;
  for (std::string& argument : start->command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) become_worker(argv, start->descriptors);
  if (child < 0) {
    log::error("supervisor.cannot_start_worker", {{"error", std::strerror(errno)}});
    return false;
  }
  link_ = std::move(ends->first);
  worker_ = child;
  ready_ = false;
  started_ms_ = heard_ms_ = now_ms();
  return true;
}

void Supervisor::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    on_signal(static_cast<int>(info.ssi_signo));
  }
}

void Supervisor::on_signal(int signal) {
  switch (signal) {
    case SIGCHLD:
      break;  // reap() looks anyway
    case SIGUSR1:
      static_cast<void>(log::reopen());
      [[fallthrough]];
    case SIGHUP:
      if (worker_ != 0) ::kill(worker_, signal);
      if (upgrade_ && upgrade_->worker != 0) ::kill(upgrade_->worker, signal);
      if (signal == SIGHUP) break;
      for (const Leaver& one : leavers_) ::kill(one.pid, signal);
      break;
    case SIGUSR2:
      begin_upgrade();
      break;
    default:
      begin_end();
      break;
  }
}

void Supervisor::begin_end() {
  if (std::exchange(stopping_, true)) {
    if (worker_ != 0) ::kill(worker_, SIGTERM);  // somebody is in a hurry
    return;
  }
  notify_service_manager("STOPPING=1");
  if (upgrade_) fail_upgrade("the gateway is being stopped");
  duty_.close_listeners();
  const std::int64_t until = now_ms() + duty_.drain_at_most.count();
  for (Leaver& one : leavers_) {
    ::kill(one.pid, SIGTERM);
    one.kill_ms = std::min(one.kill_ms, until);
  }
  kill_ms_ = until;
  if (worker_ != 0) ::kill(worker_, SIGTERM);
  ended_ = worker_ == 0 && leavers_.empty();
}

/// As process 1 of a container it also collects orphans.
void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == worker_) {
      on_death(status);
    } else if (upgrade_ && pid == upgrade_->worker) {
      listen_to_next();  // its last words
      if (!upgrade_ || pid != upgrade_->worker) continue;
      upgrade_->worker = 0;
      fail_upgrade(WIFSIGNALED(status) ? std::string("it died: ") + ::strsignal(WTERMSIG(status)) : "it ended");
    } else if (forget_leaver(pid, status) && stopping_ && worker_ == 0) {
      ended_ = leavers_.empty();
    }
  }
}

void Supervisor::on_death(int status) {
  listen_to_worker();  // its last words
  const Millis lived{now_ms() - started_ms_};
  const pid_t dead = std::exchange(worker_, 0);
  const bool was_ready = std::exchange(ready_, false);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  link_.close();
  if (!stopping_) kill_ms_ = 0;
  if (stopping_ || !ever_ready_) {
    ended_ = leavers_.empty();
    exit_code_ = WIFSIGNALED(status) ? 1 : code;
    if (!stopping_ && WIFSIGNALED(status))
      log::error("supervisor.worker_died_at_start", {{"signal", WTERMSIG(status)}});
    return;
  }
  const Millis wait = backoff_.after_death(was_ready ? lived : Millis{0});
  respawn_ms_ = now_ms() + wait.count();
  const char* how = WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "exited";
  log::error("supervisor.worker_died", {{"pid", dead},
                                        {"how", how},
                                        {"exit_code", code},
                                        {"was_ready", was_ready},
                                        {"lived_ms", lived.count()},
                                        {"deaths_in_a_row", backoff_.deaths()},
                                        {"restart_in_ms", wait.count()}});
  if (upgrade_) go_on_without_worker();
}

void Supervisor::listen_to_worker() {
  bool gone = false;
  while (link_.is_open()) {
    auto received = link_.receive(gone);
    if (!received) break;
    heard_ms_ = now_ms();
    switch (received->notice) {
      case Notice::Ready:
        if (!ever_ready_) notify_service_manager("READY=1");
        ready_ = ever_ready_ = true;
        log::info("supervisor.worker_ready", {{"pid", worker_}, {"start_ms", heard_ms_ - started_ms_}});
        break;
      case Notice::Keepsake:
        if (keepsake_ >= 0) ::close(keepsake_);
        keepsake_ = std::exchange(received->descriptor, -1);
        break;
      case Notice::Channel:
        if (!upgrade_ || upgrade_->step != Upgrade::Step::Releasing || received->descriptor < 0) break;
        upgrade_->channels.push_back(std::exchange(received->descriptor, -1));
        break;
      case Notice::Released:
        if (upgrade_ && upgrade_->step == Upgrade::Step::Releasing) let_take_over();
        break;
      default:  // Alive
        break;
    }
    if (received->descriptor >= 0) ::close(received->descriptor);
  }
  if (gone) link_.close();  // its death follows
}

void Supervisor::judge_silence(std::int64_t now) {
  for (Leaver& one : leavers_) {
    if (now < one.kill_ms) continue;
    log::warn("supervisor.leaver_does_not_end", {{"pid", one.pid}});
    ::kill(one.pid, SIGKILL);
    one.kill_ms = now + kTickMs;
  }
  if (worker_ == 0) return;
  if (kill_ms_ != 0 && now >= kill_ms_) {
    log::error("supervisor.worker_does_not_end", {{"pid", worker_}});
    ::kill(worker_, SIGKILL);
    kill_ms_ = now + kTickMs;
    return;
  }
  const std::int64_t limit = duty_.silence_at_most.count();
  if (stopping_ || !ready_ || limit == 0 || now - heard_ms_ < limit) return;
  log::error("supervisor.worker_silent", {{"pid", worker_}, {"silent_ms", now - heard_ms_}});
  ::kill(worker_, SIGKILL);  // the only signal that also ends a stopped process
  heard_ms_ = now;
}

int Supervisor::wait_ms(std::int64_t now) const {
  if (upgrade_ || (worker_ != 0 && !leavers_.empty())) return static_cast<int>(kTickMs);
  if (worker_ == 0 && stopping_) return static_cast<int>(kTickMs);
  if (worker_ == 0) return static_cast<int>(std::clamp<std::int64_t>(respawn_ms_ - now, 0, kTickMs));
  if (kill_ms_ != 0) return static_cast<int>(std::clamp<std::int64_t>(kill_ms_ - now, 0, kTickMs));
  return ready_ && duty_.silence_at_most.count() == 0 ? -1 : static_cast<int>(kTickMs);
}

}  // namespace sluice::process
