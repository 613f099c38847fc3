// SPDX-License-Identifier: Apache-2.0
#include "upgrade.h"

#include <csignal>
#include <cstdio>
#include <string>

#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include "apps/process/pid_file.h"
#include "apps/process/replace_file.h"
#include "apps/process/supervisor.h"
#include "base/log.h"
#include "base/strings.h"
#include "commands.h"

// `sluice upgrade`: a signal to the supervisor, and the wait for what it writes down.

namespace sluice::apps {
namespace {

constexpr const char* kOutcomeFile = "pids/sluice.upgrade";
constexpr std::string_view kDone = "done";

/// A version that knows nothing of upgrades would die of the signal.
bool waits_for_signal(pid_t pid) {
  const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!status) return true;  // not to be seen from here; then it has to be trusted
  for (const std::string_view line : split(*status, '\n')) {
    if (!line.starts_with("SigBlk:")) continue;
    const auto blocked = parse_int<std::uint64_t>(trim(line.substr(7)), 16);
    return blocked && ((*blocked >> (SIGUSR2 - 1)) & 1U) != 0;
  }
  return true;
}

int refuse(const std::string& why) {
  fmt::print(stderr, "sluice: {}\n", why);
  return 1;
}

/// What the supervisor has written.
Result<std::string> wait_for_outcome(const settings::Settings& settings, pid_t supervisor) {
  const std::string pid_file = settings::below_prefix(settings, kPidFile);
  const std::string outcome_file = settings::below_prefix(settings, kOutcomeFile);
  for (const std::int64_t until = process::now_ms() + process::kUpgradeAtMost.count(); process::now_ms() < until;) {
    const bool alive = process::PidFile::holder(pid_file) == supervisor;
    if (auto text = read_file(outcome_file)) return *text;
    if (!alive) return fail(Errc::Closed, "the gateway has ended; see its log");
    const timespec pause{0, 20'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return fail(Errc::Timeout, "nothing was heard of the upgrade; see the gateway's log");
}

}  // namespace

void report_upgrade(const std::string& prefix, std::string_view problem) {
  const std::string_view text = problem.empty() ? kDone : problem;
  if (auto written = process::replace_file(prefix, kOutcomeFile, text, 0644); !written) {
    log::warn("upgrade.outcome_not_written", {{"error", written.error()}});
  }
}

int upgrade(const SettingsArguments& arguments) {
  const auto settings = load_settings(arguments);
  if (!settings) return 1;
  const auto supervisor = process::PidFile::holder(settings::below_prefix(*settings, kPidFile));
  if (!supervisor) return refuse("not running at " + settings->prefix);
  if (!settings->supervisor) return refuse("only a gateway with supervisor=on can be upgraded while it runs");
  if (!waits_for_signal(*supervisor)) return refuse("the version that runs cannot be upgraded while it runs");
  ::unlink(settings::below_prefix(*settings, kOutcomeFile).c_str());
  if (::kill(*supervisor, SIGUSR2) != 0) {
    return refuse(fmt::format("no signal to process {}: {}", *supervisor, std::strerror(errno)));
  }
  const auto outcome = wait_for_outcome(*settings, *supervisor);
  if (!outcome) return refuse(outcome.error().what);
  if (*outcome != kDone) return refuse(fmt::format("not upgraded, the old version goes on: {}", trim(*outcome)));
  fmt::print("upgraded (pid {})\n", *supervisor);
  return 0;
}

}  // namespace sluice::apps
