// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/reader.h"
#include "cluster/simulated_node.h"
#include "cluster/whole_push.h"
#include "net/address.h"
#include "net/tls/client_context.h"
#include "rt/reactor.h"
#include "sync/version.h"

namespace sluice::bench {

struct FleetOptions {
  net::Address control_plane;
  std::shared_ptr<const net::tls::ClientContext> tls;
  std::string server_name = "kong_clustering";
  std::string kong_version = "3.10.0.0";
  std::string sluice_version = "0.1.0";
  std::map<std::string, std::string> plugins = {};  // that nodes say to have, name to version
};

/// What all nodes together were sent.
struct Tally {
  std::uint64_t deltas = 0;
  std::uint64_t full = 0;             // whole configurations of protocol 2
  std::uint64_t full_to_current = 0;  // of these, to nodes that said what they had
  std::uint64_t whole = 0;            // of protocol 1
};

/// What another thread may look at while nodes live.
struct Gauges {
  std::atomic<std::size_t> settled{0};  // nodes with a link that has answered
  std::atomic<std::uint64_t> lost{0};   // links, of all time
  std::atomic<std::uint64_t> aimed{0};  // number of the version that is awaited
  /// Monotonic nanoseconds at which the awaited version had been acknowledged by all nodes of a kind; 0: not yet.
  std::array<std::atomic<std::int64_t>, kKinds> arrived_ns{};
};

/// All simulated nodes. Everything but gauges() belongs to the thread of `reactor`.
class Fleet {
 public:
  /// `reactor` outlives the fleet.
  Fleet(rt::Reactor& reactor, FleetOptions options) : reactor_(reactor), options_(std::move(options)) {}
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  /// Adds nodes; connect() brings them in.
  void add(Kind kind, std::size_t count);
  /// Brings in all that are not there, `at_once` at a time. The very first comes alone: what it is sent is what the
  /// others claim to have.
  void connect(std::size_t at_once);
  /// All vanish in the same moment.
  void drop();
  /// Forgets all nodes.
  void clear();
  /// From now on `version` is awaited of every node.
  void aim(std::uint64_t number);

  [[nodiscard]] const Gauges& gauges() const { return gauges_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t awaited(Kind kind) const { return awaited_[static_cast<std::size_t>(kind)]; }
  /// How often links were lost, by reason, since the last call.
  std::map<std::string, std::uint64_t> take_reasons();
  /// Octets that the first node's socket has received.
  [[nodiscard]] std::uint64_t octets_received() const { return nodes_.empty() ? 0 : nodes_[0]->octets_received(); }

  // For the nodes.
  [[nodiscard]] rt::Reactor& reactor() { return reactor_; }
  [[nodiscard]] const FleetOptions& options() const { return options_; }
  [[nodiscard]] Reader& reader() { return reader_; }
  [[nodiscard]] WholePushes& whole_pushes() { return whole_pushes_; }
  [[nodiscard]] Tally& tally() { return tally_; }
  /// A connection with TLS, from one of several addresses: one alone has too few ports.
  Task<Result<>> dial(net::Stream& stream, std::size_t number, rt::Deadline deadline);
  void settled();
  void unsettled() { --gauges_.settled; }
  void lost(std::string_view reason);
  /// A node has said that it serves something new. True when it is among the last that were awaited: their pings are
  /// to be answered before all counts as acknowledged.
  bool arrived(SimulatedNode& node);
  void calls_witness() { ++witnesses_; }
  void witnessed();

 private:
  void connect_more();
  void note_arrivals();

  rt::Reactor& reactor_;
  const FleetOptions options_;
  Reader reader_;
  WholePushes whole_pushes_;
  Tally tally_;
  Gauges gauges_;
  std::map<std::string, std::uint64_t> reasons_;
  std::uint64_t target_ = 0;
  std::array<std::size_t, kKinds> awaited_{};
  std::size_t witnesses_ = 0;
  std::size_t next_ = 0;      // to be connected
  std::size_t underway_ = 0;  // connecting, of those that connect_more() began
  std::size_t at_once_ = 1;
  std::vector<std::unique_ptr<SimulatedNode>> nodes_;  // last: they use everything above
};

}  // namespace sluice::bench
