// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "apps/process/backoff.h"
#include "apps/process/link.h"
#include "base/error.h"
#include "base/time.h"

namespace sluice::process {

/// How a worker is started. `command` and what `sockets` names survive exec; all else does not.
struct WorkerStart {
  std::vector<std::string> command;  // argv; the program is the running one, also after its file was replaced
  std::vector<int> descriptors;      // that the worker inherits under the same numbers
};

/// What a supervisor watches over.
struct Duty {
  /// Says how to start the next worker. `link` and `keepsake` (-1: none yet) are descriptors for its arguments.
  /// Whatever it opens stays its own.
  std::function<Result<WorkerStart>(int link, int keepsake)> prepare;
  /// Called when the end begins: listening sockets must not take what nobody will accept.
  std::function<void()> close_listeners;
  /// How long the worker may take to drain before it is killed.
  Millis drain_at_most{35'000};
  /// A worker that gives no sign of life for this long is killed and replaced; zero: never.
  Millis silence_at_most{0};
};

/// Keeps one worker process running: replaces it when it dies, passes signals on, ends with it. Single-threaded and
/// small on purpose: it parses nothing that comes from outside, so it outlives what kills a worker.
///
/// TERM, INT and QUIT drain the worker and then end; HUP and USR1 are passed on (USR1 also opens the log anew). A
/// worker that ends before it was ever ready (a mistake in the configuration) takes the supervisor with it.
class Supervisor {
 public:
  explicit Supervisor(Duty duty) : duty_(std::move(duty)) {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  /// Blocks until the end; the exit code of the process. The calling process has one thread.
  int run();

 private:
  [[nodiscard]] bool spawn();
  void take_signals();
  void on_signal(int signal);
  void reap();
  void on_death(int status);
  void listen_to_worker();
  void judge_silence(std::int64_t now);
  void begin_end();
  [[nodiscard]] int wait_ms(std::int64_t now) const;

  Duty duty_;
  Backoff backoff_;
  Link link_;
  int signals_ = -1;
  int keepsake_ = -1;
  pid_t worker_ = 0;  // 0: none
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

}  // namespace sluice::process
