// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log_line.h"
#include "base/strings.h"
#include "base/time.h"

namespace sluice::log {
namespace {

constexpr std::size_t kMaxPending = std::size_t{1} << 20U;
constexpr std::int64_t kQuietMs = 1000;

/// Writes what the descriptor takes without waiting; returns how much that was. A pipe or terminal that polls writable
/// takes at least PIPE_BUF octets; a regular file always polls writable.
std::size_t write_some(int fd, std::string_view text) {
  std::size_t written = 0;
  while (written < text.size()) {
    pollfd ready{fd, POLLOUT, 0};
    if (::poll(&ready, 1, 0) <= 0 || (ready.revents & POLLOUT) == 0) break;
    const std::size_t piece = std::min<std::size_t>(text.size() - written, PIPE_BUF);
    const ssize_t n = ::write(fd, text.data() + written, piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += static_cast<std::size_t>(n);
  }
  return written;
}

constexpr int kAppend = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
constexpr mode_t kMode = 0640;

/// Opens a file as Options::shared_folder promises; -1 and errno when it cannot.
int open_in_shared_folder(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  const std::string name = slash == path.npos ? path : path.substr(slash + 1);
  const int above = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (above < 0) return -1;
  // Not blocking: a FIFO put there would stop root for good.
  int fd = ::openat(above, name.c_str(), kAppend | O_NOFOLLOW | O_NONBLOCK, kMode);
  struct stat file{};
  struct stat owner{};
  if (fd >= 0 && (::fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink != 1)) {
    ::close(std::exchange(fd, -1));
    errno = EPERM;
  }
  if (fd >= 0 && file.st_uid == 0 && ::geteuid() == 0 && ::fstat(above, &owner) == 0 && owner.st_uid != 0) {
    [[maybe_unused]] auto given = ::fchown(fd, owner.st_uid, owner.st_gid);
  }
  const int why = errno;
  ::close(above);
  errno = why;
  return fd;
}

/// Where lines go. One per process, as standard error is.
class Sink {
 public:
  void put(std::int64_t unix_ms, Level level, std::string_view event, Fields fields) {
    const std::lock_guard lock(mutex_);
    line_.clear();
    if (as_json_ || capturing_) {
      append_json_line(line_, unix_ms, level, event, fields);
    } else {
      append_text_line(line_, unix_ms, level, event, fields);
    }
    if (capturing_) {
      captured_ += line_;
    } else {
      send();
    }
  }

  Result<> configure(const Options& options) {
    const std::lock_guard lock(mutex_);
    // The name of standard error cannot be opened where it is a socket, as under systemd.
    const std::string file = options.file == "/dev/stderr" ? std::string() : options.file;
    TRY(adopt(file, options.shared_folder));
    file_ = file;
    shared_folder_ = options.shared_folder;
    as_json_ = options.format == Format::Json || (options.format == Format::Auto && ::isatty(fd_) == 0);
    return {};
  }

  Result<> reopen() {
    const std::lock_guard lock(mutex_);
    return file_.empty() ? Result<>{} : adopt(file_, shared_folder_);
  }

  void drain() {
    const std::lock_guard lock(mutex_);
    drain_pending();
    if (unreported_ == 0 || !pending_.empty() || capturing_) return;
    line_.clear();
    const Fields fields = {{"lines", unreported_}};
    const std::int64_t now = unix_millis();
    as_json_ ? append_json_line(line_, now, Level::Warn, "log.dropped", fields)
             : append_text_line(line_, now, Level::Warn, "log.dropped", fields);
    unreported_ = 0;
    send();
  }

  std::uint64_t dropped() {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

  /// Keeps lines in memory from now on, or no longer.
  void capture(bool on) {
    const std::lock_guard lock(mutex_);
    captured_.clear();
    capturing_ = on;
  }
  std::string captured() {
    const std::lock_guard lock(mutex_);
    return captured_;
  }

 private:
  Result<> adopt(const std::string& file, bool shared_folder) {
    int fd = STDERR_FILENO;
    if (!file.empty()) {
      fd = shared_folder ? open_in_shared_folder(file) : ::open(file.c_str(), kAppend, kMode);
      if (fd < 0) return fail(Errc::Io, "cannot open log file " + file + ": " + std::strerror(errno), Blame::System);
    }
    if (fd_ != STDERR_FILENO) ::close(fd_);
    fd_ = fd;
    return {};
  }

  void send() {
    drain_pending();
    const std::size_t written = pending_.empty() ? write_some(fd_, line_) : 0;
    if (written == line_.size()) return;
    // Half a line that is out must be completed, so it is kept whatever the bound says.
    if (written == 0 && pending_.size() + line_.size() > kMaxPending) {
      ++dropped_;
      ++unreported_;
      return;
    }
    pending_.append(line_, written);
  }

  void drain_pending() {
    if (!pending_.empty()) pending_.erase(0, write_some(fd_, pending_));
  }

  std::mutex mutex_;
  int fd_ = STDERR_FILENO;
  bool as_json_ = ::isatty(STDERR_FILENO) == 0;
  std::string file_;
  bool shared_folder_ = false;
  std::string line_;
  std::string pending_;
  std::uint64_t dropped_ = 0;
  std::uint64_t unreported_ = 0;
  std::string captured_;
  bool capturing_ = false;
};

// Never destroyed: destructors of other static objects may still log.
Sink& sink() {
  static auto& instance = *new Sink;
  return instance;
}

/// All Counted objects, for flush().
struct CountedList {
  std::mutex mutex;
  std::vector<Counted*> all;
};
CountedList& counted_list() {
  static auto& instance = *new CountedList;
  return instance;
}

std::int64_t monotonic_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr std::string_view kNames[] = {"debug", "info", "notice", "warn", "error"};

}  // namespace

std::string_view to_string(Level level) {
  return kNames[static_cast<std::size_t>(level)];
}

Result<Level> parse_level(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (iequals(name, kNames[i])) return static_cast<Level>(i);
  }
  for (const std::string_view severe : {"crit", "alert", "emerg"}) {
    if (iequals(name, severe)) return Level::Error;
  }
  return fail(Errc::Invalid, "expected debug, info, notice, warn or error");
}

void detail::write(Level level, std::string_view event, Fields fields) {
  sink().put(unix_millis(), level, event, fields);
}

Result<> configure(const Options& options) {
  TRY(sink().configure(options));
  set_level(options.level);
  return {};
}

Result<> reopen() {
  return sink().reopen();
}

void flush() {
  {
    CountedList& list = counted_list();
    const std::lock_guard lock(list.mutex);
    for (Counted* counted : list.all) counted->flush_repeated();
  }
  sink().drain();
}

std::uint64_t dropped() {
  return sink().dropped();
}

Counted::Counted(Level level, std::string_view event) : level_(level), event_(event) {
  CountedList& list = counted_list();
  const std::lock_guard lock(list.mutex);
  list.all.push_back(this);
}

Counted::~Counted() {
  CountedList& list = counted_list();
  const std::lock_guard lock(list.mutex);
  std::erase(list.all, this);
}

void Counted::hit(Fields fields) {
  if (!enabled(level_)) return;
  const std::int64_t now = monotonic_ms();
  std::int64_t quiet_until = quiet_until_ms_.load(std::memory_order_relaxed);
  const bool mine = now >= quiet_until && quiet_until_ms_.compare_exchange_strong(quiet_until, now + kQuietMs);
  if (!mine) {
    repeated_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  flush_repeated();
  detail::write(level_, event_, fields);
}

void Counted::flush_repeated() {
  const std::uint64_t repeated = repeated_.exchange(0, std::memory_order_relaxed);
  if (repeated > 0) log::write(level_, event_, {{"repeated", repeated}});
}

Capture::Capture() : previous_(detail::threshold.load()) {
  set_level(Level::Debug);
  sink().capture(true);
}

Capture::~Capture() {
  sink().capture(false);
  set_level(previous_);
}

std::string Capture::text() const {
  return sink().captured();
}

}  // namespace sluice::log
