// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "dataplane/sealed_records.h"

namespace sluice::dataplane {

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// The error of the last system call. Blame::System.
[[nodiscard]] std::unexpected<Error> system_failure(std::string_view doing, const std::string& file);
/// Makes a rename in that folder, or a file's disappearance, durable.
Result<> sync_folder(const std::string& folder);

/// Reads a file record by record, each once it has been found whole. Blocks.
class RecordReader {
 public:
  /// Errc::NotFound, Io, or Unsupported when it is no cache of ours.
  static Result<RecordReader> open(const CacheKey& key, const std::string& file);
  /// Under whichever of `keys` its first record opens; under the first of them where none does.
  static Result<RecordReader> open(std::span<const CacheKey> keys, const std::string& file);
  /// Which of them that was.
  [[nodiscard]] std::size_t key() const { return key_; }
  /// Errc::NotFound at the end of the file, where the one before was whole; Closed and Invalid as RecordSeal::open().
  Result<RecordSeal::Opened> next();
  /// Behind the last good record.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t index() const { return index_; }
  /// For whoever goes on writing the file.
  [[nodiscard]] RecordSeal take_seal() && { return std::move(seal_); }

 private:
  RecordReader(Descriptor file, RecordSeal seal, std::uint64_t size)
      : file_(std::move(file)), seal_(std::move(seal)), size_(size) {}

  Descriptor file_;
  RecordSeal seal_;
  std::uint64_t size_;
  std::uint64_t offset_ = RecordSeal::kPrelude;
  std::uint64_t index_ = 0;
  std::size_t key_ = 0;
};

/// Writes a file record by record. Blocks.
class RecordWriter {
 public:
  /// A new file, which must not exist.
  static Result<RecordWriter> create(const CacheKey& key, const std::string& file);
  /// Goes on behind the last good record; what follows it is cut off.
  static Result<RecordWriter> resume(const std::string& file, RecordReader read);

  /// On failure the file is as it was, as far as can be told: nothing more may be added if that failed as well.
  Result<> add(RecordKind kind, std::string_view content);
  Result<> sync();
  [[nodiscard]] std::uint64_t size() const { return offset_; }

 private:
  RecordWriter(std::string name, Descriptor file, RecordSeal seal, std::uint64_t offset, std::uint64_t index)
      : name_(std::move(name)), file_(std::move(file)), seal_(std::move(seal)), offset_(offset), index_(index) {}
  Result<> write_at_end(std::string_view octets);

  std::string name_;
  Descriptor file_;
  RecordSeal seal_;
  std::uint64_t offset_;
  std::uint64_t index_;
};

}  // namespace sluice::dataplane
