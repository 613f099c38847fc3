// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace sluice::store {

/// The keys that secrets in a store are sealed under, in a file of their own outside the store, readable by its owner
/// only. Several keys may be known, so that they can be changed while old secrets stay readable; one is active. Not
/// thread-safe while keys are added; that of an open store is left to the store.
class Keyring {
 public:
  /// Reads the file if there is one. Without one the keyring is empty until create().
  static Result<Keyring> open(std::string file);

  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] const std::string& file() const { return file_; }

  /// Makes the first keys and writes the file; never replaces one.
  Result<> create();
  /// Adds a key, which becomes the active one, and writes the file; keys that others have put there meanwhile stay.
  Result<> rotate();
  /// Adds the keys of another keyring's text that are not here yet, for reading; writes the file.
  Result<> merge(std::string_view text);

  /// Reads the file again: keys that another process has added to it are known from then on, and the key that is active
  /// in it seals. Refused when it is the file of another store.
  Result<> refresh();
  /// The same if the file is another one than was last read: one system call when it is not.
  Result<> follow();

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

  std::string file_;
  std::map<std::string, Secret<std::string>, std::less<>> keys_;
  std::string active_;
  Secret<std::string> index_;
  Mark mark_;  // of the file when it was read; none: it was not
};

}  // namespace sluice::store
