// SPDX-License-Identifier: Apache-2.0
#include "cluster/driver.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace sluice::bench {
namespace {

constexpr std::int64_t kProbeMs = 20;
constexpr std::int64_t kRequestMs = 60'000;
constexpr std::int64_t kPatienceMs = 120'000;
constexpr std::int64_t kStormPauseMs = 2'000;  // the control plane sees that all are gone
constexpr std::size_t kAll = 1'000'000;
constexpr auto kStrict = static_cast<std::size_t>(Kind::Strict);
constexpr auto kKongDeltas = static_cast<std::size_t>(Kind::KongDeltas);
constexpr auto kKongWhole = static_cast<std::size_t>(Kind::KongWhole);

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

double millis(std::uint64_t ns) {
  return std::floor(static_cast<double>(ns) / 10'000) / 100;
}

double seconds_since(std::int64_t began_ns, std::int64_t until_ns) {
  return std::floor(static_cast<double>(until_ns - began_ns) / 1'000'000) / 1000;
}

void add_quantiles(Json::Object& into, const std::string& name, const Histogram& seen) {
  if (seen.count() == 0) return;
  into.append(name + "_p50_ms", millis(seen.quantile(0.5)));
  into.append(name + "_p99_ms", millis(seen.quantile(0.99)));
  into.append(name + "_max_ms", millis(seen.largest()));
}

http::Dial plain_dial(rt::Reactor& reactor, net::Address peer) {
  return [&reactor, peer](net::Stream& stream, std::string, std::uint16_t, bool, bool, rt::Deadline deadline) {
    return net::connect(stream, reactor, peer, deadline);
  };
}

std::size_t number_of(const std::string& word) {
  return static_cast<std::size_t>(std::stoull(word));
}

}  // namespace

// The Admin API meanwhile
// -------------------------------------------------------------------------------------------------------------------

void Probe::start() {
  latency_ns_ = {};
  failed_ = 0;
  asking_.spawn(tick());
}

Json::Object Probe::stop() {
  asking_.cancel();
  Json::Object seen{{"admin_requests", latency_ns_.count()}, {"admin_failed", failed_}};
  add_quantiles(seen, "admin", latency_ns_);
  return seen;
}

Task<void> Probe::tick() {
  for (std::int64_t due = now_ns();; due += kProbeMs * 1'000'000) {
    const std::int64_t wait_ms = (due - now_ns()) / 1'000'000;
    if (wait_ms > 0) co_await rt::Sleep(reactor_, reactor_.after_ms(wait_ms));
    asking_.spawn(ask(due));
  }
}

Task<void> Probe::ask(std::int64_t due_ns) {
  http::ClientRequest request;
  request.url = url_;
  const auto response = co_await client_.send(std::move(request), reactor_.after_ms(kRequestMs));
  if (!response || response->status != 200) ++failed_;
  latency_ns_.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_ns() - due_ns)));
}

// Commands
// -------------------------------------------------------------------------------------------------------------------

Driver::Driver(Fleet& fleet, DriverOptions options)
    : fleet_(fleet),
      options_(options),
      client_(reactor_, plain_dial(reactor_, options.admin)),
      probe_(reactor_, client_, admin_url("/routes/route-0")) {}

std::string Driver::admin_url(const std::string& path) const {
  return "http://" + options_.admin.to_string() + path;
}

Json::Object Driver::carry_out(const std::vector<std::string>& words) {
  const auto word = [&](std::size_t i) -> const std::string& {
    if (i >= words.size()) throw std::runtime_error("a word is missing");
    return words[i];
  };
  reactor_.run_once(0);  // its clock has stood still
  if (word(0) == "join") {
    return run(join({number_of(word(1)), number_of(word(2)), number_of(word(3))}, number_of(word(4))));
  }
  if (word(0) == "change") return run(change(number_of(word(1)), static_cast<std::int64_t>(number_of(word(2)))));
  if (word(0) == "storm") return run(storm(word(1) == "behind"));
  if (word(0) == "probe") {
    probing_ = word(1) == "on";
    return {};
  }
  if (word(0) == "leave") return run(leave());
  if (word(0) == "idle") return run(idle(static_cast<std::int64_t>(number_of(word(1)))));
  throw std::runtime_error("there is no command " + word(0));
}

void Driver::on_fleet(const std::function<void()>& work) {
  std::promise<void> done;
  fleet_.reactor().post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

template <class T>
T Driver::run(Task<T> task) {
  if (probing_) probe_.start();
  task.start();
  while (!task.ready()) reactor_.run_once(50);
  Json::Object asked = probing_ ? probe_.stop() : Json::Object();
  Json::Object seen = task.take();
  for (auto& [name, value] : asked) seen.append(name, std::move(value));
  for (auto& [name, value] : seen_by_fleet()) seen.append(name, std::move(value));
  return seen;
}

Json::Object Driver::seen_by_fleet() {
  Json::Object seen;
  on_fleet([&] {
    const Tally& now = fleet_.tally();
    seen.append("deltas", now.deltas - told_.deltas);
    seen.append("full_pushes", now.full - told_.full);
    seen.append("full_pushes_to_current", now.full_to_current - told_.full_to_current);
    seen.append("whole_pushes_v1", now.whole - told_.whole);
    seen.append("wrong_digests", fleet_.reader().mirror().wrong());
    Json::Object reasons;
    for (const auto& [reason, count] : fleet_.take_reasons()) reasons.append(reason, count);
    seen.append("lost_links", std::move(reasons));
    told_ = now;
  });
  return seen;
}

Task<void> Driver::await_settled(std::size_t count) {
  const rt::Deadline deadline = reactor_.after_ms(kPatienceMs);
  while (fleet_.gauges().settled < count) {
    if (deadline.passed(reactor_.clock())) {
      throw std::runtime_error(fmt::format("{} of {} nodes are connected after {} s", fleet_.gauges().settled.load(),
                                           count, kPatienceMs / 1000));
    }
    co_await rt::Sleep(reactor_, reactor_.after_ms(2));
  }
}

Task<Json::Object> Driver::join(std::array<std::size_t, kKinds> counts, std::size_t at_once) {
  const std::int64_t began = now_ns();
  std::size_t all = 0;
  on_fleet([&] {
    for (std::size_t kind = 0; kind < kKinds; ++kind) fleet_.add(static_cast<Kind>(kind), counts[kind]);
    all = fleet_.size();
    fleet_.connect(at_once);
  });
  co_await await_settled(all);
  std::size_t rows = 0;
  // The first node answers pings before it has been sent everything.
  for (bool known = false; !known; co_await rt::Sleep(reactor_, reactor_.after_ms(2))) {
    on_fleet([&] {
      known = !fleet_.reader().mirror().is_empty();
      number_ = fleet_.reader().mirror().version().number;
      rows = fleet_.reader().mirror().rows();
    });
  }
  co_return Json::Object{{"nodes", all}, {"seconds", seconds_since(began, now_ns())}, {"entities", rows}};
}

Task<Json::Object> Driver::leave() {
  on_fleet([&] { fleet_.clear(); });
  co_return Json::Object{};
}

Task<Json::Object> Driver::idle(std::int64_t ms) {
  co_await rt::Sleep(reactor_, reactor_.after_ms(ms));
  co_return Json::Object{{"settled", fleet_.gauges().settled.load()}};
}

Task<void> Driver::aim() {
  const std::uint64_t wanted = ++number_;
  fleet_.reactor().post([this, wanted] { fleet_.aim(wanted); });
  while (fleet_.gauges().aimed != wanted) co_await rt::Sleep(reactor_, reactor_.after_ms(1));
}

Task<std::int64_t> Driver::change_one() {
  const std::uint64_t count = changes_++;
  http::ClientRequest request;
  request.method = "PATCH";
  request.url = admin_url(fmt::format("/routes/route-{}", count * 7919 % options_.routes));
  request.headers = {{"Content-Type", "application/json"}};
  request.body = fmt::format(R"({{"tags":["change-{}"]}})", count);
  const std::int64_t began = now_ns();
  const auto response = co_await client_.send(std::move(request), reactor_.after_ms(kRequestMs));
  if (!response) throw std::runtime_error("a change: " + response.error().what);
  if (response->status != 200) throw std::runtime_error("a change was answered with " + response->body.substr(0, 300));
  co_return began;
}

Task<std::int64_t> Driver::await_arrival(std::size_t first_kind, std::size_t last_kind) {
  const rt::Deadline deadline = reactor_.after_ms(kPatienceMs);
  std::int64_t last = 0;
  for (std::size_t kind = first_kind; kind <= last_kind; ++kind) {
    while (fleet_.gauges().arrived_ns[kind] == 0) {
      if (deadline.passed(reactor_.clock())) throw std::runtime_error("a change has not reached every node");
      co_await rt::Sleep(reactor_, reactor_.after_ms(1));
    }
    last = std::max(last, fleet_.gauges().arrived_ns[kind].load());
  }
  co_return last;
}

Task<Json::Object> Driver::change(std::size_t count, std::int64_t pause_ms) {
  Histogram answered;
  Histogram acknowledged;
  std::uint64_t octets = 0;
  on_fleet([&] { octets = fleet_.octets_received(); });
  std::int64_t began = 0;
  for (std::size_t i = 0; i < count; ++i) {
    co_await aim();
    began = co_await change_one();
    answered.add(static_cast<std::uint64_t>(now_ns() - began));
    const std::int64_t arrived = co_await await_arrival(kStrict, kKongDeltas);
    acknowledged.add(static_cast<std::uint64_t>(arrived - began));
    if (pause_ms > 0) co_await rt::Sleep(reactor_, reactor_.after_ms(pause_ms));
  }
  on_fleet([&] { octets = fleet_.octets_received() - octets; });
  const std::int64_t whole = co_await await_arrival(kKongWhole, kKongWhole);
  Json::Object seen{{"changes", count}, {"octets_each", octets / std::max<std::size_t>(count, 1)}};
  add_quantiles(seen, "answered", answered);
  add_quantiles(seen, "acknowledged", acknowledged);
  seen.append("v1_seconds", std::max(0.0, seconds_since(began, whole)));
  co_return seen;
}

/// All vanish and come back in one moment. `behind`: a change is made that they have to learn of.
Task<Json::Object> Driver::storm(bool behind) {
  std::size_t all = 0;
  on_fleet([&] {
    all = fleet_.size();
    fleet_.drop();
  });
  co_await rt::Sleep(reactor_, reactor_.after_ms(kStormPauseMs));
  if (behind) {
    co_await aim();
    co_await change_one();
  }
  const std::int64_t began = now_ns();
  on_fleet([&] { fleet_.connect(kAll); });
  co_await await_settled(all);
  const std::int64_t connected = now_ns();
  if (behind) co_await await_arrival(kStrict, kKongDeltas);
  // Steady is what takes a change at once.
  co_await aim();
  co_await change_one();
  const std::int64_t steady = co_await await_arrival(kStrict, kKongDeltas);
  co_return Json::Object{{"nodes", all},
                         {"connected_seconds", seconds_since(began, connected)},
                         {"steady_seconds", seconds_since(began, steady)}};
}

}  // namespace sluice::bench
