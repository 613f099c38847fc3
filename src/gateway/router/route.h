// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/shared.h"
#include "base/uuid.h"
#include "expr/expression.h"
#include "expr/input.h"
#include "expr/regex.h"
#include "expr/requirements.h"
#include "gateway/router/rank.h"
#include "gateway/router/route_spec.h"

namespace sluice::gateway::router {

/// What a request or a stream session shows to the router.
using MatchInput = expr::Input;

/// A host or SNI of a route, lower-case. Kind Suffix stands for `*.example.com`, Prefix for `example.*`.
struct HostRule {
  expr::NamePattern name;
  std::uint16_t port = 0;  // 0: any
};

/// Header rule in compiled form: one of the values (lower-case), or the regex.
struct HeaderMatcher {
  std::string name;  // lower-case, `_` for `-`
  std::vector<std::string> values;
  expr::RegexRef regex;
};

struct EndpointMatcher {
  std::optional<Cidr> range;
  std::optional<std::uint16_t> port;
};

/// Part of a route that is ranked as a whole: one path, several plain paths of equal length, several regexes, or the
/// route itself if it has no paths or is an expression.
struct Entry {
  Rank rank;
  std::vector<std::string> prefixes;
  std::vector<expr::RegexRef> regexes;
};

/// A compiled route. Immutable, shared by all generations of the table that contain it.
class Route : public Counted {
 public:
  /// Reports every pattern and expression that does not compile.
  static std::expected<Shared<const Route>, std::vector<RouteProblem>> compile(const RouteSpec& spec, Flavor flavor,
                                                                               expr::RegexCache& regexes);

  /// Attributes that few routes use, kept apart so that the others stay small.
  struct Rare {
    std::vector<HeaderMatcher> headers;
    std::vector<expr::NamePattern> snis;
    std::vector<EndpointMatcher> sources;
    std::vector<EndpointMatcher> destinations;
    std::optional<expr::Expression> expression;
    bool hosts_have_ports = false;
  };

  // What every match reads stands first: among many routes each cache line is a wait for memory.
  std::uint8_t protocols = 0;  // bit per expr::Protocol that may match at all
  bool strip_path = true;
  bool stream = false;
  bool only_prefixes = false;  // plain paths, and apart from the protocols nothing else, decide
  std::vector<std::string> methods;
  std::vector<HostRule> hosts;
  std::unique_ptr<const Rare> rare;  // null: none of them
  std::vector<Entry> entries;
  std::shared_ptr<const void> target;
  Uuid id;
  std::int64_t created_at = 0;
  std::string name;

  [[nodiscard]] bool allows(expr::Protocol protocol) const {
    return (protocols >> static_cast<unsigned>(protocol) & 1U) != 0;
  }

  Route() = default;
};

/// Names one entry of a route; borrows the route.
struct EntryView {
  const Route* route = nullptr;
  std::uint32_t index = 0;
  // What most requests need of the route, so that they need not wait for it to come from memory. May be left out.
  std::uint8_t plain_protocols = 0;  // those of Route::protocols, if the route is only_prefixes
  const void* target = nullptr;      // Route::target

  [[nodiscard]] const Entry& entry() const { return route->entries[index]; }
  explicit operator bool() const { return route != nullptr; }
};

/// Whether `a` is asked before `b`: by rank, then the older route, then id. A total order, so that nothing depends on
/// the order in which routes were added.
bool goes_before(EntryView a, EntryView b);

}  // namespace sluice::gateway::router
