// SPDX-License-Identifier: Apache-2.0
#include "control/publish/share_unchanged.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "base/time.h"
#include "store/member.h"

namespace sluice::control::publish {
namespace {

// A stamp younger than this was made by the load, not given by the file.
constexpr double kLoadSeconds = 60;

/// The document without the values of its time stamps.
std::string without_stamps(std::string_view document) {
  std::array<std::string_view, 2> stamps = {store::raw_member(document, "created_at"),
                                            store::raw_member(document, "updated_at")};
  std::ranges::sort(stamps, {}, [](std::string_view stamp) { return stamp.data(); });
  std::string rest;
  rest.reserve(document.size());
  std::size_t from = 0;
  for (const std::string_view stamp : stamps) {
    if (stamp.empty()) continue;
    const auto at = static_cast<std::size_t>(stamp.data() - document.data());
    rest.append(document.substr(from, at - from));
    from = at + stamp.size();
  }
  return rest.append(document.substr(from));
}

/// Whether a row says the same as the one it replaces, apart from stamps that the load itself made.
bool unchanged(const std::string& before, const std::string& after, std::int64_t now) {
  const std::string_view stamp = store::raw_member(after, "created_at");
  const auto made = parse_double(stamp);
  const bool by_load = made && static_cast<double>(now) - *made < kLoadSeconds;
  if (!by_load && store::raw_member(before, "created_at") != stamp) return false;
  return without_stamps(before) == without_stamps(after);
}

}  // namespace

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
