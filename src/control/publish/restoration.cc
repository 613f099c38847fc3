// SPDX-License-Identifier: Apache-2.0
#include "control/publish/restoration.h"

#include <algorithm>
#include <utility>

#include "base/time.h"
#include "control/publish/share_unchanged.h"
#include "store/memory_store.h"

namespace sluice::control::publish {
namespace {

constexpr std::string_view kNote = "restored from ";

bool has_expired(const schema::EntityBase& type, std::string_view document, std::int64_t now) {
  const std::int64_t end = store::expires_at(type, document);
  return end != 0 && end <= now;
}

/// Stored, `ttl` counts from when the row was made; as it is written, from now.
void count_from_now(const schema::EntityBase& type, Json& document, std::int64_t now) {
  Json* ttl = type.has_ttl() ? document.find("ttl") : nullptr;
  const Json* made = document.find("created_at");
  if (ttl == nullptr || !ttl->is_int() || made == nullptr || !made->is_int()) return;
  *ttl = std::max<std::int64_t>(1, ttl->as_int() - (now - made->as_int()));
}

bool same(const store::RowDifference& row) {
  if (row.before == nullptr || row.after == nullptr) return row.before == row.after;
  return says_the_same(*row.before, *row.after);
}

class OnlyAfter final : public Change {
 public:
  OnlyAfter(const store::Version& seen, std::unique_ptr<Change> change, std::string note)
      : seen_(seen), change_(std::move(change)), note_(std::move(note)) {}

  std::expected<void, Refusal> prepare(Draft& draft) override {
    if (draft.version() == seen_) return change_->prepare(draft);
    return std::unexpected(Refusal{.failures = {{.kind = Failure::Kind::Precondition}}});
  }
  [[nodiscard]] Refusal locate(const std::vector<sync::ConfigProblem>& problems) const override {
    return change_->locate(problems);
  }
  [[nodiscard]] bool whole() const override { return change_->whole(); }
  [[nodiscard]] std::string note() const override { return note_; }
  [[nodiscard]] std::vector<Effect> effects() const override { return change_->effects(); }

 private:
  const store::Version seen_;
  const std::unique_ptr<Change> change_;
  const std::string note_;
};

}  // namespace

std::vector<Operation> operations_of(const entity::Catalog& catalog, const std::vector<store::RowDifference>& rows) {
  const std::int64_t now = unix_seconds();
  std::vector<Operation> operations;
  for (const store::RowDifference& row : rows) {
    const schema::EntityBase* type = catalog.find(row.type);
    if (type == nullptr || same(row)) continue;
    Operation operation{.verb = Verb::Remove, .type = type, .workspace = row.workspace, .key = row.id.to_string()};
    auto document = row.after != nullptr ? parse_json(*row.after) : Result<Json>(Json());
    // What cannot be read stays as it is: it is no reason to take away what is there.
    if (row.after != nullptr && (!document || !document->is_object())) continue;
    const bool wanted = document->is_object() && !has_expired(*type, *row.after, now);
    if (wanted) {
      count_from_now(*type, *document, now);
      operation.verb = Verb::Replace;
      operation.document = *std::move(document);
      operation.transform = false;
    }
    if (wanted || row.before != nullptr) operations.push_back(std::move(operation));
  }
  return operations;
}

std::string restored_from(const store::Version& version) {
  return std::string(kNote) + to_string(version);
}

std::string_view version_restored(std::string_view note) {
  return note.starts_with(kNote) ? note.substr(kNote.size()) : std::string_view();
}

std::unique_ptr<Change> only_after(const store::Version& seen, std::unique_ptr<Change> change, std::string note) {
  return std::make_unique<OnlyAfter>(seen, std::move(change), std::move(note));
}

}  // namespace sluice::control::publish
