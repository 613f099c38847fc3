// SPDX-License-Identifier: Apache-2.0
#include "telemetry/file_writer.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace sluice::telemetry {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr auto kRetryBlocked = std::chrono::milliseconds(20);
log::Counted failed(log::Level::Error, "log_file.write_failed");

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

/// -1 and errno on failure. A standard stream that cannot be opened by name (a socket) is duplicated instead.
int open_log(const std::string& path) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
  if (fd >= 0 || errno != ENXIO) return fd;
  if (path == "/dev/stdout") return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  if (path == "/dev/stderr") return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  errno = ENXIO;  // a FIFO that nobody reads
  return -1;
}

bool accepts_now(int fd) {
  pollfd waiting{fd, POLLOUT, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

}  // namespace

/// `queued` and `reopen` are guarded by the writer's mutex, the rest belongs to its thread.
class FileWriter::File {
 public:
  explicit File(std::string path) : path_(std::move(path)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(); }

  std::string queued;
  bool reopen = false;

  [[nodiscard]] bool writing() const { return !lines_.empty(); }
  void begin(std::string lines, bool reopen_first) {
    lines_ = std::move(lines);
    written_ = 0;
    if (reopen_first) close();
  }

  enum class Outcome : std::uint8_t { Done, Blocked, Failed };
  /// Writes as much as the file takes now. After Failed, `lost` lines are gone and errno says why.
  Outcome write(std::uint64_t& lost) {
    if (fd_ < 0) {
      fd_ = open_log(path_);
      if (fd_ < 0) return give_up(lost);
      regular_ = is_regular();
    }
    if (torn_ && ::write(fd_, "\n", 1) == 1) torn_ = false;  // so that the next line stands alone
    while (written_ < lines_.size()) {
      if (!regular_ && !accepts_now(fd_)) return Outcome::Blocked;
      // A pipe gets no more than it takes in one piece: a duplicated standard stream may be a blocking one.
      std::size_t most = regular_ ? lines_.size() : kPipePiece;
      ssize_t n = ::write(fd_, lines_.data() + written_, std::min(most, lines_.size() - written_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return Outcome::Blocked;
      if (n < 0) return give_up(lost);
      written_ += static_cast<std::size_t>(n);
    }
    lines_.clear();
    return Outcome::Done;
  }
  void abandon(std::uint64_t& lost) {
    lost += count_lines(std::string_view(lines_).substr(written_));
    lines_.clear();
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static constexpr std::size_t kPipePiece = 4096;

  [[nodiscard]] bool is_regular() const {
    struct stat info{};
    return ::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
  }
  Outcome give_up(std::uint64_t& lost) {
    int reason = errno;
    torn_ = torn_ || (written_ > 0 && lines_[written_ - 1] != '\n');
    abandon(lost);
    close();
    errno = reason;
    return Outcome::Failed;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  const std::string path_;
  std::string lines_;
  std::size_t written_ = 0;
  int fd_ = -1;
  bool regular_ = false;
  bool torn_ = false;
};

FileWriter::FileWriter(Options options) : options_(std::move(options)), thread_([this] { serve(); }) {}

FileWriter::~FileWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

FileWriter::File& FileWriter::file(const std::string& path) {
  std::lock_guard lock(mutex_);
  auto& slot = files_[path];
  if (!slot) slot = std::make_unique<File>(path);
  return *slot;
}

bool FileWriter::append(File& file, std::string_view lines, Reopen reopen) {
  if (lines.empty()) return true;
  {
    std::lock_guard lock(mutex_);
    if (file.queued.size() + lines.size() > options_.max_queued) {
      dropped_.fetch_add(count_lines(lines), std::memory_order_relaxed);
      return false;
    }
    file.queued.append(lines);
    file.reopen = file.reopen || reopen == Reopen::BeforeWriting;
  }
  wake_.notify_one();
  return true;
}

void FileWriter::reopen_all() {
  std::lock_guard lock(mutex_);
  for (auto& [path, file] : files_) file->reopen = true;
}

bool FileWriter::flush(std::int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] {
    return !working_ &&
           std::all_of(files_.begin(), files_.end(), [](const auto& f) { return f.second->queued.empty(); });
  });
}

bool FileWriter::collect() {
  bool any = false;
  for (auto& [path, file] : files_) {
    if (!file->writing() && !file->queued.empty()) {
      file->begin(std::exchange(file->queued, {}), std::exchange(file->reopen, false));
    }
    any = any || file->writing();
  }
  return any;
}

bool FileWriter::write_all() {
  std::vector<File*> files;
  {
    std::lock_guard lock(mutex_);
    for (auto& [path, file] : files_) {
      if (file->writing()) files.push_back(file.get());
    }
  }
  bool blocked = false;
  for (File* file : files) {
    std::uint64_t lost = 0;
    auto outcome = file->write(lost);
    int reason = errno;
    blocked = blocked || outcome == File::Outcome::Blocked;
    dropped_.fetch_add(lost, std::memory_order_relaxed);
    if (outcome == File::Outcome::Failed) {
      failed.hit({{"path", file->path()}, {"error", std::strerror(reason)}});  // NOLINT(concurrency-mt-unsafe): glibc
    }
  }
  return blocked;
}

void FileWriter::serve() {
  sigset_t all;  // signals are for the main thread, and SIGPIPE is an error code here
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);

  std::optional<SteadyClock::time_point> give_up_at;
  bool blocked = false;
  std::unique_lock lock(mutex_);
  while (true) {
    if (stopping_ && !give_up_at) give_up_at = SteadyClock::now() + std::chrono::milliseconds(options_.linger_ms);
    bool work = collect();
    if (stopping_ && (!work || SteadyClock::now() >= *give_up_at)) return;
    if (!work) {
      working_ = false;
      idle_.notify_all();
      wake_.wait(lock);
      continue;
    }
    working_ = true;
    lock.unlock();
    blocked = write_all();
    lock.lock();
    if (blocked) wake_.wait_for(lock, kRetryBlocked);
  }
}

}  // namespace sluice::telemetry
