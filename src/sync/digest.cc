// SPDX-License-Identifier: Apache-2.0
#include "sync/digest.h"

#include <fmt/core.h>

#include "crypto/hash.h"

namespace sluice::sync {
namespace {

using Sum = std::array<std::uint64_t, 2>;

std::string_view text_of_octets(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.octets.data()), id.octets.size()};
}

/// The first half of a SHA-256. Ids have a fixed length and types hold no NUL, so no two rows give the same octets.
Sum digest_of(std::string_view type, const Uuid& id, const Uuid& workspace, std::string_view document) {
  thread_local crypto::Digest digest(crypto::Hash::Sha256);
  digest.update(type).update(std::string_view("\0", 1));
  digest.update(text_of_octets(id)).update(text_of_octets(workspace)).update(document);
  const std::string octets = digest.finish();
  Sum sum{};
  for (std::size_t i = 0; i < 16; ++i) sum[i / 8] = sum[i / 8] << 8U | static_cast<std::uint8_t>(octets[i]);
  return sum;
}

std::string to_text(const Sum& sum) {
  return fmt::format("{:016x}{:016x}", sum[0], sum[1]);
}

}  // namespace

void Digest::add(std::string_view type, const Uuid& id, const Uuid& workspace, std::string_view document) {
  change(type, digest_of(type, id, workspace, document));
}

void Digest::remove(std::string_view type, const Uuid& id, const Uuid& workspace, std::string_view document) {
  const Sum row = digest_of(type, id, workspace, document);
  change(type, {-row[0], -row[1]});
}

void Digest::change(std::string_view type, const Sum& by) {
  auto at = by_type_.find(type);
  if (at == by_type_.end()) at = by_type_.emplace(std::string(type), Sum{}).first;
  at->second[0] += by[0];
  at->second[1] += by[1];
  if (at->second == Sum{}) by_type_.erase(at);
}

std::string Digest::text() const {
  Sum all{};
  for (const auto& [type, sum] : by_type_) {
    all[0] += sum[0];
    all[1] += sum[1];
  }
  return to_text(all);
}

std::string Digest::text_of(std::string_view type) const {
  const auto at = by_type_.find(type);
  return to_text(at != by_type_.end() ? at->second : Sum{});
}

}  // namespace sluice::sync
