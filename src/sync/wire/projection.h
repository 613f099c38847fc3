// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/delta.h"
#include "sync/wire/peer.h"

namespace sluice::entity {
class Catalog;
}

namespace sluice::sync::wire {

/// Something about a configuration that a data plane cannot take as it is.
struct CompatibilityIssue {
  enum class Severity : std::uint8_t { Warning, Error };
  std::string code;  // stable, derived from what it is about: "FIELD_UNKNOWN:services.tls_sans"
  Severity severity = Severity::Warning;
  std::string description;                             // names the peer's version and the field or plugin
  std::string resolution;                              // what to do about it
  std::vector<std::pair<std::string, Uuid>> affected;  // type and id, at most 100
};

/// Whether a peer of that version may be served at all, by the rules of the product that it is. A control plane of ours
/// serves data planes of ours from two minors older to one newer.
struct Admission {
  bool admitted = false;
  std::string code;    // "kong_version_incompatible", ...; empty when admitted
  std::string reason;  // a sentence
};
Admission admit(const Peer& peer, const ProductVersion& kong, const ProductVersion& sluice);

/// The configuration as one kind of peer gets it: fields and entity types that it does not know are left out, by the
/// since marks of the schema and by its list of plugins. Peers of equal kind share one. Immutable.
class Projection {
 public:
  /// `catalog` outlives it. `kong` and `sluice` are our own versions. Copies share what is known of the peer.
  Projection(const entity::Catalog& catalog, const Peer& peer, const ProductVersion& kong,
             const ProductVersion& sluice);

  /// Equal for peers that get the same.
  [[nodiscard]] static std::string key(const Peer& peer);
  /// Whether rows pass as they are, which costs nothing.
  [[nodiscard]] bool is_whole() const { return whole_; }
  /// What the peer gets for `row`: the very document where it knows all of it; nothing where it must not have the row.
  /// What had to be changed is added to `issues`, if given. A row that the peer could not do without and cannot take
  /// is an issue of severity Error, and nothing is sent while there is one.
  [[nodiscard]] std::optional<EntityRow> row(const EntityRow& row, std::vector<CompatibilityIssue>* issues) const;

 private:
  struct Plan;
  class Passage;

  std::shared_ptr<const Plan> plan_;
  bool whole_ = false;
};

/// Merges equal codes, joining what they affect.
void merge(std::vector<CompatibilityIssue>& into, std::vector<CompatibilityIssue> more);

}  // namespace sluice::sync::wire
