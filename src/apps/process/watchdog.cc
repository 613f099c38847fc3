// SPDX-License-Identifier: Apache-2.0
#include "apps/process/watchdog.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <execinfo.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/strings.h"

namespace sluice::process {
namespace {

constexpr int kMaxFrames = 48;

int stack_signal() {
  return SIGRTMIN + 3;
}

/// What a thread leaves behind when it is interrupted.
struct Trace {
  std::atomic<pid_t> thread{0};
  std::array<void*, kMaxFrames> frames{};
  std::atomic<int> count{-1};
};
thread_local Trace* own_trace = nullptr;

/// Keeps what own_trace points to as long as a signal may come.
struct TraceKeeper {
  std::shared_ptr<Trace> trace;
  ~TraceKeeper() { own_trace = nullptr; }
};
thread_local TraceKeeper trace_keeper;

/// On the thread itself.
void leave_traces_in(std::shared_ptr<Trace> trace) {
  own_trace = trace.get();
  trace->thread = ::gettid();
  trace_keeper.trace = std::move(trace);
}

void record_stack(int) {
  if (own_trace == nullptr) return;
  own_trace->count.store(::backtrace(own_trace->frames.data(), kMaxFrames), std::memory_order_release);
}

void install_handler() {
  // The first call loads a library, which a signal handler must not do.
  std::array<void*, 1> frame{};
  ::backtrace(frame.data(), 1);
  struct sigaction action{};
  action.sa_handler = record_stack;
  action.sa_flags = SA_RESTART;
  ::sigaction(stack_signal(), &action, nullptr);
}

/// Has the thread read its own stack, in a signal handler, once it gets to run.
void ask_for_stack(Trace& trace) {
  trace.count = -1;
  if (const pid_t thread = trace.thread; thread != 0) ::syscall(SYS_tgkill, ::getpid(), thread, stack_signal());
}

/// What it has read; empty when it does not answer.
std::string stack_of(const Trace& trace) {
  if (trace.thread == 0) return {};
  int count = -1;
  for (int tries = 0; tries < 50 && (count = trace.count.load(std::memory_order_acquire)) < 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::string text;
  if (count <= 2) return text;
  char** names = ::backtrace_symbols(trace.frames.data(), count);
  for (int i = 2; names != nullptr && i < count; ++i) {  // the handler and the kernel's frame say nothing
    std::string_view name = names[i];
    if (std::size_t slash = name.find_last_of('/'); slash != name.npos) name.remove_prefix(slash + 1);
    if (std::size_t address = name.find(" ["); address != name.npos) name = name.substr(0, address);
    text.append(text.empty() ? "" : " < ").append(name);
  }
  std::free(static_cast<void*>(names));  // NOLINT(alloc): backtrace_symbols hands over memory of malloc
  return text;
}

}  // namespace

/// One reactor under watch.
struct Watchdog::Ward {
  explicit Ward(const Watched& watched) : name(watched.name), reactor(watched.reactor), vital(watched.vital) {}
  const std::string name;
  rt::Reactor& reactor;
  const bool vital;
  // Shared with a function that the reactor may still hold when the watchdog has gone.
  std::shared_ptr<Trace> trace = std::make_shared<Trace>();
  std::int64_t heartbeat = -1;
  int silent_looks = 0;
};

Watchdog::Watchdog(const std::vector<Watched>& watched, Millis timeout, Actions actions)
    : pause_(timeout / kLooks), actions_(std::move(actions)) {
  install_handler();
  for (const Watched& one : watched) {
    Ward& ward = *wards_.emplace_back(std::make_unique<Ward>(one));
    ward.reactor.post([trace = ward.trace] { leave_traces_in(trace); });
  }
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "watchdog");
    serve();
  });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Watchdog::serve() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, pause_, [this] { return stopping_; })) {
    bool well = true;
    for (auto& ward : wards_) well = (look(*ward) || !ward->vital) && well;
    if (well) actions_.all_well();
  }
}

/// True when the reactor has turned lately, or was only just asked to.
bool Watchdog::look(Ward& ward) {
  const std::int64_t heartbeat = ward.reactor.heartbeat_ms();
  if (heartbeat != ward.heartbeat) {
    ward.heartbeat = heartbeat;
    ward.silent_looks = 0;
    return true;
  }
  if (++ward.silent_looks == 1) ward.reactor.post([] {});  // idle? then this turns it
  // Asked one look ahead: on a busy machine a thread may wait for its turn longer than there is time for at the end.
  if (ward.silent_looks == kLooks) ask_for_stack(*ward.trace);
  if (ward.silent_looks == kLooks + 1) {
    actions_.on_stall({ward.name, ward.vital, pause_ * kLooks, stack_of(*ward.trace)});
  }
  return ward.silent_looks <= 2;
}

}  // namespace sluice::process
