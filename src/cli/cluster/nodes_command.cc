// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/nodes_command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "cli/cluster/node_list.h"
#include "cli/cluster/node_table.h"

namespace sluice::cli {
namespace {

constexpr auto kRefresh = std::chrono::seconds(1);
// A long list is asked for less often: it costs the control plane more than it tells anybody.
constexpr std::size_t kLongList = 1000;
constexpr auto kRefreshLong = std::chrono::seconds(5);
constexpr const char* kFromTheTop = "\x1b[H";
constexpr const char* kClearScreen = "\x1b[2J\x1b[H";
constexpr const char* kClearLine = "\x1b[K\n";
constexpr const char* kClearRest = "\x1b[J";

Result<NodeList> read_nodes(Platform& platform, NodeReader& reader) {
  // First what is expected: a node that is faster than us is then not called behind.
  TRY(const Json expected, platform.expected());
  TRY(const Json::Array nodes, platform.nodes());
  return reader.read({platform.plane().id, platform.plane().name}, nodes, expected, unix_seconds());
}

TableStyle style_of(const NodesArguments& arguments) {
  TableStyle style;
  if (::isatty(STDOUT_FILENO) != 1) return style;
  style.colour = !arguments.no_colour && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return style;
  style.width = size.ws_col;
  style.lines = size.ws_row;
  return style;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// Line for line over what stands there, so that nothing flickers.
void draw(const std::string& text) {
  std::string drawn = kFromTheTop;
  for (const char c : text) {
    if (c == '\n') {
      drawn += kClearLine;
    } else {
      drawn += c;
    }
  }
  print(drawn + kClearRest);
}

/// While the control plane does not answer, what it last said stays, with the reason and its age.
[[noreturn]] void watch(Platform& platform, const NodesArguments& arguments) {
  NodeReader reader;
  std::optional<NodeList> list;
  print(kClearScreen);
  for (;;) {
    auto now = read_nodes(platform, reader);
    std::string trouble;
    TableStyle style = style_of(arguments);
    if (now) {
      list = *std::move(now);
    } else {
      trouble = now.error().what.substr(0, now.error().what.find('\n')) + "\n";
      if (style.lines > 1) --style.lines;
      if (list) style.age = std::max<std::int64_t>(1, unix_seconds() - list->now);
    }
    draw(trouble + (list ? node_table(*list, style) : std::string()));
    std::this_thread::sleep_for(list && list->rows.size() > kLongList ? kRefreshLong : kRefresh);
  }
}

}  // namespace

Result<int> show_nodes(const NodesArguments& arguments) {
  TRY(Platform platform, Platform::open(arguments.platform));
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  if (!arguments.as_json && !arguments.once && (terminal || arguments.watch)) watch(platform, arguments);
  NodeReader reader;
  TRY(const NodeList list, read_nodes(platform, reader));
  if (arguments.as_json) {
    print(to_pretty_json(to_json_value(list)) + "\n");
    return 0;
  }
  TableStyle style = style_of(arguments);
  style.width = style.lines = 0;  // it scrolls
  print(node_table(list, style));
  return 0;
}

}  // namespace sluice::cli
