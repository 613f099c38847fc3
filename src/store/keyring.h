// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace sluice::store {

/// The keys that secrets in a store are sealed under, in a file of their own outside the store, readable by its owner
/// only. Several keys may be known, so that they can be changed while old secrets stay readable; one is active. Who
/// changes the file holds `<file>.lock` meanwhile, so that processes lose no key of each other. Not thread-safe while
/// keys are added; that of an open store is left to the store.
class Keyring {
 public:
  /// Reads the file if there is one. Without one the keyring is empty until create(). What was read is on stable
  /// storage when this returns, also if whoever wrote it died on the way: nothing is sealed under a key that may
  /// vanish.
  static Result<Keyring> open(std::string file);

  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] const std::string& file() const { return file_; }

  // All of these write the file, and keep the keys that others have put there meanwhile. Errc::Timeout when another
  // process holds the lock for seconds.

  /// Makes the first keys; where there is a file already, takes those.
  Result<> create();
  /// Adds a key, which becomes the active one.
  Result<> rotate();
  /// Adds a key that can open but does not seal yet, and returns its name: for keyrings that have to be copied to other
  /// hosts before anything is sealed under it.
  Result<std::string> add();
  /// Makes a key that is here the active one; Errc::NotFound when it is not.
  Result<> activate(std::string_view name);
  /// Adds the keys of another keyring's text that are not here yet, for reading.
  Result<> merge(std::string_view text);

  /// Reads the file again: keys that another process has added to it are known from then on, and the key that is active
  /// in it seals. Refused when it is the file of another store.
  Result<> refresh();
  /// The same if the file is another one than was last read: one system call when it is not. When that other one cannot
  /// be read, may_seal() says so from then on, until it can.
  Result<> follow();
  /// Errc::Unavailable while the file holds something newer that could not be read: which key is to seal is not known.
  [[nodiscard]] Result<> may_seal() const;

  /// All keys, in the order of their names.
  [[nodiscard]] std::vector<std::string> names() const;

  /// Name of the key to seal with: 8 hexadecimal digits.
  [[nodiscard]] const std::string& active() const { return active_; }
  /// 32 octets; null for a key that is not here.
  [[nodiscard]] const Secret<std::string>* find(std::string_view name) const;
  /// 32 octets for the HMAC by which unique secrets are found.
  [[nodiscard]] const Secret<std::string>& index_key() const { return index_; }

  /// As it stands in the file.
  [[nodiscard]] Secret<std::string> text() const;

 private:
  struct Parsed;
  /// Tells one file from the one that replaced it under the same name.
  struct Mark {
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  explicit Keyring(std::string file) : file_(std::move(file)) {}
  static Result<Parsed> parse(std::string_view text);
  enum class Replace : std::uint8_t { No, Yes };
  [[nodiscard]] Result<> save(Replace replace) const;
  std::string new_key();
  /// Reads the file again, has `edit` change a copy of it, and writes that, alone.
  template <class Edit>
  Result<> change(const Edit& edit);

  std::string file_;
  std::map<std::string, Secret<std::string>, std::less<>> keys_;
  std::string active_;
  Secret<std::string> index_;
  Mark mark_;                          // of the file when it was read; none: it was not
  std::optional<std::string> unread_;  // why the file as it stands now could not be read
};

}  // namespace sluice::store
