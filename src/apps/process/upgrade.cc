// SPDX-License-Identifier: Apache-2.0
#include "apps/process/upgrade.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/process/memory_file.h"
#include "apps/process/supervisor.h"
#include "base/log.h"
#include "base/strings.h"

namespace sluice::process {
namespace {

constexpr std::int64_t kPrepareMs = 300'000;  // a large configuration on a slow machine
constexpr std::int64_t kReleaseMs = 20'000;
constexpr std::int64_t kTakeOverMs = 30'000;       // without a sign of life
constexpr std::int64_t kTakeOverMostMs = 300'000;  // with them
constexpr std::int64_t kTrialMs = 10'000;
static_assert(kPrepareMs + kTrialMs + kReleaseMs + kTakeOverMostMs < kUpgradeAtMost.count());
constexpr std::size_t kComplaintOctets = 4096;

std::vector<char*> arguments_of(std::vector<std::string>& command) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  return argv;
}

/// Becomes the program behind `program`; returns only when that fails. Async-signal-safe but for what is prepared.
void execute(int program, const std::vector<char*>& argv, const std::vector<int>& descriptors) {
  for (int fd : descriptors) keep_on_exec(fd, true);
  ::execveat(program, "", argv.data(), ::environ, AT_EMPTY_PATH);
  const int reason = errno;
  for (int fd : descriptors) keep_on_exec(fd, false);
  errno = reason;
}

/// Starts it below this process. With all rights: a worker gives them up once it has opened its listeners.
Result<pid_t> start_program(int program, WorkerStart start) {
  const std::vector<char*> argv = arguments_of(start.command);
  const pid_t child = ::fork();
  if (child == 0) {
    execute(program, argv, start.descriptors);
    static constexpr char kFailed[] = "sluice: the new program does not execute\n";
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, kFailed, sizeof kFailed - 1);
    ::_exit(127);
  }
  if (child < 0) return fail(Errc::Io, std::string("fork: ") + std::strerror(errno), Blame::System);
  return child;
}

/// Whether it ends with 0 in time; kills it otherwise.
bool ends_well(pid_t child) {
  int status = 0;
  for (const std::int64_t until = now_ms() + kTrialMs; now_ms() < until;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return false;
}

}  // namespace

Upgrade::~Upgrade() {
  if (worker != 0) ::kill(worker, SIGKILL);
  for (const auto* list : {&sockets, &channels}) {
    for (int fd : *list) ::close(fd);
  }
  for (int fd : {program, errors, orders, keepsake}) {
    if (fd >= 0) ::close(fd);
  }
}

std::string Upgrade::complaint() const {
  auto text = read_whole(errors);
  if (!text) return {};
  return std::string(trim(std::string_view(*text).substr(0, kComplaintOctets)));
}

void Supervisor::begin_upgrade() {
  auto refuse = [this](std::string_view why) {
    log::error("upgrade.refused", {{"error", why}});
    if (duty_.on_failed_upgrade) duty_.on_failed_upgrade(why);
  };
  if (stopping_) return refuse("the gateway is being stopped");
  if (duty_.program.empty()) return refuse("this process does not know its program's path");
  if (upgrade_) return log::warn("upgrade.going_on_already");
  listen_to_worker();  // it may have said a moment ago that it serves
  if (worker_ == 0 || !ready_) return refuse("no worker serves at the moment");
  if (auto begun = try_to_begin_upgrade(); !begun) {
    upgrade_.reset();
    refuse(begun.error().what);
  }
}

Result<> Supervisor::try_to_begin_upgrade() {
  upgrade_ = std::make_unique<Upgrade>();
  Upgrade& upgrade = *upgrade_;
  upgrade.program = ::open(duty_.program.c_str(), O_PATH | O_CLOEXEC);
  if (upgrade.program < 0) {
    return fail(Errc::Io, "cannot open " + duty_.program + ": " + std::strerror(errno), Blame::System);
  }
  upgrade.errors = ::memfd_create("sluice-errors", MFD_CLOEXEC);
  if (upgrade.errors < 0) return fail(Errc::Io, std::string("memfd_create: ") + std::strerror(errno), Blame::System);
  TRY(auto ends, Link::make());
  TRY(auto start, duty_.prepare_next(ends.second.fd(), keepsake_, upgrade.errors));
  TRY(upgrade.worker, start_program(upgrade.program, std::move(start)));
  upgrade.link = std::move(ends.first);
  upgrade.give_up_ms = now_ms() + kPrepareMs;
  log::notice("upgrade.begins", {{"program", duty_.program}, {"pid", upgrade.worker}});
  return {};
}

void Supervisor::listen_to_next() {
  bool gone = false;
  while (upgrade_ && upgrade_->link.is_open() && !gone) {
    auto received = upgrade_->link.receive(gone);
    if (!received) break;
    on_notice_of_next(*received);
    if (received->descriptor >= 0) ::close(received->descriptor);
  }
  if (gone && upgrade_) upgrade_->link.close();  // its death follows
}

/// A descriptor that is kept is taken out of `received`.
void Supervisor::on_notice_of_next(Link::Received& received) {
  auto keep = [&received](int& place) {
    if (place >= 0) ::close(place);
    place = std::exchange(received.descriptor, -1);
  };
  switch (received.notice) {
    case Notice::Socket:
      if (received.descriptor >= 0) upgrade_->sockets.push_back(std::exchange(received.descriptor, -1));
      break;
    case Notice::Orders:
      keep(upgrade_->orders);
      break;
    case Notice::Keepsake:
      keep(upgrade_->keepsake);
      break;
    case Notice::Prepared:
      if (upgrade_->step == Upgrade::Step::Preparing) ask_for_release();
      break;
    case Notice::Alive:
      if (upgrade_->step == Upgrade::Step::TakingOver) {
        upgrade_->give_up_ms = std::min(now_ms() + kTakeOverMs, upgrade_->take_over_by_ms);
      }
      break;
    case Notice::Ready:
      if (upgrade_->step == Upgrade::Step::TakingOver) hand_over();
      break;
    default:
      break;
  }
}

void Supervisor::ask_for_release() {
  if (upgrade_->orders < 0) return fail_upgrade("its worker left no orders for a supervisor");
  if (auto tried = try_supervisor(); !tried) return fail_upgrade(tried.error().what);
  upgrade_->step = Upgrade::Step::Releasing;
  upgrade_->give_up_ms = now_ms() + kReleaseMs;
  // Whether a worker that cannot be told writes no more is known once it is dead.
  if (!link_.send_patiently(Notice::Release)) fail_upgrade("the worker that serves does not listen");
}

/// Runs the new program as it will be run once there is no way back.
Result<> Supervisor::try_supervisor() {
  TRY(const int paper, estate().write());
  WorkerStart trial{duty_.supervise(paper, true), estate().descriptors()};
  trial.descriptors.push_back(paper);
  trial.descriptors.push_back(upgrade_->orders);
  auto child = start_program(upgrade_->program, std::move(trial));
  const bool well = child && ends_well(*child);
  ::close(paper);
  if (!child) return std::unexpected(std::move(child).error());
  if (!well) return fail(Errc::Invalid, "the new program cannot take over the supervision; see what it has printed");
  return {};
}

void Supervisor::let_take_over() {
  upgrade_->step = Upgrade::Step::TakingOver;
  upgrade_->give_up_ms = now_ms() + kTakeOverMs;
  upgrade_->take_over_by_ms = now_ms() + kTakeOverMostMs;
  // From now on they are theirs alone: each shall see the other one's end.
  for (const int fd : std::exchange(upgrade_->channels, {})) {
    static_cast<void>(upgrade_->link.send(Notice::Channel, fd));
    ::close(fd);
  }
  if (!upgrade_->link.send(Notice::TakeOver, keepsake_)) fail_upgrade("its worker does not answer");
}

/// The worker that serves, or served until a moment ago, has died.
void Supervisor::go_on_without_worker() {
  switch (upgrade_->step) {
    case Upgrade::Step::Preparing:
      return fail_upgrade("the worker that serves died");  // the next of the same version is there sooner
    case Upgrade::Step::Releasing:
      return let_take_over();  // it writes nothing any more
    case Upgrade::Step::TakingOver:
      return;  // within seconds
    case Upgrade::Step::Ready:
      upgrade_->give_up_ms = now_ms();  // only the next program can start another one
      return;
  }
}

void Supervisor::judge_upgrade(std::int64_t now) {
  if (!upgrade_ || now < upgrade_->give_up_ms) return;
  switch (upgrade_->step) {
    case Upgrade::Step::Preparing:
      return fail_upgrade("its worker was not ready in time");
    case Upgrade::Step::Releasing:
      return fail_upgrade("the worker that serves did not let go of what it writes");
    case Upgrade::Step::TakingOver:
      return fail_upgrade("its worker did not take over in time");
    case Upgrade::Step::Ready:
      break;
  }
  become_next_program();  // once more
}

/// The old worker, if it was told to let go, goes on as before.
void Supervisor::fail_upgrade(std::string_view problem) {
  const std::string complaint = upgrade_->complaint();
  const std::string why = complaint.empty() ? std::string(problem) : complaint;
  log::error("upgrade.failed", {{"program", duty_.program}, {"error", why}});
  if (upgrade_->step != Upgrade::Step::Preparing && worker_ != 0) static_cast<void>(link_.send(Notice::Resume));
  upgrade_.reset();
  if (duty_.on_failed_upgrade) duty_.on_failed_upgrade(why);
}

/// No way back from here: the new worker serves.
void Supervisor::hand_over() {
  Upgrade& upgrade = *upgrade_;
  upgrade.step = Upgrade::Step::Ready;
  if (worker_ != 0) {
    static_cast<void>(link_.send(Notice::Leave));
    leavers_.push_back({worker_, std::move(link_), now_ms() + duty_.leave_at_most.count()});
  }
  link_ = std::move(upgrade.link);
  worker_ = std::exchange(upgrade.worker, 0);
  started_ms_ = heard_ms_ = now_ms();
  ready_ = true;
  kill_ms_ = 0;
  if (keepsake_ >= 0) ::close(keepsake_);
  keepsake_ = std::exchange(upgrade.keepsake, -1);
  duty_.close_listeners();  // ours; the next program has those that its worker sent
  log::notice("upgrade.taken_over", {{"pid", worker_}});
  become_next_program();
}

Estate Supervisor::estate() const {
  Estate estate;
  const bool taken = upgrade_->step == Upgrade::Step::Ready;
  estate.worker = taken ? worker_ : upgrade_->worker;
  estate.link = taken ? link_.fd() : upgrade_->link.fd();
  estate.keepsake = taken ? keepsake_ : upgrade_->keepsake;
  estate.orders = upgrade_->orders;
  estate.sockets = upgrade_->sockets;
  estate.pid_file = duty_.pid_file;
  for (const Leaver& one : leavers_) {
    estate.leaving.push_back({one.pid, one.link.fd(), std::max<std::int64_t>(0, one.kill_ms - now_ms())});
  }
  return estate;
}

/// Same process, same number, same children. It has been tried, so that only a machine without memory can refuse; then
/// it is tried again, and the new worker serves meanwhile.
void Supervisor::become_next_program() {
  const Estate all = estate();
  if (auto paper = all.write()) {
    std::vector<std::string> command = duty_.supervise(*paper, false);
    std::vector<int> descriptors = all.descriptors();
    descriptors.push_back(*paper);
    log::flush();
    execute(upgrade_->program, arguments_of(command), descriptors);
    ::close(*paper);
  }
  log::error("upgrade.supervisor_not_replaced", {{"error", std::strerror(errno)}});
  upgrade_->give_up_ms = now_ms() + 1000;
}

bool Supervisor::forget_leaver(pid_t pid, int status) {
  const auto found = std::ranges::find(leavers_, pid, &Leaver::pid);
  if (found == leavers_.end()) return false;
  leavers_.erase(found);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    log::info("supervisor.leaver_ended", {{"pid", pid}});
  } else {
    log::warn("supervisor.leaver_died", {{"pid", pid}, {"signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0}});
  }
  return true;
}

}  // namespace sluice::process
