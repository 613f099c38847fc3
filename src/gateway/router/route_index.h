// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/persistent_map.h"
#include "gateway/router/path_trie.h"
#include "gateway/router/route.h"

namespace sluice::gateway::router {

/// Finds the entries that may match: by name (Host of a request, SNI of a stream), then by the beginning of a key (the
/// path of a request, port and address of a stream's destination), then by required header values. It narrows down;
/// conditions.h decides. Persistent: copies are O(1) snapshots, adding or removing a route costs O(log n) per name and
/// path of that route.
class RouteIndex {
 public:
  void insert(const Shared<const Route>& route);
  /// The route, exactly this object, must have been inserted.
  void erase(const Shared<const Route>& route);

  /// Calls `visit(const EntrySet&, named, key length)` for every set of entries that may match, more specific names
  /// first.
  template <class Visit>
  void each_candidate(std::string_view name, std::string_view key, const expr::HeaderSource* headers,
                      Visit&& visit) const {
    const auto named = [&](const EntryBucket& bucket, std::size_t length) {
      bucket.each_set(headers, [&](const EntrySet& entries) { visit(entries, true, length); });
    };
    const auto unnamed = [&](const EntryBucket& bucket, std::size_t length) {
      bucket.each_set(headers, [&](const EntrySet& entries) { visit(entries, false, length); });
    };
    if (const PathTrie* trie = exact_.find(name)) trie->each_prefix(key, named);
    if (!suffixes_.empty()) {
      for (auto dot = name.find('.', 1); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
        if (const PathTrie* trie = suffixes_.find(name.substr(dot))) trie->each_prefix(key, named);
      }
    }
    if (!prefixes_.empty()) {
      for (auto dot = name.find('.'); dot != std::string_view::npos && dot + 1 < name.size();
           dot = name.find('.', dot + 1)) {
        if (const PathTrie* trie = prefixes_.find(name.substr(0, dot + 1))) trie->each_prefix(key, named);
      }
    }
    any_.each_prefix(key, unnamed);
  }

 private:
  using Names = PersistentMap<std::string, PathTrie>;
  template <class Change>
  void change(const Route& route, Change change);
  Names& names_of(expr::NamePattern::Kind kind);

  PathTrie any_;
  Names exact_;
  Names suffixes_;  // `.example.com`
  Names prefixes_;  // `example.`
};

/// The key under which a stream is looked up: destination port, then address.
std::string stream_key(std::uint16_t port, const IpAddress* address);

}  // namespace sluice::gateway::router
