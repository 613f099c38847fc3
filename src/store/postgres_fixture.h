// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

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
  /// The name of one that no test has had.
  std::string new_schema() { return "test" + std::to_string(++schemas_); }

 private:
  explicit PostgresServer(std::string programs);
  [[nodiscard]] bool run(const std::vector<std::string>& command, const std::string& log) const;
  [[nodiscard]] std::vector<std::string> unprivileged(std::vector<std::string> command) const;
  static int spawn(const std::vector<std::string>& command, const std::string& log);

  TempFolder folder_;
  std::string programs_;
  int pid_ = 0;
  int schemas_ = 0;
};

/// Tests of a fixture that has `catalog` and `keyring`, each with a schema of its own at the shared server, which runs.
/// Skipped where PostgreSQL is not installed: a SetUp() that goes on from this one asks IsSkipped() first.
template <class Fixture>
class WithPostgres : public Fixture {
 protected:
  void SetUp() override {
    server = PostgresServer::shared();
    if (server == nullptr) GTEST_SKIP() << "no PostgreSQL";
    server->start();
    schema = server->new_schema();
  }
  Result<std::unique_ptr<DurableStore>> open_it() {
    return open_postgres(server->options(schema), this->catalog, this->keyring);
  }

  PostgresServer* server = nullptr;
  std::string schema;
};

}  // namespace sluice::store
