// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/explain.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice::gateway::router {
namespace {

struct Judged {
  EntryView entry;
  std::optional<Attribute> failed;  // empty: matches
};

// Empty when two or more attributes are not met: then the route is no near miss.
std::optional<Judged> judge(EntryView entry, const MatchInput& input) {
  Judged judged{.entry = entry, .failed = std::nullopt};
  for (std::size_t i = 0; i < kAttributeCount; ++i) {
    PathHit hit;
    const auto attribute = static_cast<Attribute>(i);
    if (meets(entry, attribute, input, hit)) continue;
    if (judged.failed) return std::nullopt;
    judged.failed = attribute;
  }
  return judged;
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

template <class Range, class Text>
std::string listed(const Range& values, Text text) {
  std::string list;
  for (const auto& value : values) {
    if (!list.empty()) list += ", ";
    list += text(value);
  }
  return list;
}

std::string name_text(const expr::NamePattern& name) {
  using Kind = expr::NamePattern::Kind;
  return (name.kind == Kind::Suffix ? "*" : "") + name.text + (name.kind == Kind::Prefix ? "*" : "");
}

std::string host_text(const HostRule& rule) {
  return name_text(rule.name) + (rule.port != 0 ? ":" + std::to_string(rule.port) : "");
}

std::string paths_text(const Entry& entry) {
  const auto regexes = listed(entry.regexes, [](const auto& regex) { return "~" + regex->pattern(); });
  return entry.regexes.empty() ? listed(entry.prefixes, [](const auto& prefix) { return prefix; }) : regexes;
}

std::string endpoint_text(const EndpointMatcher& matcher) {
  std::string text = matcher.range ? matcher.range->to_string() : "any address";
  if (matcher.port) text += " port " + std::to_string(*matcher.port);
  return text;
}

// Why the attribute is not met: what the route wants, and what came.
std::string why_not(EntryView view, Attribute attribute, const MatchInput& input) {
  const Route& route = *view.route;
  switch (attribute) {
    case Attribute::Protocol:
      return "protocol " + std::string(to_string(input.protocol)) + " is not served";
    case Attribute::Methods:
      return "method " + quoted(input.method) + " is none of " + listed(route.methods, [](const auto& m) { return m; });
    case Attribute::Hosts:
      return "host " + quoted(input.host) + " (port " + std::to_string(input.dst_port) + ") is none of " +
             listed(route.hosts, host_text);
    case Attribute::Paths:
      return "path " + quoted(input.path) + " does not begin with " + paths_text(view.entry());
    case Attribute::Headers:
      return "headers do not carry " + listed(route.rare->headers, [](const HeaderMatcher& header) {
               return header.name + ": " +
                      (header.regex ? "~*" + header.regex->pattern()
                                    : listed(header.values, [](const auto& v) { return v; }));
             });
    case Attribute::Snis:
      return "SNI " + quoted(input.sni) + " is none of " + listed(route.rare->snis, name_text);
    case Attribute::Sources:
      return "source " + to_string(input.src_ip, input.src_port) + " is none of " +
             listed(route.rare->sources, endpoint_text);
    case Attribute::Destinations:
      return "destination " + to_string(input.dst_ip, input.dst_port) + " is none of " +
             listed(route.rare->destinations, endpoint_text);
    case Attribute::Expression:
      return "the expression does not hold";
  }
  return {};
}

std::string why_later(EntryView later, EntryView winner) {
  if (later.entry().rank != winner.entry().rank) return "matches, with a lower priority";
  if (later.route->created_at != winner.route->created_at) return "matches with equal priority, but is younger";
  return "matches with equal priority and age, but its id sorts later";
}

Candidate to_candidate(const Judged& judged, EntryView winner, const MatchInput& input) {
  Candidate candidate{.route = judged.entry.route, .entry = judged.entry.index, .reason = {}};
  if (judged.failed) {
    candidate.failed = *judged.failed;
    candidate.reason = why_not(judged.entry, *judged.failed, input);
  } else if (judged.entry.route == winner.route && judged.entry.index == winner.index) {
    candidate.outcome = Candidate::Outcome::Matched;
    candidate.reason = "matches";
  } else {
    candidate.outcome = Candidate::Outcome::LowerPriority;
    candidate.reason = why_later(judged.entry, winner);
  }
  return candidate;
}

}  // namespace

std::vector<Candidate> explain(const RouteTable& table, const MatchInput& input, std::size_t limit) {
  const bool stream = input.protocol != expr::Protocol::Http && input.protocol != expr::Protocol::Https;
  std::vector<Judged> judged;
  table.each([&](const Route& route) {
    if (route.stream != stream) return;
    for (std::uint32_t i = 0; i < route.entries.size(); ++i) {
      if (auto near = judge({&route, i}, input)) judged.push_back(*near);
    }
  });
  std::ranges::sort(judged, [](const Judged& a, const Judged& b) { return goes_before(a.entry, b.entry); });

  const auto first = std::ranges::find_if(judged, [](const Judged& j) { return !j.failed; });
  const EntryView winner = first == judged.end() ? EntryView{} : first->entry;
  if (first != judged.end() && first >= judged.begin() + static_cast<std::ptrdiff_t>(limit) && limit > 0) {
    std::iter_swap(judged.begin() + static_cast<std::ptrdiff_t>(limit) - 1, first);
  }
  if (judged.size() > limit) judged.resize(limit);
  std::vector<Candidate> candidates;
  candidates.reserve(judged.size());
  for (const Judged& each : judged) candidates.push_back(to_candidate(each, winner, input));
  return candidates;
}

}  // namespace sluice::gateway::router
