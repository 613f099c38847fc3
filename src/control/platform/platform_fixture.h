// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "control/cluster/node_book.h"
#include "control/planes/planes_fixture.h"
#include "control/platform/platform_server.h"

namespace sluice::control::platform {

/// A book that holds what a test puts there.
class FakeNodes final : public cluster::NodeBook {
 public:
  [[nodiscard]] std::vector<const cluster::NodeRecord*> list() const override {
    std::vector<const cluster::NodeRecord*> all;
    all.reserve(records.size());
    for (const cluster::NodeRecord& record : records) all.push_back(&record);
    return all;
  }
  [[nodiscard]] const cluster::NodeRecord* find(const Uuid& id) const override {
    for (const cluster::NodeRecord& record : records) {
      if (record.peer.node_id == id) return &record;
    }
    return nullptr;
  }
  bool erase(const Uuid&) override { return false; }
  [[nodiscard]] std::string expected_hash() const override { return std::string(32, 'e'); }
  [[nodiscard]] store::Version expected_version() const override { return {1, 1}; }

  /// One of ours that serves nothing yet.
  cluster::NodeRecord& add(const std::string& id, const std::string& version) {
    cluster::NodeRecord& record = records.emplace_back();
    record.peer.node_id = *Uuid::parse(id);
    record.peer.hostname = "dp";
    record.peer.kong_version = "3.10.0.0";
    record.peer.sluice_version = version;
    record.sync_status = cluster::SyncStatus::Normal;
    return record;
  }

  std::vector<cluster::NodeRecord> records;
};

/// A platform API over control planes on a database file; `nodes` are those of the default one.
class PlatformTest : public testing::Test {
 protected:
  using Exchange = std::unique_ptr<admin::FakeStream>;

  void SetUp() override { process.planes.local().set_nodes(&nodes); }
  void TearDown() override { process.planes.local().set_nodes(nullptr); }

  Exchange send(std::string_view method, std::string_view target, std::string_view json = {}) {
    auto stream = std::make_unique<admin::FakeStream>(reactor, method, target, json);
    if (!json.empty()) stream->request().headers.add("Content-Type", "application/json");
    rt::Task<void> task = server.handle(*stream);
    task.start();
    EXPECT_TRUE(rt::turn_until(reactor, [&] { return task.ready(); }));
    return stream;
  }
  Exchange get(std::string_view target) { return send("GET", target); }
  [[nodiscard]] std::string local() const {
    return "/v2/control-planes/" + process.planes.book().local().id.to_string();
  }

  store::TempFolder folder;
  rt::Reactor reactor;
  settings::Settings settings = settings::defaults();
  planes::TestProcess process{folder.path(), reactor};
  FakeNodes nodes;
  PlatformServer server{Parts{.planes = process.planes,
                              .catalog = process.catalog,
                              .settings = settings,
                              .plugins = {},
                              .node = {"99999999-9999-4999-8999-999999999999", "host", "0.3.0"},
                              .console = {}},
                        reactor};
};

}  // namespace sluice::control::platform
