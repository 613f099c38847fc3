// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/node_table.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sluice::cli {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kWarnDays = 30;
constexpr std::size_t kShortId = 8;
constexpr std::size_t kColumns = 8;
constexpr std::size_t kStateColumn = 4;
constexpr std::size_t kFrameLines = 5;  // summary, blank, headline, what is left out, where the cursor stands

using Cells = std::array<std::string, kColumns>;

const Cells kHeadline = {"NODE", "HOST", "VERSION", "CONFIG", "STATE", "LAG", "SEEN", "NOTES"};

std::string_view colour_of(NodeState state) {
  switch (state) {
    case NodeState::Refused:
    case NodeState::Incompatible:
      return "\x1b[31m";
    case NodeState::Behind:
      return "\x1b[33m";
    case NodeState::Away:
      return "\x1b[2m";
    case NodeState::InSync:
      break;
  }
  return "\x1b[32m";
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

std::string notes_of(const NodeRow& row, std::int64_t now) {
  std::vector<std::string> notes;
  if (!row.reason.empty()) notes.push_back(row.reason);
  if (row.limitations == 1) notes.emplace_back("1 thing is left out for its version");
  if (row.limitations > 1) notes.push_back(fmt::format("{} things are left out for its version", row.limitations));
  if (row.certificate_expires) {
    const std::int64_t left = *row.certificate_expires - now;
    if (left <= 0) notes.emplace_back("its certificate has expired");
    if (left > 0 && left <= kWarnDays * kDay) notes.push_back("its certificate expires in " + short_duration(left));
  }
  return fmt::format("{}", fmt::join(notes, "; "));
}

/// What tells nodes of one host name apart: their addresses, where they differ, or else their labels. Refers to a list.
class Hosts {
 public:
  explicit Hosts(const NodeList& list) {
    for (const NodeRow& row : list.rows) {
      ++names_[row.hostname];
      ++addresses_[{row.hostname, row.address}];
      ++labels_[{row.hostname, row.labels}];
    }
  }

  [[nodiscard]] std::string cell_of(const NodeRow& row) const {
    if (names_.at(row.hostname) == 1) return or_dash(row.hostname);
    const bool by_address = !row.address.empty() && addresses_.at({row.hostname, row.address}) == 1;
    const bool by_labels = !row.labels.empty() && labels_.at({row.hostname, row.labels}) == 1;
    if (!by_address && !by_labels) return or_dash(row.hostname);
    return fmt::format("{} ({})", row.hostname, by_address ? row.address : row.labels);
  }

 private:
  using Pair = std::pair<std::string_view, std::string_view>;
  std::map<std::string_view, std::size_t> names_;
  std::map<Pair, std::size_t> addresses_;
  std::map<Pair, std::size_t> labels_;
};

Cells cells_of(const Hosts& hosts, const NodeRow& row, std::int64_t now) {
  return {row.id.substr(0, kShortId),
          hosts.cell_of(row),
          or_dash(row.version),
          or_dash(row.config_version),
          std::string(to_string(row.state)),
          row.behind_since == 0 ? "-" : short_duration(now - row.behind_since),
          row.last_seen == 0 ? "-" : short_duration(now - row.last_seen) + " ago",
          notes_of(row, now)};
}

/// Texts come from nodes: nothing in them may move the cursor.
std::string printable(std::string_view text) {
  std::string clean(text);
  std::ranges::replace_if(clean, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  return clean;
}

/// Cut at a whole character of UTF-8; how wide characters are is not known here.
std::string clipped(std::string text, std::size_t width) {
  if (width == 0 || text.size() <= width) return text;
  while (width > 0 && (static_cast<unsigned char>(text[width]) & 0xc0U) == 0x80U) --width;
  text.resize(width);
  return text;
}

std::string line_of(const Cells& cells, const std::array<std::size_t, kColumns>& widths, std::string_view colour,
                    const TableStyle& style) {
  std::string line;
  std::size_t state_at = 0;
  for (std::size_t i = 0; i < kColumns; ++i) {
    if (i == kStateColumn) state_at = line.size();
    line += i + 1 < kColumns ? fmt::format("{:<{}}  ", cells[i], widths[i]) : cells[i];
  }
  line = clipped(std::move(line), style.width);
  if (style.colour && !colour.empty() && state_at + cells[kStateColumn].size() <= line.size()) {
    line.insert(state_at + cells[kStateColumn].size(), "\x1b[0m");
    line.insert(state_at, colour);
  }
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

std::string summary_of(const NodeList& list) {
  std::string text = fmt::format("control plane {}: {} data plane{}", list.control_plane.name, list.rows.size(),
                                 list.rows.size() == 1 ? "" : "s");
  for (const NodeState state :
       {NodeState::InSync, NodeState::Behind, NodeState::Incompatible, NodeState::Refused, NodeState::Away}) {
    if (const std::size_t count = list.count(state); count > 0) text += fmt::format(", {} {}", count, to_string(state));
  }
  return text;
}

}  // namespace

std::string short_duration(std::int64_t seconds) {
  if (seconds < 120) return fmt::format("{}s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 120 * 60) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / kDay);
}

std::string node_table(const NodeList& list, const TableStyle& style) {
  std::string summary = summary_of(list);
  if (style.age > 0) summary += fmt::format(" (as of {} ago)", short_duration(style.age));
  std::string text = clipped(printable(summary), style.width) + "\n\n";
  if (list.rows.empty()) return text + "No data plane has come yet: sluice dp join says how.\n";
  std::size_t shown = list.rows.size();
  if (style.lines > kFrameLines) shown = std::min(shown, style.lines - kFrameLines);
  const Hosts hosts(list);
  std::vector<Cells> cells = {kHeadline};
  for (std::size_t i = 0; i < shown; ++i) {
    cells.push_back(cells_of(hosts, list.rows[i], list.now));
    for (std::string& cell : cells.back()) cell = printable(cell);
  }
  std::array<std::size_t, kColumns> widths{};
  for (const Cells& line : cells) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += line_of(cells[i], widths, i == 0 ? std::string_view() : colour_of(list.rows[i - 1].state), style);
  }
  if (shown < list.rows.size()) text += fmt::format("and {} more\n", list.rows.size() - shown);
  return text;
}

}  // namespace sluice::cli
