// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.h"

#include <utility>

#include "base/assert.h"

namespace sluice::telemetry {

namespace {
constexpr std::string_view kOther = "other";
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append("=\"");
  for (char c : value) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        out += c;
    }
  }
  out += '"';
}

Series::Series(std::string labels, const std::vector<double>& bounds) : labels_(std::move(labels)), bounds_(bounds) {
  if (!bounds.empty()) buckets_ = std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1);
}

Series& Family::at(std::span<const std::string_view> values) {
  SLUICE_ASSERT(values.size() == spec_.labels.size());
  std::string labels;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) labels += ',';
    append_label(labels, spec_.labels[i].name, values[i]);
  }
  if (auto found = by_labels_.find(labels); found != by_labels_.end()) return *found->second;
  if (series_.size() < spec_.max_series) return make(std::move(labels));

  overflows_.add(1);
  labels.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) labels += ',';
    bool unbounded = spec_.labels[i].values == Label::Values::Unbounded;
    append_label(labels, spec_.labels[i].name, unbounded && !values[i].empty() ? kOther : values[i]);
  }
  if (auto found = by_labels_.find(labels); found != by_labels_.end()) return *found->second;
  return make(std::move(labels));
}

Series& Family::make(std::string labels) {
  Series& made = series_.emplace_back(std::move(labels), spec_.bounds);
  made.next_ = newest_.load(std::memory_order_relaxed);
  newest_.store(&made, std::memory_order_release);
  by_labels_.emplace(made.labels(), &made);
  return made;
}

Family& Metrics::family(const MetricSpec& spec) {
  if (auto found = by_name_.find(spec.name); found != by_name_.end()) return *found->second;
  Family& made = families_.emplace_back(spec);
  made.next_ = newest_.load(std::memory_order_relaxed);
  newest_.store(&made, std::memory_order_release);
  by_name_.emplace(made.spec().name, &made);
  return made;
}

}  // namespace sluice::telemetry
