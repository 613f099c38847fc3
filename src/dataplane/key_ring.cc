// SPDX-License-Identifier: Apache-2.0
#include "dataplane/key_ring.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "dataplane/record_file.h"

namespace sluice::dataplane {
namespace {

constexpr const char* kName = "/earlier.keys";
constexpr const char* kDraftName = "/earlier.keys.new";
/// Both generations are made anew under a new key soon. Where that fails for long, on a full disk say, certificates of
/// an hour's life may be replaced many times meanwhile, and what cannot be opened any more is lost.
constexpr std::size_t kMost = 64;

}  // namespace

void KeyRing::read() {
  auto reader = RecordReader::open(present(), folder_ + kName);
  if (!reader) return;
  const auto record = reader->next();
  if (!record || record->kind != RecordKind::Keys) {
    log::warn("cluster_cache.earlier_keys_unreadable", {{"file", folder_ + kName}});
    return;
  }
  for (std::size_t at = 0; at < record->content.size(); at += CacheKey::kSize) {
    auto key = CacheKey::from_octets(std::string_view(record->content).substr(at, CacheKey::kSize));
    if (key && std::ranges::find(keys_, *key) == keys_.end()) keys_.push_back(*std::move(key));
  }
}

Result<> KeyRing::replace(CacheKey key) {
  std::vector<CacheKey> keys = keys_;
  std::erase(keys, key);
  keys.insert(keys.begin(), std::move(key));
  if (keys.size() > kMost) keys.erase(keys.begin() + kMost, keys.end());
  TRY(write(keys));
  keys_ = std::move(keys);
  return {};
}

Result<> KeyRing::write(const std::vector<CacheKey>& keys) const {
  const std::string draft = folder_ + kDraftName;
  ::unlink(draft.c_str());
  std::string octets;
  for (const CacheKey& key : std::span(keys).subspan(1)) octets += key.octets().reveal();
  const Secret<std::string> earlier(std::move(octets));
  const auto put = [&]() -> Result<> {
    TRY(RecordWriter writer, RecordWriter::create(keys.front(), draft));
    TRY(writer.add(RecordKind::Keys, earlier.reveal()));
    TRY(writer.sync());
    if (std::rename(draft.c_str(), (folder_ + kName).c_str()) != 0) return system_failure("rename", draft);
    return sync_folder(folder_);
  };
  auto done = put();
  if (!done) ::unlink(draft.c_str());
  return done;
}

}  // namespace sluice::dataplane
