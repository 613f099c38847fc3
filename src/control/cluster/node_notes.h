// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/cluster/node_registry.h"
#include "control/cluster/node_text.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "settings/settings.h"
#include "store/async_store.h"

namespace sluice::control::cluster {

/// Writes the nodes of one control plane down, so that a restart forgets none, and reads what other replicas wrote. One
/// row for each node and replica, written when something of it changes, a few in a second; what changes all the time,
/// who was heard of and what all serve, each replica says once for all nodes that are connected to it. Belongs to the
/// control shard.
class NodeNotes {
 public:
  struct Parts {
    rt::Reactor& reactor;
    store::AsyncStore& store;
    Uuid control_plane;
    std::string replica;  // UUID of this process, the same after a restart
  };
  /// All outlive it.
  NodeNotes(NodeRegistry& nodes, Parts parts) : nodes_(nodes), parts_(std::move(parts)) {}
  NodeNotes(const NodeNotes&) = delete;
  NodeNotes& operator=(const NodeNotes&) = delete;

  /// All of it, for ever.
  Task<void> keep(const settings::Settings& settings);

  // One by one, as keep() does them
  // -----------------------------------------------------------------------------------------------------------------

  /// Reads what this process and others wrote earlier.
  Task<void> begin();
  /// Takes out of the store what was erased here.
  Task<void> carry_out_erasures();
  /// Forgets whom nobody has seen for so long, and who is too many.
  Task<void> purge(Millis unseen, const NodeRegistry::Limits& limits = {});
  /// Reads what other replicas wrote: rows seldom when there are many, so that it costs the same.
  Task<void> follow();
  /// Looks which rows have to be written.
  Task<void> look();
  /// Writes some of them.
  Task<void> write_some();
  /// Says what all nodes that are connected here have in common, if there is something new, or now and then.
  Task<void> write_roll();

  /// How many rows were written, since it began.
  [[nodiscard]] std::uint64_t rows_written() const { return rows_written_; }

 private:
  using Texts = std::vector<std::pair<std::string, std::string>>;

  [[nodiscard]] std::string row_prefix() const;
  [[nodiscard]] std::string roll_prefix() const;
  [[nodiscard]] std::string row_name(const Uuid& node, std::string_view replica) const;
  Task<void> read_rows();
  Task<void> read_rolls();
  Task<void> take_rows(const Texts& rows);
  void take_row(const Uuid& node, const std::string& replica, const std::string& text);
  void forget_missing(const std::set<NodeRegistry::Place>& there);
  Task<void> import_old();
  [[nodiscard]] Roll make_roll() const;
  [[nodiscard]] std::int64_t now_ms() const { return parts_.reactor.clock().mono_ms(); }

  NodeRegistry& nodes_;
  const Parts parts_;
  std::map<Uuid, std::uint64_t> written_;              // own rows in the store, by what they say
  std::map<NodeRegistry::Place, std::uint64_t> read_;  // others' rows, likewise
  std::map<std::string, Roll> rolls_;                  // by replica; the own one is from before the start
  std::deque<Uuid> to_write_;                          // in this order
  std::set<Uuid> erasing_;                             // rows that are on their way out
  Roll told_;                                          // the own roll, as it was last written
  std::int64_t told_ms_ = -1'000'000;                  // monotonic
  std::int64_t next_read_ms_ = 0;                      // monotonic
  std::uint64_t rows_written_ = 0;
};

}  // namespace sluice::control::cluster
