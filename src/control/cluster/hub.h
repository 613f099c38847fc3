// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/time.h"
#include "control/cluster/feed.h"
#include "control/cluster/node_notes.h"
#include "control/cluster/node_registry.h"
#include "control/cluster/notary.h"
#include "control/cluster/plugin_versions.h"
#include "control/planes/traffic_history.h"
#include "control/publish/ledger.h"
#include "rt/reactor.h"
#include "rt/scope.h"
#include "settings/settings.h"
#include "store/async_store.h"
#include "sync/signature.h"

namespace sluice::control::cluster {

class Session;

/// What all links of a control plane have in common.
struct LinkTerms {
  sync::wire::ProductVersion kong, sluice;  // what we are
  PluginVersions plugins = {};              // that we have
  bool rpc_sync = true;                     // send the configuration over protocol 2, too
  bool strict = true;                       // and our own rules to our own nodes
  std::size_t max_payload = 64 * 1024 * 1024;
  Millis ping{10'000};  // how often our own nodes ping
  Millis dead{25'000};  // silence after which they have gone
  Millis kong_dead{45'000};
  Millis kong_push_interval{5'000};  // between two whole configurations to one node
  Millis send_timeout{60'000};       // for one message
  Millis apply_timeout{120'000};     // until a node answers what it was sent
};

/// The cluster side of one control plane: its configuration as a feed, its nodes, and the links to those that are
/// connected here. Belongs to the control shard.
class Hub {
 public:
  struct Parts {
    rt::Reactor& reactor;
    const store::MemoryStore& store;
    publish::History* history = nullptr;  // what tells of older changes; null: nothing does
    store::AsyncStore* notes = nullptr;   // where nodes are written down; null: nowhere
    std::string replica = {};             // UUID of this process, for that
    std::shared_ptr<const sync::Signer> signer = {};
    std::shared_ptr<const void> plane = {};     // keeps the control plane while there are links
    planes::TrafficHistory* traffic = nullptr;  // where it goes what nodes tell of theirs; null: nowhere
  };
  /// Everything borrowed outlives the hub.
  Hub(const Uuid& control_plane, Parts parts, LinkTerms terms);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  [[nodiscard]] const Uuid& control_plane() const { return control_plane_; }
  [[nodiscard]] const LinkTerms& terms() const { return terms_; }
  [[nodiscard]] rt::Reactor& reactor() const { return parts_.reactor; }
  /// Of links that begin now. What goes over a link is signed with the key whose certificate it began with.
  [[nodiscard]] std::shared_ptr<const sync::Signer> signer() const { return parts_.signer; }
  void use_signer(std::shared_ptr<const sync::Signer> signer);
  [[nodiscard]] Feed& feed() { return feed_; }
  [[nodiscard]] NodeRegistry& nodes() { return nodes_; }
  [[nodiscard]] Notary& notary() { return notary_; }
  /// A node tells what it has done since it started.
  void note_traffic(const Uuid& node, const sync::Traffic& total);
  /// The control plane is going: ends what it does, and its links. Nothing that it borrows is used after this.
  void close();
  [[nodiscard]] std::size_t connected() const { return sessions_.size(); }

  /// Reads what is known of the nodes, writes it down from time to time, and follows other replicas. To be called once.
  void keep_nodes(const settings::Settings& settings);
  /// Learns how the configuration came from `version` to what the feed knows, from the log, if that is possible.
  Task<void> learn_history(store::Version version);
  /// Whether a version that the feed does not have is in the store, and so will come; also while that cannot be asked.
  Task<bool> is_to_come(store::Version version);

 private:
  friend class Session;
  std::uint64_t join(Session& session);
  void leave(const Session& session, std::uint64_t number);
  /// Whether a link that lives has the node's name, with another certificate.
  [[nodiscard]] bool is_taken(const Session& newcomer) const;
  void end_others(const Uuid& node, const Session* but);
  Task<void> read_history(store::Version version);
  Task<void> tell_sessions();

  const Uuid control_plane_;
  Parts parts_;
  const LinkTerms terms_;
  Feed feed_;
  NodeRegistry nodes_;
  Notary notary_{parts_.reactor};
  std::unique_ptr<NodeNotes> notes_;            // null: they are written down nowhere
  std::map<std::uint64_t, Session*> sessions_;  // connected, by when they came
  std::multimap<Uuid, Session*> by_node_;       // the same
  std::uint64_t next_ = 1;
  bool telling_ = false;
  bool tell_again_ = false;
  bool learning_ = false;
  rt::TaskScope chores_;  // last: its tasks use everything above
};

}  // namespace sluice::control::cluster
