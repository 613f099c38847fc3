// SPDX-License-Identifier: Apache-2.0
#include "cli/openapi/names.h"

#include <gtest/gtest.h>

namespace sluice::cli::openapi {
namespace {

TEST(OpenapiNames, BecomeSlugs) {
  EXPECT_EQ(slug("Pet Shop (beta)", false), "pet-shop-beta");
  EXPECT_EQ(slug("/pets/{id}", false), "pets-id");
  EXPECT_EQ(slug("Pet Shop", true), "Pet_Shop");
}

TEST(OpenapiNames, MakeStableIds) {
  EXPECT_EQ(id_of("pets.service"), id_of("pets.service"));
  EXPECT_NE(id_of("pets.service"), id_of("pets.route"));
}

TEST(OpenapiNames, TurnTemplatesIntoRegularExpressions) {
  EXPECT_EQ(route_path("/a.b/{pet-id}")->regex, "~/a\\.b/(?<pet_id>[^#?/]+)$");
  EXPECT_TRUE(route_path("/{1}")->has_parameters);
  EXPECT_EQ(route_path("/plain")->regex, "~/plain$");
  EXPECT_FALSE(route_path("/{open"));
  EXPECT_FALSE(route_path("relative"));
}

}  // namespace
}  // namespace sluice::cli::openapi
