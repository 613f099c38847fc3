// SPDX-License-Identifier: Apache-2.0
#include "control/admin/form.h"

#include <gtest/gtest.h>

#include "control/admin/message.h"

namespace sluice::control::admin {
namespace {

std::string value_of(std::string_view form) {
  return to_json(form_value(Query(form).all()));
}

TEST(Form, DotsNestAndBracketsMakeArrays) {
  EXPECT_EQ(value_of("a.b=c&a.d=e"), R"({"a":{"b":"c","d":"e"}})");
  EXPECT_EQ(value_of("a[]=x&a[]=y"), R"({"a":["x","y"]})");
  EXPECT_EQ(value_of("a[2]=y&a[1]=x"), R"({"a":["x","y"]})");
  EXPECT_EQ(value_of("a=x&a=y&a=z"), R"({"a":["x","y","z"]})");
  EXPECT_EQ(value_of("a=&b=%20+"), R"({"a":null,"b":"  "})");
}

TEST(Form, HugeIndexesAndDepthsDoNoHarm) {
  EXPECT_EQ(value_of("a[99999999999]=x"), R"({"a":["x"]})");
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += ".a";
  EXPECT_LT(value_of(deep + "=x").size(), 1000U);
}

TEST(Form, MultipartPartsAreFields) {
  const auto fields = multipart_fields("multipart/form-data; boundary=\"x\"",
                                       "--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n"
                                       "Content-Type: text/yaml\r\n\r\nline\r\nline\r\n--x--\r\n");
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(*fields, (FormFields{{"a", "line\r\nline"}}));
}

TEST(Form, BrokenMultipartIsRefused) {
  EXPECT_FALSE(multipart_fields("multipart/form-data", "--x--"));
  EXPECT_FALSE(multipart_fields("multipart/form-data; boundary=x", "--x\r\n\r\nv\r\n--x--"));
  EXPECT_FALSE(multipart_fields("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=a"));
  EXPECT_FALSE(multipart_fields("multipart/form-data; boundary=x", "nothing"));
}

}  // namespace
}  // namespace sluice::control::admin
