// SPDX-License-Identifier: Apache-2.0
#include "http/h3/written_fields.h"

#include <string>

#include <gtest/gtest.h>

#include "http/h2/written_fields.h"

namespace sluice::http::h3 {
namespace {

std::string text(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

TEST(Http3WrittenFields, HaveNamesInLowerCaseAndValuesAsTheyAre) {
  InlineArena<4096> arena;
  ResponseHead head(arena);
  head.status = 200;
  head.headers.add("X-Some-Name", "A Value");
  head.headers.add("plain", "b");
  const auto fields = as_http3(arena, h2::response_fields(arena, head, {}));
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(text(fields[0].name, fields[0].namelen), ":status");
  EXPECT_EQ(text(fields[1].name, fields[1].namelen), "x-some-name");
  EXPECT_EQ(text(fields[1].value, fields[1].valuelen), "A Value");
  EXPECT_EQ(text(fields[2].name, fields[2].namelen), "plain");
}

}  // namespace
}  // namespace sluice::http::h3
