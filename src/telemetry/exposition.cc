// SPDX-License-Identifier: Apache-2.0
#include "telemetry/exposition.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sluice::telemetry {

namespace {

/// One line to be, or the lines of one histogram: several shards' series of equal labels, added up.
struct Sample {
  double value = 0;
  std::vector<std::uint64_t> buckets;
};

struct Group {
  std::string_view help;
  MetricType type = MetricType::Counter;
  std::vector<double> bounds;
  std::map<std::string, Sample, std::less<>> samples;  // by labels
};

using Groups = std::map<std::string, Group, std::less<>>;  // by name

/// Whole numbers without a fraction, everything else with as many digits as it takes to read the same value back.
void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else if (std::abs(value) < 9e15 && value == std::floor(value)) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(value));
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

void append_line(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
                 double value) {
  out.append(name).append(suffix);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out += ' ';
  append_number(out, value);
  out += '\n';
}

void append_buckets(std::string& out, std::string_view name, const Group& group, std::string_view labels,
                    const Sample& sample) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
    total += sample.buckets[i];
    out.append(name).append("_bucket{").append(labels);
    if (!labels.empty()) out += ',';
    out += "le=\"";
    if (i < group.bounds.size()) {
      append_number(out, group.bounds[i]);
    } else {
      out += "+Inf";
    }
    fmt::format_to(std::back_inserter(out), "\"}} {}\n", total);
  }
}

void append_histogram(std::string& out, std::string_view name, const Group& group) {
  for (const auto& [labels, sample] : group.samples) append_buckets(out, name, group, labels, sample);
  for (const auto& [labels, sample] : group.samples) {
    std::uint64_t count = 0;
    for (std::uint64_t n : sample.buckets) count += n;
    append_line(out, name, "_count", labels, static_cast<double>(count));
  }
  for (const auto& [labels, sample] : group.samples) append_line(out, name, "_sum", labels, sample.value);
}

std::string_view type_text(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
  }
  return "untyped";
}

std::string write(const Groups& groups) {
  std::string out;
  for (const auto& [name, group] : groups) {
    if (group.samples.empty()) continue;
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, group.help, name,
                   type_text(group.type));
    if (group.type == MetricType::Histogram) {
      append_histogram(out, name, group);
    } else {
      for (const auto& [labels, sample] : group.samples) append_line(out, name, "", labels, sample.value);
    }
  }
  return out;
}

void collect(Groups& groups, const Family& family) {
  const MetricSpec& spec = family.spec();
  Group& group = groups[std::string(spec.name)];
  group.help = spec.help;
  group.type = spec.type;
  group.bounds = spec.bounds;
  family.for_each([&](const Series& series) {
    Sample& sample = group.samples[series.labels()];
    sample.value += series.value();
    if (spec.type != MetricType::Histogram) return;
    sample.buckets.resize(spec.bounds.size() + 1);
    for (std::size_t i = 0; i < sample.buckets.size(); ++i) sample.buckets[i] += series.bucket(i);
  });
}

/// Adds the values of the node as a whole.
class NodeGroups {
 public:
  NodeGroups(Groups& groups, const NodeStats& node) : groups_(groups), node_(node) {}

  void add(bool target_health) {
    add_connections();
    add_memory();
    gauge("kong_datastore_reachable", "Whether the node can reach its storage; 1 without a database.", {},
          node_.datastore_reachable ? 1 : 0);
    gauge("kong_node_info", "Which node this is, and the version it is compatible with.",
          {{"node_id", node_.node_id}, {"version", node_.version}}, 1);
    if (target_health) add_targets();
    for (const NodeMetric& metric : node_.own) {
      const Labels labels = metric.label.first.empty() ? Labels{} : Labels{metric.label};
      put(metric.name, metric.help, metric.type, labels, metric.value);
    }
  }

 private:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  void put(std::string_view name, std::string_view help, MetricType type, const Labels& labels, double value) {
    Group& group = groups_[std::string(name)];
    group.help = help;
    group.type = type;
    std::string text;
    for (const auto& [label, content] : labels) {
      if (!text.empty()) text += ',';
      append_label(text, label, content);
    }
    group.samples[std::move(text)].value += value;
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) {
    put(name, help, MetricType::Gauge, labels, value);
  }

  void add_connections() {
    const std::pair<std::string_view, std::uint64_t> states[] = {
        {"accepted", node_.connections_accepted}, {"handled", node_.connections_accepted},
        {"total", node_.requests_total},          {"active", node_.connections_active},
        {"reading", node_.connections_reading},   {"writing", node_.connections_writing},
        {"waiting", node_.connections_waiting}};
    constexpr std::string_view kConnections = "Client connections by state; \"total\" counts requests.";
    for (const auto& [state, count] : states) {
      gauge("kong_nginx_connections_total", kConnections,
            {{"node_id", node_.node_id}, {"subsystem", node_.subsystem}, {"state", state}}, static_cast<double>(count));
    }
    const std::pair<std::string_view, std::uint64_t> sessions[] = {{"accepted", node_.sessions_accepted},
                                                                   {"handled", node_.sessions_accepted},
                                                                   {"total", node_.sessions_accepted},
                                                                   {"active", node_.sessions_active},
                                                                   {"reading", 0},
                                                                   {"writing", node_.sessions_active},
                                                                   {"waiting", 0}};
    for (const auto& [state, count] : sessions) {
      if (node_.sessions_accepted == 0) break;  // no streams here
      gauge("kong_nginx_connections_total", kConnections,
            {{"node_id", node_.node_id}, {"subsystem", "stream"}, {"state", state}}, static_cast<double>(count));
    }
    gauge("kong_nginx_requests_total", "Requests that clients have sent.",
          {{"node_id", node_.node_id}, {"subsystem", node_.subsystem}}, static_cast<double>(node_.requests_total));
    constexpr std::string_view kTimers = "Timers that run, and those that wait.";
    gauge("kong_nginx_timers", kTimers, {{"state", "pending"}}, static_cast<double>(node_.timers_pending));
    gauge("kong_nginx_timers", kTimers, {{"state", "running"}}, static_cast<double>(node_.timers_running));
  }

  void add_memory() {
    for (const auto& worker : node_.workers) {
      gauge("kong_memory_workers_lua_vms_bytes", "Memory of a worker's scripting machine.",
            {{"node_id", node_.node_id}, {"pid", fmt::to_string(worker.pid)}, {"kong_subsystem", node_.subsystem}},
            static_cast<double>(worker.lua_bytes));
    }
    for (const auto& area : node_.shared) {
      Labels labels = {{"node_id", node_.node_id}, {"shared_dict", area.name}, {"kong_subsystem", node_.subsystem}};
      gauge("kong_memory_lua_shared_dict_bytes", "Memory in use in an area that workers share.", labels,
            static_cast<double>(area.used_bytes));
      gauge("kong_memory_lua_shared_dict_total_bytes", "Size of an area that workers share.", labels,
            static_cast<double>(area.total_bytes));
    }
  }

  /// Every address appears in all four states, one of which is 1.
  void add_targets() {
    using State = TargetHealth::State;
    constexpr std::pair<std::string_view, State> kStates[] = {{"healthchecks_off", State::HealthchecksOff},
                                                              {"healthy", State::Healthy},
                                                              {"unhealthy", State::Unhealthy},
                                                              {"dns_error", State::DnsError}};
    for (const TargetHealth& target : node_.targets) {
      for (const auto& [name, state] : kStates) {
        std::string_view address = state == State::DnsError ? std::string_view() : std::string_view(target.address);
        if (target.address.empty() && state != State::DnsError) continue;
        gauge("kong_upstream_target_health", "Health of a target's address: 1 in the state it has.",
              {{"upstream", target.upstream},
               {"target", target.target},
               {"address", address},
               {"state", name},
               {"subsystem", node_.subsystem}},
              target.state == state ? 1 : 0);
      }
    }
  }

  Groups& groups_;
  const NodeStats& node_;
};

void add_self(Groups& groups, std::span<const Metrics* const> shards) {
  Group& errors = groups["kong_nginx_metric_errors_total"];
  errors.help = "Errors while counting.";
  errors.samples[""].value = 0;
  Group& overflows = groups["sluice_metric_overflows_total"];
  overflows.help = "Look-ups answered with the label value \"other\" because a family was full.";
  for (const Metrics* shard : shards) {
    shard->for_each([&](const Family& family) { overflows.samples[""].value += family.overflows(); });
  }
}

}  // namespace

std::string render_metrics(std::span<const Metrics* const> shards, const NodeStats& node) {
  Groups groups;
  bool target_health = false;
  for (const Metrics* shard : shards) {
    target_health = target_health || shard->wants_upstream_health();
    shard->for_each([&](const Family& family) { collect(groups, family); });
  }
  NodeGroups(groups, node).add(target_health);
  add_self(groups, shards);
  return write(groups);
}

}  // namespace sluice::telemetry
