// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "control/admin/admin_fixture.h"
#include "control/planes/control_planes.h"
#include "control/publish/store_ledger.h"
#include "entity/catalog_fixture.h"
#include "rt/test_loop.h"
#include "store/store_fixture.h"

namespace sluice::control::planes {

/// A process with control planes, on a database file. Several on one file are replicas.
class TestProcess {
 public:
  TestProcess(const std::string& folder, rt::Reactor& reactor)
      : reactor_(reactor),
        keyring_(*store::Keyring::open(folder + "/keyring")),
        durable(open(folder), reactor),
        ledger(durable),
        rows(catalog),
        guard(gateway),
        publisher(rows, &guard, {.ledger = &ledger, .version = at_start(), .control = &reactor, .observer = &changes}),
        planes(catalog, {rows, publisher, gateway, changes, guard, durable, reactor},
               [this](const store::MemoryStore&) {
                 auto made = std::make_unique<admin::FakeGateway>();
                 compilers.push_back(made.get());
                 return made;
               }) {
    store::expect(planes.open_now());
    planes.start();
  }
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;
  ~TestProcess() = default;

  /// The id of a new one.
  Uuid create(const std::string& name, std::string_view type = kPlainType) {
    PlaneProfile profile;
    profile.name = name;
    profile.cluster_type = type;
    return store::expect(rt::run(reactor_, planes.create(std::move(profile), "tester")));
  }
  /// Puts an entity into a control plane; what was wrong, empty for nothing.
  std::string put(const Uuid& plane, std::string_view type, const std::string& document) {
    publish::Operation operation{.verb = publish::Verb::Replace, .type = catalog.find(type)};
    operation.document = entity::parse(document);
    std::vector<publish::Operation> operations;
    operations.push_back(std::move(operation));
    auto change = publish::transaction(catalog, std::move(operations));
    const auto done = rt::run(reactor_, planes.find(plane)->publisher().submit(std::move(change), "tester"));
    return done ? std::string() : done.error().text();
  }
  /// Names of the entities of a type, as the control plane shows them now.
  std::vector<std::string> names(const Uuid& plane, std::string_view type) {
    std::vector<std::string> found;
    ControlPlane* open = planes.find(plane);
    if (open == nullptr) return {"not open"};
    for (const auto& [id, document] : open->store().table(type).rows()) {
      found.push_back(entity::parse(*document).find("name")->as_string());
    }
    std::ranges::sort(found);
    return found;
  }

 private:
  std::unique_ptr<store::DurableStore> open(const std::string& folder) {
    store::SqliteOptions options;
    options.file = folder + "/store.db";
    return store::expect(store::open_sqlite(options, catalog, keyring_));
  }
  store::Version at_start() {
    contents_ = store::expect(durable.blocking().load());
    sync::Delta all;
    all.complete = true;
    all.upserts = contents_.rows;
    rows.apply(all);
    return contents_.version;
  }

  rt::Reactor& reactor_;
  store::Contents contents_;

 public:
  entity::Catalog catalog{entity::test_plugins()};

 private:
  store::Keyring keyring_;

 public:
  store::AsyncStore durable;
  publish::StoreLedger ledger;
  store::MemoryStore rows;
  admin::FakeGateway gateway;
  MemberGuard guard;
  ChangeRelay changes;
  publish::Publisher publisher;
  std::vector<admin::FakeGateway*> compilers;
  ControlPlanes planes;
};

}  // namespace sluice::control::planes
