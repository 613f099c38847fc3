// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include <sqlite3.h>

namespace sluice::store {

/// A layer between SQLite and the file system that makes operations fail, and that knows what a power loss would leave:
/// of each file what was synced last, and of what was written since any sectors or none. One at a time; one thread.
class FaultyDisk {
 public:
  static constexpr const char* kName = "faulty";

  FaultyDisk() {
    current() = this;
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = kName;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = &FaultyDisk::open;
    vfs_.xDelete = [](sqlite3_vfs*, const char* name, int sync) {
      return current()->real_->xDelete(current()->real_, name, sync);
    };
    vfs_.xAccess = [](sqlite3_vfs*, const char* name, int flags, int* out) {
      return current()->real_->xAccess(current()->real_, name, flags, out);
    };
    vfs_.xFullPathname = [](sqlite3_vfs*, const char* name, int size, char* out) {
      return current()->real_->xFullPathname(current()->real_, name, size, out);
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&vfs_);
    current() = nullptr;
  }

  /// The `n`-th write, sync or truncation from now on fails with an SQLite code; and all after it, if `from_then_on`.
  void fail_at(std::uint64_t n, int code, bool from_then_on = false) {
    fail_at_ = operations_ + n;
    code_ = code;
    from_then_on_ = from_then_on;
  }
  void heal() { fail_at_ = 0; }
  /// Whether the failure that was asked for has happened.
  [[nodiscard]] bool failed() const { return fail_at_ != 0 && operations_ >= fail_at_; }

  /// Called before each operation.
  std::function<void()> before_operation;

  /// The octets of every file, by name, if the power went now.
  using Image = std::map<std::string, std::string>;
  [[nodiscard]] Image power_loss(std::mt19937_64& random) const {
    constexpr std::size_t kSector = 512;
    Image image;
    for (const auto& [name, file] : files_) {
      const std::string now = contents(file);
      std::string left = file->synced;
      const bool any = random() % 4 != 0;
      for (std::size_t at = 0; any && at < now.size(); at += kSector) {
        if (random() % 2 == 0) continue;
        const std::size_t size = std::min(kSector, now.size() - at);
        if (left.size() < at + size) left.resize(at + size, '\0');
        left.replace(at, size, now, at, size);
      }
      image[name] = std::move(left);
    }
    return image;
  }

 private:
  /// What SQLite allocates for an open file; the real one's memory follows.
  struct Opened;
  struct File : sqlite3_file {
    Opened* opened;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  struct Opened {
    File* file = nullptr;
    std::string synced;
  };

  static FaultyDisk*& current() {
    static FaultyDisk* disk = nullptr;
    return disk;
  }
  static File& of(sqlite3_file* file) { return *static_cast<File*>(file); }

  static std::string contents(const Opened* opened) {
    sqlite3_file* real = opened->file->real();
    sqlite3_int64 size = 0;
    real->pMethods->xFileSize(real, &size);
    std::string octets(static_cast<std::size_t>(size), '\0');
    real->pMethods->xRead(real, octets.data(), static_cast<int>(size), 0);
    return octets;
  }

  /// SQLITE_OK, or how this operation fails.
  int next_operation() {
    ++operations_;
    if (before_operation) before_operation();
    if (fail_at_ == 0 || operations_ < fail_at_) return SQLITE_OK;
    return operations_ == fail_at_ || from_then_on_ ? code_ : SQLITE_OK;
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* out, int flags, int* out_flags) {
    File& file = of(out);
    std::memset(&file, 0, sizeof file);
    FaultyDisk& disk = *current();
    const int status = disk.real_->xOpen(disk.real_, name, file.real(), flags, out_flags);
    if (status != SQLITE_OK) return status;
    file.pMethods = methods();
    file.opened = new Opened{&file, {}};  // NOLINT(alloc): SQLite owns what is open, close() frees it
    file.opened->synced = contents(file.opened);
    if (name != nullptr) disk.files_[name] = file.opened;
    return SQLITE_OK;
  }

  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods kMethods = make_methods();
    return &kMethods;
  }

  static sqlite3_io_methods make_methods() {
    sqlite3_io_methods m{};
    m.iVersion = 2;
    m.xClose = [](sqlite3_file* file) {
      std::erase_if(current()->files_, [&](const auto& entry) { return entry.second == of(file).opened; });
      delete of(file).opened;  // NOLINT(alloc): made by open()
      return of(file).real()->pMethods->xClose(of(file).real());
    };
    m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
      return of(f).real()->pMethods->xRead(of(f).real(), to, size, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
      const int status = current()->next_operation();
      if (status == SQLITE_OK) return of(f).real()->pMethods->xWrite(of(f).real(), from, size, at);
      // Half of it arrives, as on a real disk.
      of(f).real()->pMethods->xWrite(of(f).real(), from, size / 2, at);
      return status == SQLITE_IOERR ? SQLITE_IOERR_WRITE : status;
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      const int status = current()->next_operation();
      if (status != SQLITE_OK) return SQLITE_IOERR_TRUNCATE;
      return of(f).real()->pMethods->xTruncate(of(f).real(), size);
    };
    m.xSync = [](sqlite3_file* f, int flags) {
      const int status = current()->next_operation();
      if (status != SQLITE_OK) return status == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
      of(f).opened->synced = contents(of(f).opened);
      return of(f).real()->pMethods->xSync(of(f).real(), flags);
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return of(f).real()->pMethods->xFileSize(of(f).real(), size);
    };
    m.xLock = [](sqlite3_file* f, int level) { return of(f).real()->pMethods->xLock(of(f).real(), level); };
    m.xUnlock = [](sqlite3_file* f, int level) { return of(f).real()->pMethods->xUnlock(of(f).real(), level); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return of(f).real()->pMethods->xCheckReservedLock(of(f).real(), out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return of(f).real()->pMethods->xFileControl(of(f).real(), op, arg);
    };
    m.xSectorSize = [](sqlite3_file* f) { return of(f).real()->pMethods->xSectorSize(of(f).real()); };
    m.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return of(f).real()->pMethods->xShmMap(of(f).real(), page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return of(f).real()->pMethods->xShmLock(of(f).real(), offset, n, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { of(f).real()->pMethods->xShmBarrier(of(f).real()); };
    m.xShmUnmap = [](sqlite3_file* f, int remove) { return of(f).real()->pMethods->xShmUnmap(of(f).real(), remove); };
    return m;
  }

  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  std::map<std::string, Opened*> files_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  int code_ = SQLITE_IOERR;
  bool from_then_on_ = false;
};

}  // namespace sluice::store
