// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace sluice::telemetry {

enum class MetricType : std::uint8_t { Counter, Gauge, Histogram };

/// A label of a family. Values of an unbounded one come from configuration or from clients: beyond the family's limit
/// of series they are counted under "other".
struct Label {
  std::string_view name;
  enum class Values : std::uint8_t { Bounded, Unbounded } values = Values::Unbounded;
};

/// What a family of series is. All texts are static, or outlive the Metrics.
struct MetricSpec {
  std::string_view name;  // with prefix and unit, e.g. "kong_request_latency_ms"
  std::string_view help = {};
  MetricType type = MetricType::Counter;
  std::vector<Label> labels = {};   // in the order in which they are printed
  std::vector<double> bounds = {};  // of a histogram's buckets, ascending, without +Inf
  std::size_t max_series = 20000;   // per shard
};

/// A value that one thread writes and any thread reads: relaxed, so that an addition is a load and a store.
class Cell {
 public:
  void add(double amount) { value_.store(get() + amount, std::memory_order_relaxed); }
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] double get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// One series. Lives as long as its Metrics; written by the shard only.
class Series {
 public:
  Series(std::string labels, const std::vector<double>& bounds);

  void add(double amount = 1) { value_.add(amount); }
  void set(double value) { value_.set(value); }
  /// Counts `value` in its bucket; histograms only.
  void observe(double value) {
    std::size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    buckets_[i].store(buckets_[i].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    value_.add(value);
  }

  /// `name="value",...` as it is printed.
  [[nodiscard]] const std::string& labels() const { return labels_; }
  /// A counter's or gauge's value; a histogram's sum.
  [[nodiscard]] double value() const { return value_.get(); }
  /// How many observations lie in bucket `i` alone; the last one has no upper bound.
  [[nodiscard]] std::uint64_t bucket(std::size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }

 private:
  friend class Family;
  const std::string labels_;
  std::span<const double> bounds_;  // of the family
  Cell value_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  const Series* next_ = nullptr;  // written before the series is published
};

/// All series of one name on one shard. Series are only ever added, so that a scrape on another thread walks them
/// without a lock while the shard adds more.
class Family {
 public:
  explicit Family(MetricSpec spec) : spec_(std::move(spec)) {}
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  /// The series with these label values, made at first use; shard's thread only. Costs a hash of all values: callers
  /// on the request path keep the reference.
  Series& at(std::span<const std::string_view> values);
  Series& at(std::initializer_list<std::string_view> values) { return at({values.begin(), values.size()}); }

  [[nodiscard]] const MetricSpec& spec() const { return spec_; }
  /// How often at() had to answer "other". Any thread.
  [[nodiscard]] double overflows() const { return overflows_.get(); }

  /// Any thread; a series that is being added meanwhile may be missed.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Series* s = newest_.load(std::memory_order_acquire); s != nullptr; s = s->next_) visit(*s);
  }

 private:
  friend class Metrics;
  Series& make(std::string labels);

  const MetricSpec spec_;
  std::deque<Series> series_;
  std::unordered_map<std::string_view, Series*, StringHash, std::equal_to<>> by_labels_;
  std::atomic<const Series*> newest_{nullptr};
  Cell overflows_;
  const Family* next_ = nullptr;
};

/// What one shard counts. Everything that writes belongs to the shard's thread; for_each() and what it gives may be
/// used from any thread.
class Metrics {
 public:
  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The family of that name, made at first use; the first description holds. Lives as long as this object.
  Family& family(const MetricSpec& spec);
  /// A family that has one series without labels.
  Series& single(const MetricSpec& spec) { return family(spec).at({}); }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const Family* f = newest_.load(std::memory_order_acquire); f != nullptr; f = f->next_) visit(*f);
  }

  /// Whether somebody asked for the health of upstream targets to be exported: a count of those who did.
  void want_upstream_health(int change) { upstream_health_.fetch_add(change, std::memory_order_relaxed); }
  [[nodiscard]] bool wants_upstream_health() const { return upstream_health_.load(std::memory_order_relaxed) > 0; }

 private:
  std::deque<Family> families_;
  std::unordered_map<std::string_view, Family*, StringHash, std::equal_to<>> by_name_;
  std::atomic<const Family*> newest_{nullptr};
  std::atomic<int> upstream_health_{0};
};

/// Appends `name="value"`, with the value escaped as the text exposition format asks.
void append_label(std::string& out, std::string_view name, std::string_view value);

}  // namespace sluice::telemetry
