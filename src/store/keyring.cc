// SPDX-License-Identifier: Apache-2.0
#include "store/keyring.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "crypto/random.h"

namespace sluice::store {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kNameSize = 4;  // octets; in hexadecimal digits twice as many
constexpr std::string_view kHeading =
    "# Sluice keyring: the keys that secrets in the store are sealed under. Keep a copy apart from the backups;\n"
    "# without it the secrets are lost.\n";

std::unexpected<Error> io_error(std::string_view doing, const std::string& file) {
  const std::string reason = std::strerror(errno);
  return fail(Errc::Io,
              "keyring " + file + ": cannot " + std::string(doing) + ": " + reason +
                  "; check the owner and the free space of its folder",
              Blame::System);
}

/// A descriptor that closes itself.
class File {
 public:
  explicit File(int fd = -1) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::int64_t change_time_ns(const struct stat& status) {
  return status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec;
}

std::string folder_of(const std::string& file) {
  const auto folder = std::filesystem::path(file).parent_path();
  return folder.empty() ? "." : folder.string();
}

/// A file that root makes belongs to the user whom the gateway runs as: who has `like`.
bool keep_owner(int fd, const std::string& like) {
  struct stat status{};
  if (::geteuid() != 0 || ::stat(like.c_str(), &status) != 0) return true;
  return ::fchown(fd, status.st_uid, status.st_gid) == 0;
}

/// What a folder is to us that we may not read, or that is mounted to be read only.
enum class Foreign : std::uint8_t { Refused, LeftAlone };

/// Keeps the name of a file. Who reads need not own the folder; then somebody else sees to it.
Result<> sync_folder(const std::string& file, Foreign folder_of_others) {
  const File folder(::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0 && ::fsync(folder.get()) == 0) return {};
  const bool not_ours = errno == EACCES || errno == EPERM || errno == EROFS || errno == EINVAL;
  if (folder_of_others == Foreign::LeftAlone && not_ours) return {};
  return io_error("sync the folder of it", file);
}

/// The right to change a keyring, until the file is closed or its owner dies. The lock is a file of its own, because
/// the keyring is replaced: who waits for the old one would hold nothing.
Result<File> lock_for_change(const std::string& keyring) {
  constexpr int kTries = 500;
  constexpr std::chrono::milliseconds kPause{10};
  const std::string folder = folder_of(keyring);
  std::error_code ignored;
  if (std::filesystem::create_directories(folder, ignored)) ::chmod(folder.c_str(), 0700);
  const std::string name = keyring + ".lock";
  File lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const bool made = std::filesystem::exists(keyring, ignored);
  if (lock.get() < 0 || !keep_owner(lock.get(), made ? keyring : folder)) return io_error("make its lock", keyring);
  for (int i = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK && errno != EINTR) return io_error("lock it", keyring);
    if (i == kTries) {
      return fail(Errc::Timeout, "keyring " + keyring + ": another process holds " + name + "; end it, or wait for it");
    }
    std::this_thread::sleep_for(kPause);
  }
  return lock;
}

Result<Secret<std::string>> parse_key(std::string_view digits) {
  TRY(auto octets, from_hex(digits));
  if (octets.size() != kKeySize) return fail(Errc::Invalid, "a key must have 64 hexadecimal digits");
  return Secret<std::string>(std::move(octets));
}

}  // namespace

struct Keyring::Parsed {
  std::map<std::string, Secret<std::string>, std::less<>> keys;
  std::string active;
  Secret<std::string> index;
};

Result<Keyring::Parsed> Keyring::parse(std::string_view text) {
  Parsed parsed;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.front() == '#') continue;
    const auto words = split_list(line, ' ');
    if (words.size() == 2 && words[0] == "index") {
      TRY(parsed.index, parse_key(words[1]));
    } else if (words.size() == 2 && words[0] == "active") {
      parsed.active = words[1];
    } else if (words.size() == 3 && words[0] == "key") {
      TRY(auto key, parse_key(words[2]));
      parsed.keys.insert_or_assign(std::string(words[1]), std::move(key));
    } else {
      return fail(Errc::Invalid, "a line is none of index, key and active");  // its text may be a key: never shown
    }
  }
  if (parsed.index.empty()) return fail(Errc::Invalid, "the index key is missing");
  if (!parsed.keys.contains(parsed.active)) return fail(Errc::Invalid, "the active key is missing");
  return parsed;
}

Result<Keyring> Keyring::open(std::string file) {
  Keyring keyring(std::move(file));
  struct stat status{};
  if (::stat(keyring.file_.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return keyring;
    return io_error("look at it", keyring.file_);
  }
  if ((status.st_mode & 077) != 0) {
    log::warn("keyring.readable_by_others", {{"file", keyring.file_}, {"remedy", "chmod 600"}});
  }
  keyring.mark_ = {status.st_ino, change_time_ns(status)};
  errno = 0;
  std::ifstream in(keyring.file_, std::ios::binary);
  const Secret<std::string> text(std::string(std::istreambuf_iterator<char>(in), {}));
  if (!in) return io_error("read it", keyring.file_);
  TRY(sync_folder(keyring.file_, Foreign::LeftAlone));
  auto parsed = parse(text.reveal());
  if (!parsed) {
    return fail("keyring " + keyring.file_ + " is damaged, put it back from its copy; nothing was changed: ",
                std::move(parsed).error());
  }
  keyring.keys_ = std::move(parsed->keys);
  keyring.active_ = std::move(parsed->active);
  keyring.index_ = std::move(parsed->index);
  return keyring;
}

Result<> Keyring::create() {
  TRY(const File lock, lock_for_change(file_));
  // Another process that started at the same time may have made it: then those are the keys.
  TRY(Keyring made, open(file_));
  if (made.empty()) {
    made.index_ = Secret(crypto::random_octets(kKeySize));
    made.active_ = made.new_key();
    TRY(made.save(Replace::No));
  }
  *this = std::move(made);
  return {};
}

/// Returns its name.
std::string Keyring::new_key() {
  std::string name = to_hex(crypto::random_octets(kNameSize));
  keys_.emplace(name, Secret(crypto::random_octets(kKeySize)));
  return name;
}

template <class Edit>
Result<> Keyring::change(const Edit& edit) {
  TRY(const File lock, lock_for_change(file_));
  TRY(refresh());
  Keyring changed = *this;
  TRY(edit(changed));
  TRY(changed.save(Replace::Yes));
  *this = std::move(changed);
  return {};
}

Result<> Keyring::rotate() {
  return change([](Keyring& keyring) -> Result<> {
    keyring.active_ = keyring.new_key();
    return {};
  });
}

Result<std::string> Keyring::add() {
  std::string name;
  TRY(change([&](Keyring& keyring) -> Result<> {
    name = keyring.new_key();
    return {};
  }));
  return name;
}

Result<> Keyring::activate(std::string_view name) {
  return change([&](Keyring& keyring) -> Result<> {
    if (!keyring.keys_.contains(name)) {
      return fail(Errc::NotFound, "keyring " + keyring.file_ + " has no key " + std::string(name), Blame::Client);
    }
    keyring.active_ = name;
    return {};
  });
}

Result<> Keyring::merge(std::string_view text) {
  auto parsed = parse(text);
  if (!parsed) return fail("the keyring to be added: ", std::move(parsed).error());
  TRY(const File lock, lock_for_change(file_));
  if (empty()) {
    TRY(*this, open(file_));
  } else {
    TRY(refresh());
  }
  Keyring changed = *this;
  changed.keys_.merge(parsed->keys);
  const bool first = empty();
  if (first) {
    changed.active_ = std::move(parsed->active);
    changed.index_ = std::move(parsed->index);
  }
  if (changed.keys_.size() == keys_.size()) return {};
  TRY(changed.save(first ? Replace::No : Replace::Yes));
  *this = std::move(changed);
  return {};
}

Result<> Keyring::refresh() {
  TRY(Keyring now, open(file_));
  if (now.empty()) return fail(Errc::NotFound, "keyring " + file_ + " is gone; put it back from its copy");
  if (now.index_.reveal() != index_.reveal()) {
    return fail(Errc::Forbidden, "keyring " + file_ + " is that of another store now; put back the right one");
  }
  keys_.merge(now.keys_);
  active_ = std::move(now.active_);
  mark_ = now.mark_;
  unread_.reset();
  return {};
}

Result<> Keyring::follow() {
  struct stat status{};
  if (::stat(file_.c_str(), &status) != 0) return io_error("look at it", file_);
  if (mark_ == Mark{status.st_ino, change_time_ns(status)}) {
    unread_.reset();
    return {};
  }
  auto read = refresh();
  if (!read) unread_ = read.error().what;
  return read;
}

Result<> Keyring::may_seal() const {
  if (!unread_) return {};
  return fail(Errc::Unavailable, "no secret is stored until the keyring can be read, which has changed: " + *unread_,
              Blame::System);
}

std::vector<std::string> Keyring::names() const {
  std::vector<std::string> names;
  names.reserve(keys_.size());
  for (const auto& [name, key] : keys_) names.push_back(name);
  return names;
}

const Secret<std::string>* Keyring::find(std::string_view name) const {
  const auto at = keys_.find(name);
  return at != keys_.end() ? &at->second : nullptr;
}

Secret<std::string> Keyring::text() const {
  std::string text(kHeading);
  text += "index " + to_hex(index_.reveal()) + '\n';
  for (const auto& [name, key] : keys_) text += "key " + name + ' ' + to_hex(key.reveal()) + '\n';
  text += "active " + active_ + '\n';
  return Secret(std::move(text));
}

/// Written beside its place, synced, then moved there, and the folder synced: a crash leaves the old file or the new
/// one. Under the lock.
Result<> Keyring::save(Replace replace) const {
  // A name of its own: what a crash left behind is in nobody's way.
  const std::string temporary = file_ + '.' + to_hex(crypto::random_octets(kNameSize)) + ".new";
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return io_error("make it", file_);
    if (!write_all(file.get(), text().reveal()) || !keep_owner(file.get(), file_) || ::fsync(file.get()) != 0) {
      auto error = io_error("write it", file_);
      ::unlink(temporary.c_str());
      return error;
    }
  }
  // link() refuses where rename() would replace: the keys of a release that takes no lock are kept too.
  const int moved =
      replace == Replace::Yes ? ::rename(temporary.c_str(), file_.c_str()) : ::link(temporary.c_str(), file_.c_str());
  if (moved != 0) {
    auto error = io_error("put it in place", file_);
    ::unlink(temporary.c_str());
    return error;
  }
  if (replace == Replace::No) ::unlink(temporary.c_str());
  return sync_folder(file_, Foreign::Refused);
}

}  // namespace sluice::store
