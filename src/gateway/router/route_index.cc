// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/route_index.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::gateway::router {
namespace {

using expr::NamePattern;
using expr::Protocol;

// Where an entry is filed: under every name with every key and, there, every header value. No name, no header value:
// under "any".
struct Places {
  std::vector<NamePattern> names;
  std::vector<std::string> keys;
  std::vector<expr::HeaderValue> headers;
};

template <class T>
void sort_unique(std::vector<T>& values) {
  std::ranges::sort(values);
  const auto repeated = std::ranges::unique(values);
  values.erase(repeated.begin(), repeated.end());
}

Places places_of_expression(const Route& route) {
  const auto required =
      requirements_of(*route.rare->expression, route.stream ? expr::Field::TlsSni : expr::Field::HttpHost);
  Places places;
  if (required.names) places.names = *required.names;
  if (!route.stream && required.path_prefixes) places.keys = *required.path_prefixes;
  if (route.stream && required.dst_ports) {
    for (const std::uint16_t port : *required.dst_ports) places.keys.push_back(stream_key(port, nullptr));
  }
  if (required.header_values) places.headers = *required.header_values;
  return places;
}

Places places_of_stream(const Route& route) {
  Places places;
  if (!route.rare) return places;
  // Only where TLS is certain does the SNI always count.
  if (!route.allows(Protocol::Tcp) && !route.allows(Protocol::Udp)) places.names = route.rare->snis;
  for (const EndpointMatcher& destination : route.rare->destinations) {
    if (!destination.port) return {.names = std::move(places.names), .keys = {}, .headers = {}};
    const bool one_address = destination.range && destination.range->first() == destination.range->last();
    const IpAddress address = one_address ? destination.range->first() : IpAddress();
    places.keys.push_back(stream_key(*destination.port, one_address ? &address : nullptr));
  }
  return places;
}

// The header with the fewest alternatives; regexes cannot be looked up.
std::vector<expr::HeaderValue> required_header(const Route& route) {
  const HeaderMatcher* fewest = nullptr;
  for (const HeaderMatcher& header : route.rare->headers) {
    if (!header.regex && (!fewest || header.values.size() < fewest->values.size())) fewest = &header;
  }
  std::vector<expr::HeaderValue> required;
  if (!fewest) return required;
  for (const std::string& value : fewest->values) required.push_back({fewest->name, value});
  return required;
}

Places places_of_request(const Route& route, const Entry& entry) {
  Places places{.names = {}, .keys = entry.prefixes, .headers = {}};
  if (route.rare) places.headers = required_header(route);
  for (const HostRule& host : route.hosts) places.names.push_back(host.name);
  for (const auto& regex : entry.regexes) places.keys.emplace_back(regex->required_prefix(expr::Anchor::Start));
  return places;
}

// Wildcards that do not end at a label (`*ample.com` is refused by the schema) cannot be looked up by label.
bool can_be_looked_up(const NamePattern& name) {
  return name.kind == NamePattern::Kind::Exact ||
         (name.kind == NamePattern::Kind::Suffix ? name.text.starts_with('.') : name.text.ends_with('.'));
}

Places places_of(const Route& route, const Entry& entry) {
  Places places = route.rare && route.rare->expression ? places_of_expression(route)
                  : route.stream                       ? places_of_stream(route)
                                                       : places_of_request(route, entry);
  if (!std::ranges::all_of(places.names, can_be_looked_up)) places.names.clear();
  if (places.keys.empty()) places.keys.emplace_back();
  sort_unique(places.names);
  sort_unique(places.keys);
  sort_unique(places.headers);
  return places;
}

}  // namespace

std::string stream_key(std::uint16_t port, const IpAddress* address) {
  std::string key = {static_cast<char>(port >> 8), static_cast<char>(port & 0xFF)};
  if (address) key.append(reinterpret_cast<const char*>(address->mapped_octets().data()), 16);
  return key;
}

RouteIndex::Names& RouteIndex::names_of(NamePattern::Kind kind) {
  switch (kind) {
    case NamePattern::Kind::Suffix:
      return suffixes_;
    case NamePattern::Kind::Prefix:
      return prefixes_;
    default:
      return exact_;
  }
}

// Applies `change(trie, key, entry index, header values)` wherever an entry of the route is filed; tries that become
// empty go.
template <class Change>
void RouteIndex::change(const Route& route, Change change) {
  for (std::uint32_t i = 0; i < route.entries.size(); ++i) {
    const Places places = places_of(route, route.entries[i]);
    const auto change_all = [&](PathTrie& trie) {
      for (const std::string& key : places.keys) change(trie, key, i, places.headers);
    };
    if (places.names.empty()) change_all(any_);
    for (const NamePattern& name : places.names) {
      Names& names = names_of(name.kind);
      bool emptied = false;
      names.update(name.text, [&](PathTrie& trie) {
        change_all(trie);
        emptied = trie.empty();
      });
      if (emptied) names.erase(name.text);
    }
  }
}

void RouteIndex::insert(const Shared<const Route>& route) {
  change(*route, [&](PathTrie& trie, std::string_view key, std::uint32_t i, EntryBucket::HeaderValues required) {
    trie.insert(key, route, i, required);
  });
}

void RouteIndex::erase(const Shared<const Route>& route) {
  change(*route, [&](PathTrie& trie, std::string_view key, std::uint32_t i, EntryBucket::HeaderValues required) {
    trie.erase(key, EntryView{route.get(), i}, required);
  });
}

}  // namespace sluice::gateway::router
