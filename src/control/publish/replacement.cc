// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "control/publish/change.h"
#include "control/publish/share_unchanged.h"
#include "entity/declarative_items.h"

namespace sluice::control::publish {
namespace {

using entity::DeclarativeErrors;
using schema::PathPart;

/// A problem of an entity whose place is not known.
void report_unplaced(const sync::ConfigProblem& problem, DeclarativeErrors& errors) {
  schema::Violations one;
  one.add({field_path({{problem.type, 0, false}, {problem.id.to_string(), 0, false}}, problem.field), problem.message,
           false});
  errors.outside.merge(schema::PathView{}, one);
  errors.all.merge(schema::PathView{}, std::move(one));
}

class Replacement final : public Change {
 public:
  Replacement(const entity::Catalog& catalog, Json config, std::string hash)
      : catalog_(catalog), config_(std::move(config)), hash_(std::move(hash)) {}

  std::expected<void, Refusal> prepare(Draft& draft) override {
    auto rows = entity::load_declarative(catalog_, config_);
    if (!rows) return std::unexpected(Refusal{.declarative = std::move(rows).error()});
    sync::Delta delta;
    delta.complete = true;
    delta.hash = hash_;
    delta.upserts.reserve(rows->size());
    for (entity::Row& row : *rows) {
      delta.upserts.push_back({row.type->name(), row.id, std::make_shared<const std::string>(std::move(row.document))});
    }
    share_unchanged(delta, draft.store());
    draft.replace(std::move(delta));
    return {};
  }
  [[nodiscard]] bool whole() const override { return true; }

  [[nodiscard]] Refusal locate(const std::vector<sync::ConfigProblem>& problems) const override {
    entity::DeclarativeItems items(catalog_, config_);
    DeclarativeErrors errors;
    schema::Violations ignored;
    items.collect(ignored);
    items.identify([](std::uint32_t, const std::string&) {});
    for (const auto& problem : problems) {
      const auto at = std::ranges::find_if(items.items(), [&](const entity::Item& item) {
        return item.id == problem.id && item.type->name() == problem.type;
      });
      if (at != items.items().end()) {
        report(items, *at, problem, errors);
      } else {
        report_unplaced(problem, errors);
      }
    }
    return {.declarative = std::move(errors)};
  }

 private:
  static void report(const entity::DeclarativeItems& items, const entity::Item& item,
                     const sync::ConfigProblem& problem, DeclarativeErrors& errors) {
    schema::Violations one;
    one.add({field_path({}, problem.field), problem.message, problem.field.empty()});
    errors.all.merge(items.path(item), one);
    Json::Object entity;
    for (const auto& [name, value] : item.source->as_object()) {
      if (!items.is_child_list(item, name)) entity.append(name, value);
    }
    errors.entities.push_back({item.type->singular(), std::move(entity), std::move(one)});
  }

  const entity::Catalog& catalog_;
  Json config_;
  std::string hash_;
};

class ReadyMade final : public Change {
 public:
  explicit ReadyMade(sync::Delta delta) : delta_(std::move(delta)) {}

  std::expected<void, Refusal> prepare(Draft& draft) override {
    share_unchanged(delta_, draft.store());
    draft.replace(delta_);
    return {};
  }
  [[nodiscard]] bool whole() const override { return true; }
  [[nodiscard]] Refusal locate(const std::vector<sync::ConfigProblem>& problems) const override {
    DeclarativeErrors errors;
    for (const auto& problem : problems) report_unplaced(problem, errors);
    return {.declarative = std::move(errors)};
  }

 private:
  sync::Delta delta_;
};

}  // namespace

std::vector<PathPart> field_path(std::vector<PathPart> base, const std::string& field) {
  for (const std::string_view piece : split_list(field, '.')) {
    const auto position = parse_int<std::size_t>(piece);
    if (position) {
      base.push_back({{}, *position, true});
    } else {
      base.push_back({std::string(piece), 0, false});
    }
  }
  return base;
}

std::unique_ptr<Change> replacement(const entity::Catalog& catalog, Json config, std::string hash) {
  return std::make_unique<Replacement>(catalog, std::move(config), std::move(hash));
}

std::unique_ptr<Change> ready_made(sync::Delta delta) {
  return std::make_unique<ReadyMade>(std::move(delta));
}

}  // namespace sluice::control::publish
