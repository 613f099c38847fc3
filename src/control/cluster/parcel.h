// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "control/cluster/feed.h"
#include "store/version.h"
#include "sync/digest.h"
#include "sync/signature.h"
#include "sync/wire/projection.h"

namespace sluice::control::cluster {

/// Messages as they go out, one after the other. Shared by all connections that send them.
using Frames = std::shared_ptr<const std::vector<std::string>>;

/// What brings a node to a version.
struct Parcel {
  store::Version to;
  Frames frames;  // null: there is no such
};

// How frames are made. Of values only, so that any thread may do it.
// -------------------------------------------------------------------------------------------------------------------

/// What goes into frames: rows as they are, for peers of a kind.
struct Cargo {
  sync::wire::Projection projection;
  Step step;         // with `from` for a change; of a whole configuration upserts only
  std::string hash;  // of the result, at the node

  /// About as large as that is as a message.
  [[nodiscard]] std::size_t octets() const;
  /// Takes out what the peer does not know. A row that it must not have goes, in case it had an earlier form of it.
  void project();
};

/// sluice.sync.v1.push of a change, compressed.
std::vector<std::string> push_of_change(Cargo cargo);
/// The same of everything, in parts; signed.
std::vector<std::string> push_of_everything(Cargo cargo, const sync::Signer& signer, const std::string& control_plane);
/// The answer to kong.sync.v2.get_delta, compressed, but for its end, which names the question: see answer_to().
std::vector<std::string> answer_of(Cargo cargo, bool full);
/// Protocol 1's message, gzipped. `now`: Unix seconds.
std::vector<std::string> reconfigure_of(const entity::Catalog& catalog, Cargo cargo, const sync::Digest& digest,
                                        double now);

/// The whole answer to one question.
std::string answer_to(const Json& id, std::string_view answer);

}  // namespace sluice::control::cluster
