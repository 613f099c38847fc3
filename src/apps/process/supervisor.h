// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "apps/process/backoff.h"
#include "apps/process/estate.h"
#include "apps/process/link.h"
#include "apps/process/upgrade.h"
#include "base/error.h"
#include "base/time.h"

namespace sluice::process {

/// How a process of ours is started. `command` and what `descriptors` names survive exec; all else does not.
struct WorkerStart {
  std::vector<std::string> command;  // argv
  std::vector<int> descriptors;      // that are inherited under the same numbers
};

/// What a supervisor watches over.
struct Duty {
  /// Says how to start the next worker, of the program that runs. `link` and `keepsake` (-1: none yet) are descriptors
  /// for its arguments. Whatever it opens stays its own.
  std::function<Result<WorkerStart>(int link, int keepsake)> prepare;
  /// Called when the end begins: listening sockets must not take what nobody will accept.
  std::function<void()> close_listeners;
  /// How long the worker may take to drain before it is killed.
  Millis drain_at_most{35'000};
  /// A worker that gives no sign of life for this long is killed and replaced; zero: never.
  Millis silence_at_most{0};

  // For an upgrade; without `program` there is none.
  std::string program;  // path under which this program was started; a newer one may stand there by now
  /// As prepare(), for the first worker of the program at `program`. It writes what is wrong to `errors`.
  std::function<Result<WorkerStart>(int link, int keepsake, int errors)> prepare_next;
  /// The command by which that program goes on as supervisor; with `trial` it only says whether it could (exit code 0).
  std::function<std::vector<std::string>(int estate, bool trial)> supervise;
  /// Told what became of an upgrade that failed. Of one that succeeded, the next program tells.
  std::function<void(std::string_view problem)> on_failed_upgrade;
  /// How long a worker that was replaced may take to finish what it has begun.
  Millis leave_at_most{305'000};
  int pid_file = -1;  // to be inherited
};

/// Keeps one worker process running: replaces it when it dies, passes signals on, ends with it. Single-threaded and
/// small on purpose: it parses nothing that comes from outside, so it outlives what kills a worker.
///
/// TERM, INT and QUIT drain the worker and then end; HUP and USR1 are passed on (USR1 also opens the log anew). USR2
/// begins an upgrade (upgrade.h). A worker that ends before it was ever ready (a mistake in the configuration) takes
/// the supervisor with it.
class Supervisor {
 public:
  explicit Supervisor(Duty duty) : duty_(std::move(duty)) {}
  /// Goes on with what the program before has left.
  Supervisor(Duty duty, const Estate& estate);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  /// Blocks until the end; the exit code of the process. The calling process has one thread.
  int run();

 private:
  /// A worker that was replaced, as long as it finishes what it has begun.
  struct Leaver {
    pid_t pid = 0;
    Link link;
    std::int64_t kill_ms = 0;
  };

  [[nodiscard]] bool spawn();
  void look_after();
  void take_signals();
  void on_signal(int signal);
  void reap();
  void on_death(int status);
  void listen_to_worker();
  void judge_silence(std::int64_t now);
  void begin_end();
  [[nodiscard]] int wait_ms(std::int64_t now) const;

  // upgrade.cc
  void begin_upgrade();
  [[nodiscard]] Result<> try_to_begin_upgrade();
  void listen_to_next();
  void on_notice_of_next(Link::Received& received);
  void ask_for_release();
  void let_take_over();
  void go_on_without_worker();
  [[nodiscard]] Result<> try_supervisor();
  void judge_upgrade(std::int64_t now);
  void fail_upgrade(std::string_view problem);
  void hand_over();
  void become_next_program();
  [[nodiscard]] Estate estate() const;
  [[nodiscard]] bool forget_leaver(pid_t pid, int status);

  Duty duty_;
  Backoff backoff_;
  Link link_;
  int signals_ = -1;
  int keepsake_ = -1;
  pid_t worker_ = 0;  // 0: none
  std::vector<Leaver> leavers_;
  std::unique_ptr<Upgrade> upgrade_;  // null: none is going on
  std::int64_t started_ms_ = 0;
  std::int64_t heard_ms_ = 0;    // last sign of life
  std::int64_t respawn_ms_ = 0;  // when to start the next one
  std::int64_t kill_ms_ = 0;     // when to lose patience with one that drains; 0: it does not
  bool ready_ = false;           // this worker
  bool ever_ready_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  int exit_code_ = 0;
};

/// Blocks the signals that supervisor and worker wait for. Before any thread: all inherit it.
void block_signals();
/// A descriptor that reads them.
int open_signals(bool children);

/// Monotonic; a supervisor has no reactor.
std::int64_t now_ms();

}  // namespace sluice::process
