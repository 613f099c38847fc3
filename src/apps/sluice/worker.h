// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin.h"
#include "apps/process/link.h"
#include "apps/process/watchdog.h"
#include "cluster.h"
#include "configuration.h"
#include "data_plane.h"
#include "departure.h"
#include "gateway/node.h"
#include "keepsake.h"
#include "node_parts.h"
#include "rt/io_source.h"
#include "rt/scope.h"
#include "rt/shared/counter_table.h"
#include "sockets.h"
#include "telemetry/file_writer.h"

namespace sluice::apps {

/// What a worker process starts from.
struct WorkerOrders {
  std::unique_ptr<settings::Settings> settings;
  SettingsArguments arguments;  // to read the settings again on SIGHUP
  Materials materials;
  ListeningSockets sockets;
  std::size_t shards = 1;
  process::Link link;         // closed when there is no supervisor
  Keepsake keepsake;          // what the worker before left
  bool next_version = false;  // takes the place of a worker of another version, which still serves
  // Read while there were rights for it:
  std::string node_id;
  std::expected<std::string, std::string> declarative;  // with database=off
};

/// The process that serves: the gateway's shards, the Admin API on the control reactor, signals, reload, the end.
class Worker {
 public:
  explicit Worker(WorkerOrders orders);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  /// Loads everything, and waits for its turn where another worker still serves. The error says what is wrong with
  /// settings or configuration. To be called once, before run().
  Result<> prepare();
  /// Serves until the end; the exit code of the process.
  int run();

 private:
  Result<> assemble();
  void take_apart();
  Result<> build();
  Result<> build_data_plane(AdminTls tls);
  Result<> load_first_configuration();
  [[nodiscard]] std::string serve_first(std::expected<sync::Delta, std::string> loaded);
  Result<> open_cluster();
  void open_doors();
  void start_watchdog();
  static void on_stall(const process::Watchdog::Report& report);
  Task<void> watch_signals();
  Task<void> watch_supervisor();
  void on_order(const process::Link::Received& order);
  Task<void> keep_house();
  void shut_down();

  // worker_upgrade.cc
  Result<> await_turn();
  void take_channel(const process::Link::Received& order);
  void offer_channels();
  [[nodiscard]] Result<bool> is_outdated(const Keepsake& newest);
  Task<void> release();
  void resume();
  void leave();

  // reload.cc
  void on_hangup();
  Task<void> reload();
  Task<void> reload_once();
  struct Prepared;
  [[nodiscard]] std::expected<Prepared, std::string> prepare_reload() const;
  [[nodiscard]] std::expected<Prepared, std::string> try_prepare_reload() const;
  void take_settings(Prepared prepared);
  void reconfigure_cluster();
  void leave_keepsake();
  [[nodiscard]] bool keepsake_is_left() const;
  [[nodiscard]] std::uint64_t generation_to_keep() const;
  void leave_text(const std::string& declarative);
  void leave(Result<int> keepsake, std::uint64_t generation);

  std::unique_ptr<settings::Settings> owned_settings_;
  settings::Settings& settings_;
  const SettingsArguments arguments_;
  Materials materials_;
  ListeningSockets sockets_;
  const std::size_t shards_;
  process::Link link_;
  Keepsake keepsake_;                                          // until it is loaded
  std::expected<std::string, std::string> first_declarative_;  // likewise

  Vocabulary vocabulary_;
  std::string node_id_;
  std::shared_ptr<net::tls::TicketKeys> ticket_keys_;
  rt::Reactor control_;
  rt::BlockingPool blocking_{2};
  rt::shared::CounterTable counters_;
  telemetry::FileWriter files_;
  std::unique_ptr<gateway::NodeParts> parts_;
  std::vector<gateway::ProxyDoor> doors_;
  std::vector<gateway::StreamDoor> stream_doors_;
  std::unique_ptr<gateway::Node> node_;
  std::unique_ptr<Admin> admin_;           // null on a data plane, which has instead
  std::unique_ptr<DataPlane> data_plane_;  // this
  std::unique_ptr<Cluster> cluster_;       // null where no data plane may join
  std::unique_ptr<process::Watchdog> watchdog_;
  rt::IoSource signals_;
  rt::IoSource supervisor_;
  rt::TaskScope tasks_;
  std::optional<Departure> departure_;  // once the end has begun
  const bool next_version_;
  store::Heads loaded_heads_;  // of the store, not later than what was loaded
  // While another version prepares to take this one's place
  enum class Release : std::uint8_t { None, UnderWay, Done };
  Release release_ = Release::None;
  bool resume_due_ = false;
  ListeningSockets released_;  // copies, until it is known who serves them
  std::vector<int> elders_;    // channels to the shards of the worker before, until ours have them
  bool stopping_ = false;

  bool reloading_ = false;
  bool reload_again_ = false;
  std::optional<std::string> settings_text_;  // as the last reload read it; nothing: as it was at the start
  bool settings_kept_ = true;                 // the supervisor holds it
  std::int64_t kept_tickets_s_ = -1;          // when the keys of session tickets changed that the supervisor holds
  std::uint64_t kept_generation_ = 0;         // of the configuration that the supervisor holds; 0: none
  std::int64_t next_keepsake_ms_ = 0;
};

}  // namespace sluice::apps
