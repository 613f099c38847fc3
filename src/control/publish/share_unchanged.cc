// SPDX-License-Identifier: Apache-2.0
#include "control/publish/share_unchanged.h"

#include <string>
#include <string_view>

#include "base/strings.h"
#include "base/time.h"
#include "store/member.h"

namespace sluice::control::publish {
namespace {

// A stamp younger than this was made by the load, not given by the file.
constexpr double kLoadSeconds = 60;

/// Whether a row lives on from the moment at which it is given.
bool has_ttl(std::string_view document) {
  const std::string_view ttl = store::raw_member(document, "ttl");
  return !ttl.empty() && ttl != "null";
}

/// Whether a row says the same as the one it replaces, apart from stamps that the load itself made.
bool unchanged(const std::string& before, const std::string& after, std::int64_t now) {
  if (has_ttl(after)) return before == after;
  const std::string_view stamp = store::raw_member(after, "created_at");
  const auto made = parse_double(stamp);
  const bool by_load = made && static_cast<double>(now) - *made < kLoadSeconds;
  if (!by_load && store::raw_member(before, "created_at") != stamp) return false;
  return store::without_values(before, {"created_at", "updated_at"}) ==
         store::without_values(after, {"created_at", "updated_at"});
}

}  // namespace

bool says_the_same(std::string_view before, std::string_view after) {
  return store::without_values(before, {"updated_at"}) == store::without_values(after, {"updated_at"});
}

void share_unchanged(sync::Delta& delta, const store::MemoryStore& store) {
  const std::int64_t now = unix_seconds();
  const store::Table* table = nullptr;
  const store::Space* last = nullptr;
  for (auto& row : delta.upserts) {
    const store::Space& space = store.space(row.workspace);
    if (table == nullptr || table->type().name() != row.type || &space != last) table = &space.table(row.type);
    last = &space;
    const sync::Document* before = table->find(row.id);
    if (before != nullptr && unchanged(**before, *row.document, now)) row.document = *before;
  }
}

}  // namespace sluice::control::publish
