// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "schema/entity.h"
#include "sync/wire/peer.h"

namespace sluice::sync::wire {

/// What one kind of peer knows of the schema. Of Kong's data planes the marks on Kong's axis decide, and what has only
/// marks on ours is unknown to them; of our own, those on our axis alone.
class PeerKnowledge {
 public:
  /// `sluice`: our own version. A peer whose version cannot be read knows nothing that has a mark.
  PeerKnowledge(const Peer& peer, const ProductVersion& sluice);

  /// It is ours, and at least as new as we are.
  [[nodiscard]] bool is_complete() const { return complete_; }
  [[nodiscard]] bool is_kong() const { return !sluice_; }
  /// "Kong 3.8.0", for people.
  [[nodiscard]] std::string name() const;
  /// Equal for peers that know the same.
  [[nodiscard]] std::string key() const;

  /// `path`: "upstreams.algorithm", or a type alone. Some things only Kong's enterprise edition has.
  [[nodiscard]] bool knows(std::string_view path, const std::vector<schema::Since>& marks) const;
  /// A type is as new as its id.
  [[nodiscard]] bool knows(const schema::EntityBase& type) const;
  /// With all its fields.
  [[nodiscard]] bool knows_all(const schema::RecordBase& record, const std::string& path) const;
  /// The least that knows it: "Kong 3.11", "Kong Enterprise", "Sluice 0.2".
  [[nodiscard]] std::string least(std::string_view path, const std::vector<schema::Since>& marks) const;

  /// A field that was taken out of a document although it said something.
  struct Loss {
    std::string path;
    const schema::Field* field;
  };
  /// Takes out what is unknown. What cases of the record describe stays.
  void strip(const schema::RecordBase& record, Json& document, const std::string& path,
             std::vector<Loss>& losses) const;
  /// The same for what only cases describe.
  void strip_cases(const schema::RecordBase& record, Json& document) const;

 private:
  void strip_below(const schema::Field& field, Json& value, const std::string& path, std::vector<Loss>& losses) const;

  bool sluice_ = false;
  bool community_ = false;  // Kong without its enterprise edition
  bool complete_ = false;
  ProductVersion version_;  // of the product that it is
};

}  // namespace sluice::sync::wire
