// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "dataplane/sealed_records.h"

namespace sluice::dataplane {

/// The keys under which files of a folder may have been made: that of the present cluster certificate, and a few before
/// it. Those are written down there, sealed under the present one, before anything is made under it: so a certificate
/// can be replaced at any moment, and a restart in the midst of it finds all that it needs. Blocks.
class KeyRing {
 public:
  /// `folder` may be missing yet.
  KeyRing(std::string folder, CacheKey present) : folder_(std::move(folder)), keys_{std::move(present)} {}

  /// Learns the earlier keys, where they are written down under the present one.
  void read();
  /// The newest first.
  [[nodiscard]] std::span<const CacheKey> keys() const { return keys_; }
  [[nodiscard]] const CacheKey& present() const { return keys_.front(); }
  /// `key` is the present one from now on. Nothing has changed when it fails.
  Result<> replace(CacheKey key);

 private:
  [[nodiscard]] Result<> write(const std::vector<CacheKey>& keys) const;

  std::string folder_;
  std::vector<CacheKey> keys_;
};

}  // namespace sluice::dataplane
