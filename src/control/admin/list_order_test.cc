// SPDX-License-Identifier: Apache-2.0
#include "control/admin/list_order.h"

#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ListOrderTest : public AdminTest {
 protected:
  ListOrderTest() { settings.compat_edition = "enterprise"; }
  std::vector<std::string> names(std::string_view target) { return column(get(target)->json(), "name"); }
};

TEST_F(ListOrderTest, RowsComeInTheOrderOfAField) {
  EXPECT_THAT(names("/services?sort_by=name"), ElementsAre("alpha", "beta", "gamma"));
  EXPECT_THAT(names("/services?sort_by=name&sort_desc=1"), ElementsAre("gamma", "beta", "alpha"));
  EXPECT_THAT(names("/services?sort_by=port&sort_desc=1").front(), "alpha");
}

TEST_F(ListOrderTest, FieldsBeginWithWhatIsWanted) {
  EXPECT_THAT(names("/services?name=al"), ElementsAre("alpha"));
  EXPECT_THAT(names("/services?protocol=https"), ElementsAre("beta"));
  EXPECT_THAT(names("/services?port=8080"), ElementsAre("alpha"));
  EXPECT_THAT(names("/services?name=x"), IsEmpty());
  EXPECT_THAT(names("/services?name=&tags=t2&sort_by=name"), ElementsAre("alpha", "beta"));
}

TEST_F(ListOrderTest, PagesFollowEachOther) {
  const Json first = get("/services?sort_by=name&size=2")->json();
  EXPECT_THAT(column(first, "name"), ElementsAre("alpha", "beta"));
  const std::string next = first.find("next")->as_string();
  EXPECT_THAT(next, HasSubstr("&sort_by=name"));
  EXPECT_THAT(names(next), ElementsAre("gamma"));
}

TEST_F(ListOrderTest, SecretsAreNotGuessedByTheirBeginning) {
  EXPECT_THAT(get("/key-auths?key=k")->json().find("data")->as_array(), SizeIs(1));
  EXPECT_THAT(get("/key-auths?key=nothing")->json().find("data")->as_array(), SizeIs(1)) << "no such filter";
}

TEST_F(ListOrderTest, SecretsGiveNoOrder) {
  EXPECT_EQ(post("/config", R"({"_format_version":"3.0","consumers":[{"username":"u","keyauth_credentials":[
    {"id":"11111111-1111-4111-8111-111111111111","key":"z"},
    {"id":"22222222-2222-4222-8222-222222222222","key":"a"}]}]})")
                ->status,
            201);
  EXPECT_THAT(column(get("/key-auths?sort_by=key")->json(), "key"), testing::ElementsAre("z", "a"));
}

TEST_F(ListOrderTest, AReferenceIsWantedById) {
  EXPECT_THAT(names("/routes?service=11111111-1111-4111-8111-111111111111"), ElementsAre("alpha-route"));
  EXPECT_THAT(names("/routes?service=99999999-9999-4999-8999-999999999999"), IsEmpty());
}

TEST_F(ListOrderTest, TheCommunityEditionKnowsOfNeither) {
  settings.compat_edition = "community";
  EXPECT_THAT(names("/services?name=al"), SizeIs(3));
}

}  // namespace
}  // namespace sluice::control::admin
