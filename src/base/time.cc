// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <algorithm>

#include "base/strings.h"

namespace sluice {
namespace {

namespace chr = std::chrono;

constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view kLongDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr std::int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t kLastSecond = 253'402'300'799;   // 9999-12-31T23:59:59Z

struct Moment {
  unsigned year;
  unsigned month;  // 1..12
  unsigned day;
  unsigned weekday;  // 0 is Sunday
  unsigned hour;
  unsigned minute;
  unsigned second;
};

Moment moment_of(std::int64_t seconds) {
  const chr::sys_seconds point{chr::seconds(std::clamp(seconds, kFirstSecond, kLastSecond))};
  const auto midnight = chr::floor<chr::days>(point);
  const chr::year_month_day date{midnight};
  const auto within = static_cast<unsigned>((point - midnight).count());
  return {static_cast<unsigned>(static_cast<int>(date.year())),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          chr::weekday{midnight}.c_encoding(),
          within / 3600,
          within / 60 % 60,
          within % 60};
}

/// Fails for dates that no calendar has and for a weekday that does not belong to the date.
std::optional<std::int64_t> seconds_of(const Moment& m) {
  const chr::year_month_day date{chr::year(static_cast<int>(m.year)), chr::month(m.month), chr::day(m.day)};
  if (!date.ok() || m.year < 1 || m.hour > 23 || m.minute > 59 || m.second > 60) return std::nullopt;
  const chr::sys_days midnight{date};
  if (chr::weekday{midnight}.c_encoding() != m.weekday) return std::nullopt;
  const std::int64_t within = std::int64_t{m.hour} * 3600 + std::int64_t{m.minute} * 60 + std::min(m.second, 59U);
  return chr::sys_seconds(midnight).time_since_epoch().count() + within;
}

char* put_digits(char* out, unsigned value, unsigned width) {
  for (unsigned i = width; i > 0; --i) {
    out[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

char* put_text(char* out, std::string_view text) {
  return std::copy(text.begin(), text.end(), out);
}

/// Reads fixed forms from left to right; after the first mismatch everything fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  Scanner& literal(std::string_view text) {
    ok_ = ok_ && rest_.starts_with(text);
    if (ok_) rest_.remove_prefix(text.size());
    return *this;
  }
  template <std::size_t N>
  Scanner& word(const std::string_view (&words)[N], unsigned first, unsigned& out) {
    for (unsigned i = 0; ok_ && i < N; ++i) {
      if (rest_.starts_with(words[i])) {
        out = i + first;
        return literal(words[i]);
      }
    }
    ok_ = false;
    return *this;
  }
  Scanner& digits(std::size_t width, unsigned& out) {
    ok_ = ok_ && rest_.size() >= width && std::ranges::all_of(rest_.substr(0, width), is_ascii_digit);
    if (!ok_) return *this;
    out = 0;
    for (const char c : rest_.substr(0, width)) out = out * 10 + static_cast<unsigned>(c - '0');
    rest_.remove_prefix(width);
    return *this;
  }
  Scanner& time(Moment& m) {
    return digits(2, m.hour).literal(":").digits(2, m.minute).literal(":").digits(2, m.second);
  }
  [[nodiscard]] bool blank_next() const { return ok_ && rest_.starts_with(' '); }
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

bool scan_fixdate(std::string_view text, Moment& m) {
  Scanner scan(text);
  scan.word(kDays, 0, m.weekday).literal(", ").digits(2, m.day).literal(" ").word(kMonths, 1, m.month).literal(" ");
  return scan.digits(4, m.year).literal(" ").time(m).literal(" GMT").finished();
}

bool scan_rfc850(std::string_view text, std::int64_t now, Moment& m) {
  Scanner scan(text);
  scan.word(kLongDays, 0, m.weekday).literal(", ").digits(2, m.day).literal("-").word(kMonths, 1, m.month).literal("-");
  if (!scan.digits(2, m.year).literal(" ").time(m).literal(" GMT").finished()) return false;
  const unsigned this_year = moment_of(now).year;
  m.year += this_year / 100 * 100;
  if (m.year > this_year + 50) m.year -= 100;
  return true;
}

bool scan_asctime(std::string_view text, Moment& m) {
  Scanner scan(text);
  scan.word(kDays, 0, m.weekday).literal(" ").word(kMonths, 1, m.month).literal(" ");
  if (scan.blank_next()) {
    scan.literal(" ").digits(1, m.day);
  } else {
    scan.digits(2, m.day);
  }
  return scan.literal(" ").time(m).literal(" ").digits(4, m.year).finished();
}

}  // namespace

std::int64_t unix_millis() {
  return chr::duration_cast<Millis>(chr::system_clock::now().time_since_epoch()).count();
}

std::int64_t unix_seconds() {
  return unix_millis() / 1000;
}

void write_http_date(char* out, std::int64_t seconds) {
  const Moment m = moment_of(seconds);
  out = put_text(out, kDays[m.weekday]);
  out = put_digits(put_text(out, ", "), m.day, 2);
  out = put_text(put_text(put_text(out, " "), kMonths[m.month - 1]), " ");
  out = put_digits(put_text(put_digits(out, m.year, 4), " "), m.hour, 2);
  out = put_digits(put_text(out, ":"), m.minute, 2);
  out = put_digits(put_text(out, ":"), m.second, 2);
  put_text(out, " GMT");
}

std::string format_http_date(std::int64_t seconds) {
  std::string text(kHttpDateSize, '\0');
  write_http_date(text.data(), seconds);
  return text;
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) {
  Moment m{};
  if (scan_fixdate(text, m) || scan_rfc850(text, now, m) || scan_asctime(text, m)) return seconds_of(m);
  return std::nullopt;
}

std::string format_rfc3339(std::int64_t milliseconds) {
  const std::int64_t seconds = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000;
  const Moment m = moment_of(seconds);
  std::string text(24, '\0');
  char* out = put_digits(text.data(), m.year, 4);
  out = put_digits(put_text(out, "-"), m.month, 2);
  out = put_digits(put_text(out, "-"), m.day, 2);
  out = put_digits(put_text(out, "T"), m.hour, 2);
  out = put_digits(put_text(out, ":"), m.minute, 2);
  out = put_digits(put_text(out, ":"), m.second, 2);
  out = put_digits(put_text(out, "."), static_cast<unsigned>(milliseconds - seconds * 1000), 3);
  put_text(out, "Z");
  return text;
}

}  // namespace sluice
