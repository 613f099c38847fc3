// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr std::int64_t kExample = 784111777;  // the moment that RFC 9110 uses in its examples
constexpr std::int64_t kNow = 1'700'000'000;

TEST(HttpDate, WritesImfFixdate) {
  EXPECT_EQ(format_http_date(kExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(1709251199), "Thu, 29 Feb 2024 23:59:59 GMT");
  EXPECT_EQ(format_http_date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDate, ClampsToFourDigitYears) {
  EXPECT_EQ(format_http_date(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format_http_date(INT64_MIN), "Mon, 01 Jan 0001 00:00:00 GMT");
}

TEST(HttpDate, ReadsAllThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), kExample);
  EXPECT_EQ(parse_http_date("Tue Nov 16 08:49:37 1999", kNow), 942742177);
}

TEST(HttpDate, PlacesTwoDigitYearsWithinFiftyYears) {
  EXPECT_EQ(format_http_date(*parse_http_date("Friday, 01-Jan-72 00:00:00 GMT", kNow)).substr(12, 4), "2072");
  EXPECT_EQ(format_http_date(*parse_http_date("Tuesday, 01-Jan-74 00:00:00 GMT", kNow)).substr(12, 4), "1974");
  EXPECT_EQ(format_http_date(*parse_http_date("Tuesday, 01-Jan-30 00:00:00 GMT", kNow)).substr(12, 4), "2030");
}

TEST(HttpDate, ReadsWhatItWrites) {
  for (std::int64_t t = -5'000'000'000; t < 5'000'000'000; t += 12'345'679) {
    ASSERT_EQ(parse_http_date(format_http_date(t), kNow), t);
  }
}

TEST(HttpDate, RefusesEverythingElse) {
  for (const char* text :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Thu, 30 Feb 2024 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "784111777"}) {
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
  }
}

TEST(Rfc3339, WritesMilliseconds) {
  EXPECT_EQ(format_rfc3339(1'700'000'000'007), "2023-11-14T22:13:20.007Z");
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace sluice
