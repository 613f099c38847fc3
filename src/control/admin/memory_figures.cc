// SPDX-License-Identifier: Apache-2.0
#include "control/admin/memory_figures.h"

#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/strings.h"

namespace sluice::control::admin {
namespace {

constexpr int kMaxScale = 10;

double divisor(char unit) {
  if (unit == 'k') return 1024.0;
  if (unit == 'm') return 1024.0 * 1024;
  return 1024.0 * 1024 * 1024;
}

}  // namespace

std::uint64_t resident_octets() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return statm ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::expected<SizeFormat, Reply> SizeFormat::parse(const Query& query) {
  SizeFormat format;
  if (const std::string* unit = query.find("unit")) {
    const char c = unit->size() == 1 ? ascii_lower(unit->front()) : '\0';
    if (c == '\0' || !std::string_view("bkmg").contains(c)) {
      return std::unexpected(Reply::message(400, "invalid unit '" + *unit + "' (expected 'b', 'k', 'm' or 'g')"));
    }
    format.unit_ = c;
  }
  if (const std::string* scale = query.find("scale")) {
    const auto digits = parse_int<int>(*scale);
    if (!digits || *digits < 0 || *digits > kMaxScale) {
      return std::unexpected(Reply::message(400, "invalid scale '" + *scale + "' (expected 0 to 10)"));
    }
    format.scale_ = *digits;
  }
  return format;
}

Json SizeFormat::write(std::uint64_t octets) const {
  if (unit_ == 'b') return octets;
  return fmt::format("{:.{}f} {}iB", static_cast<double>(octets) / divisor(unit_), scale_, ascii_upper(unit_));
}

}  // namespace sluice::control::admin
