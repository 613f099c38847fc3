// SPDX-License-Identifier: Apache-2.0
#include "dataplane/record_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::dataplane {
namespace {

/// As many octets as there are, up to `size`.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size, const std::string& file) {
  std::string octets(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(fd, octets.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("read", file);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  octets.resize(have);
  return octets;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::unexpected<Error> system_failure(std::string_view doing, const std::string& file) {
  const int reason = errno;
  return fail(reason == ENOENT ? Errc::NotFound : Errc::Io,
              "cannot " + std::string(doing) + " " + file + ": " + std::strerror(reason), Blame::System);
}

Result<> sync_folder(const std::string& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.get()) != 0) return system_failure("sync", folder);
  return {};
}

Result<RecordReader> RecordReader::open(const CacheKey& key, const std::string& file) {
  Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!opened.is_open() || ::fstat(opened.get(), &status) != 0) return system_failure("open", file);
  TRY(const std::string prelude, read_at(opened.get(), 0, RecordSeal::kPrelude, file));
  TRY(RecordSeal seal, RecordSeal::of(key, prelude));
  return RecordReader(std::move(opened), std::move(seal), static_cast<std::uint64_t>(status.st_size));
}

Result<RecordReader> RecordReader::open(std::span<const CacheKey> keys, const std::string& file) {
  for (std::size_t i = 0; i < keys.size() && keys.size() > 1; ++i) {
    TRY(RecordReader probe, open(keys[i], file));
    if (!probe.next()) continue;
    TRY(RecordReader reader, open(keys[i], file));
    reader.key_ = i;
    return reader;
  }
  return open(keys.front(), file);
}

Result<RecordSeal::Opened> RecordReader::next() {
  if (offset_ == size_) return fail(Errc::NotFound, "the end", Blame::System);
  constexpr std::size_t kLength = 4;
  TRY(std::string octets, read_at(file_.get(), offset_, kLength, "the cache"));
  if (octets.size() < kLength) return fail(Errc::Closed, "cut off", Blame::System);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLength; ++i) length |= std::uint64_t{static_cast<unsigned char>(octets[i])} << (8 * i);
  // Before memory is taken for a length that nobody has vouched for.
  if (length + RecordSeal::kOverhead > size_ - offset_) return fail(Errc::Closed, "cut off", Blame::System);
  TRY(octets, read_at(file_.get(), offset_, static_cast<std::size_t>(length) + RecordSeal::kOverhead, "the cache"));
  TRY(RecordSeal::Opened opened, seal_.open(octets, index_));
  offset_ += opened.size;
  ++index_;
  return opened;
}

Result<RecordWriter> RecordWriter::create(const CacheKey& key, const std::string& file) {
  Descriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made.is_open()) return system_failure("make", file);
  RecordWriter writer(file, std::move(made), RecordSeal(key), 0, 0);
  TRY(writer.write_at_end(writer.seal_.prelude()));
  return writer;
}

Result<RecordWriter> RecordWriter::resume(const std::string& file, RecordReader read) {
  Descriptor opened(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!opened.is_open()) return system_failure("open", file);
  const std::uint64_t offset = read.offset();
  const std::uint64_t index = read.index();
  if (::ftruncate(opened.get(), static_cast<off_t>(offset)) != 0) return system_failure("shorten", file);
  return RecordWriter(file, std::move(opened), std::move(read).take_seal(), offset, index);
}

Result<> RecordWriter::write_at_end(std::string_view octets) {
  std::uint64_t at = offset_;
  while (!octets.empty()) {
    const ssize_t written = ::pwrite(file_.get(), octets.data(), octets.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      auto failure = system_failure("write", name_);
      static_cast<void>(::ftruncate(file_.get(), static_cast<off_t>(offset_)));
      return failure;
    }
    at += static_cast<std::uint64_t>(written);
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  offset_ = at;
  return {};
}

Result<> RecordWriter::add(RecordKind kind, std::string_view content) {
  if (content.size() > RecordSeal::kMaxRecord) return fail(Errc::TooLarge, "a record over a gigabyte", Blame::System);
  std::string sealed;
  sealed.reserve(content.size() + RecordSeal::kOverhead);
  seal_.seal(sealed, index_, kind, content);
  TRY(write_at_end(sealed));
  ++index_;
  return {};
}

Result<> RecordWriter::sync() {
  if (::fdatasync(file_.get()) != 0) return system_failure("sync", name_);
  return {};
}

}  // namespace sluice::dataplane
