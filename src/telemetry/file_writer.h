// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::telemetry {

/// Appends lines to files from a thread of its own, so that a slow or blocked disk, pipe or terminal never holds up a
/// shard. Each file has a queue of limited size; what does not fit, or cannot be written, is dropped and counted. One
/// per node; every public call may come from any thread.
class FileWriter {
 public:
  struct Options {
    std::size_t max_queued = std::size_t{8} << 20;  // octets per file
    std::int64_t linger_ms = 1000;                  // how long the destructor goes on writing what is queued
  };
  class File;

  FileWriter() : FileWriter(Options{}) {}
  explicit FileWriter(Options options);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  /// The file at `path`, opened (O_APPEND, created 0644) when there is something to write. Equal paths give the same
  /// object; it lives as long as the writer. Pipes and terminals are written without blocking.
  File& file(const std::string& path);

  enum class Reopen : std::uint8_t { Keep, BeforeWriting };
  /// Queues whole lines. False when the queue is full; then they are dropped and counted.
  bool append(File& file, std::string_view lines, Reopen reopen = Reopen::Keep);

  /// Closes and opens every file again before its next line, after a log rotation.
  void reopen_all();

  /// Lines that were not written: the queue was full, or the file could not be opened or written.
  [[nodiscard]] std::uint64_t dropped_lines() const { return dropped_.load(std::memory_order_relaxed); }
  /// Waits until everything queued so far is written or dropped; false when that takes longer. For tests and shutdown.
  bool flush(std::int64_t timeout_ms);

 private:
  void serve();
  /// Moves queued lines to where the thread writes from; true when there is any work. Needs the mutex.
  bool collect();
  /// Whether some file could not take everything.
  bool write_all();

  const Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::map<std::string, std::unique_ptr<File>, std::less<>> files_;
  std::atomic<std::uint64_t> dropped_{0};
  bool stopping_ = false;
  bool working_ = false;
  std::thread thread_;
};

}  // namespace sluice::telemetry
