// SPDX-License-Identifier: Apache-2.0
#include "entity/nesting.h"

#include <gmock/gmock.h>

#include "entity/catalog_fixture.h"
#include "entity/partial_link.h"

namespace sluice::entity {
namespace {

using testing::HasSubstr;

/// `{"meta": {"a": {"a": ..}}}`: so many levels altogether.
Json nested(std::size_t levels) {
  Json inner = Json::object();
  for (std::size_t i = 2; i < levels; ++i) inner = Json::Object{{"a", std::move(inner)}};
  return Json::Object{{"name", "w"}, {"meta", std::move(inner)}};
}

TEST(Nesting, TakesAHundredLevelsAndNoMore) {
  schema::Violations violations;
  EXPECT_TRUE(check_nesting(nested(kMaxNesting), violations));
  EXPECT_FALSE(check_nesting(nested(kMaxNesting + 1), violations));
  EXPECT_THAT(violations.text(), HasSubstr("meta: nested deeper than 100 levels: meta.a.a.a.a.a.a.a.a..."));
}

TEST(Nesting, CountsArrays) {
  Json inner = Json::array();
  for (std::size_t i = 0; i < kMaxNesting; ++i) inner = Json::Array{1, std::move(inner)};
  schema::Violations violations;
  EXPECT_FALSE(check_nesting(Json::Object{{"list", std::move(inner)}}, violations));
  EXPECT_THAT(violations.text(), HasSubstr("list[1][1]"));
}

TEST(Nesting, IsJudgedWhereverADocumentIsMadeCanonical) {
  const Catalog catalog{test_plugins()};
  Json workspace = nested(kMaxNesting + 1);
  schema::Violations violations;
  process_entity(catalog, *catalog.find("workspaces"), workspace, {}, {}, violations);
  EXPECT_THAT(violations.message(), HasSubstr("nested deeper"));
}

}  // namespace
}  // namespace sluice::entity
