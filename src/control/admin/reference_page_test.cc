// SPDX-License-Identifier: Apache-2.0
#include "control/admin/reference_page.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ReferencePageTest : public AdminTest {
 protected:
  ReferencePageTest() : AdminTest(Storage::Sqlite) {}
  std::string page() { return reference_page(get("/openapi.json")->json()); }
};

/// UPDATE_GOLDEN=1 writes the page anew.
TEST_F(ReferencePageTest, IsTheOneInTheDocumentation) {
  const char* path = "docs/admin-api.md";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << page();
  std::ifstream in(path);
  if (!in) GTEST_SKIP() << "not run from the source tree";
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), page())
      << "UPDATE_GOLDEN=1 build/dev/tests/control_test --gtest_filter='ReferencePage*'";
}

TEST_F(ReferencePageTest, ShowsPathsAndFieldsOfEntities) {
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("### services\n"));
  EXPECT_THAT(text, HasSubstr("| GET POST | `/services` |"));
  EXPECT_THAT(text, HasSubstr("| `retries` | integer | `5` |"));
  EXPECT_THAT(text, HasSubstr("| `healthchecks.active` |"));
}

TEST_F(ReferencePageTest, SaysOfEveryOtherEndpointWhatItIsFor) {
  const Json openapi = get("/openapi.json")->json();
  std::string silent;
  for (const auto& [pattern, methods] : openapi.find("paths")->as_object()) {
    const Json& operation = methods.as_object().begin()->second;
    if (operation.find("tags") == nullptr && operation.find("summary") == nullptr) silent += pattern + "\n";
  }
  EXPECT_THAT(silent, IsEmpty());
}

}  // namespace
}  // namespace sluice::control::admin
