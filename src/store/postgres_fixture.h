// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "store/store_fixture.h"

namespace sluice::store {

/// A PostgreSQL server of the test's own: in a temporary folder, reached by a socket in it only, run by an unprivileged
/// user when the test is root's. Ends with the object.
class PostgresServer {
 public:
  /// The one that the tests of this process share, started on first use; null when PostgreSQL is not installed.
  static PostgresServer* shared();
  static void stop_shared();

  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  void start();
  /// Like pulling the plug: returns once none of its processes is left.
  void kill();
  /// Stops and continues every process of it.
  void freeze(bool frozen);

  /// For a store in a schema of its own.
  [[nodiscard]] PostgresOptions options(const std::string& schema) const;

 private:
  explicit PostgresServer(std::string programs);
  [[nodiscard]] bool run(const std::vector<std::string>& command, const std::string& log) const;
  [[nodiscard]] std::vector<std::string> unprivileged(std::vector<std::string> command) const;
  static int spawn(const std::vector<std::string>& command, const std::string& log);

  TempFolder folder_;
  std::string programs_;
  int pid_ = 0;
};

}  // namespace sluice::store
