// SPDX-License-Identifier: Apache-2.0
#include "control/platform/timestamp.h"

#include <chrono>

#include "base/strings.h"

namespace sluice::control::platform {
namespace {

/// Takes pieces off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  /// A number of exactly so many digits; `good` is false from the first one on that is not there.
  int number(std::size_t digits) {
    const std::string_view piece = rest_.substr(0, digits);
    const auto value = piece.size() == digits && is_ascii_digit(piece.front()) ? parse_int<int>(piece) : Result<int>(0);
    good = good && piece.size() == digits && is_ascii_digit(piece.empty() ? 'x' : piece.front()) && value.has_value();
    rest_.remove_prefix(piece.size());
    return value.value_or(0);
  }
  bool take(char wanted) {
    if (rest_.empty() || ascii_upper(rest_.front()) != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) { good = take(wanted) && good; }
  /// The milliseconds of a fraction of any length.
  int fraction() {
    int value = 0;
    int weight = 100;
    for (bool any = false; !rest_.empty() && is_ascii_digit(rest_.front()) ? true : (good = good && any, false);
         any = true) {
      value += (rest_.front() - '0') * weight;
      weight /= 10;
      rest_.remove_prefix(1);
    }
    return value;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  bool good = true;

 private:
  std::string_view rest_;
};

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  Scanner scan(text);
  const int y = scan.number(4);
  scan.expect('-');
  const int m = scan.number(2);
  scan.expect('-');
  const int d = scan.number(2);
  scan.expect('T');
  const int hour = scan.number(2);
  scan.expect(':');
  const int minute = scan.number(2);
  scan.expect(':');
  const int second = scan.number(2);
  const int millis = scan.take('.') ? scan.fraction() : 0;
  int offset = 0;
  if (!scan.take('Z')) {
    const int sign = scan.take('-') ? -1 : 1;
    if (sign == 1) scan.expect('+');
    const int hours_off = scan.number(2);
    scan.expect(':');
    offset = sign * (hours_off * 60 + scan.number(2));
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  const bool in_range = hour < 24 && minute < 60 && second <= 60 && offset > -24 * 60 && offset < 24 * 60;
  if (!scan.good || !scan.at_end() || !date.ok() || !in_range) return std::nullopt;
  const auto at = sys_days(date) + hours(hour) + minutes(minute - offset) + seconds(second);
  return duration_cast<milliseconds>(at.time_since_epoch()).count() + millis;
}

}  // namespace sluice::control::platform
