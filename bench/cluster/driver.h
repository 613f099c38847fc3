// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/bench/histogram.h"
#include "cluster/fleet.h"
#include "http/plain_client.h"
#include "net/address.h"
#include "rt/reactor.h"
#include "rt/scope.h"

namespace sluice::bench {

using cli::bench::Histogram;

struct DriverOptions {
  net::Address admin;
  std::size_t routes = 1;  // named route-0, route-1, ...: what is changed
};

/// Asks the Admin API for one route, fifty times a second whether or not it has answered. Belongs to one reactor.
class Probe {
 public:
  Probe(rt::Reactor& reactor, http::Client& client, std::string url)
      : reactor_(reactor), client_(client), url_(std::move(url)) {}

  void start();
  /// Ends it; what it has seen since start().
  Json::Object stop();

 private:
  Task<void> tick();
  Task<void> ask(std::int64_t due_ns);

  rt::Reactor& reactor_;
  http::Client& client_;
  const std::string url_;
  Histogram latency_ns_;
  std::uint64_t failed_ = 0;
  rt::TaskScope asking_;
};

/// Carries out commands on a thread of its own, so that what it measures does not wait behind what nodes do.
class Driver {
 public:
  /// `fleet` lives on the thread of its reactor, which runs; it outlives the driver.
  Driver(Fleet& fleet, DriverOptions options);

  /// One command, words as in the usage text of main.cc; returns when it is done. Throws std::runtime_error.
  Json::Object carry_out(const std::vector<std::string>& words);

 private:
  /// On the fleet's thread; returns when it is done.
  void on_fleet(const std::function<void()>& work);
  template <class T>
  T run(Task<T> task);

  Task<Json::Object> join(std::array<std::size_t, kKinds> counts, std::size_t at_once);
  Task<Json::Object> change(std::size_t count, std::int64_t pause_ms);
  Task<Json::Object> storm(bool behind);
  Task<Json::Object> leave();
  Task<Json::Object> idle(std::int64_t ms);

  Task<void> aim();
  /// Changes one route. Returns monotonic nanoseconds of the moment before.
  Task<std::int64_t> change_one();
  /// Until all nodes of protocol 2 have acknowledged what was aimed at; monotonic nanoseconds of that moment.
  Task<std::int64_t> await_arrival(std::size_t first_kind, std::size_t last_kind);
  Task<void> await_settled(std::size_t count);
  Json::Object seen_by_fleet();
  [[nodiscard]] std::string admin_url(const std::string& path) const;

  Fleet& fleet_;
  const DriverOptions options_;
  rt::Reactor reactor_;
  http::PlainClient client_;
  Probe probe_;
  bool probing_ = true;
  std::uint64_t number_ = 0;  // of the version that the last change made
  std::uint64_t changes_ = 0;
  Tally told_;
};

}  // namespace sluice::bench
