// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "schema/record.h"

namespace sluice::telemetry {

/// How a queue batches, retries and limits itself; the `queue` record that plugins share. Times in seconds.
struct QueueOptions {
  std::int64_t max_batch_size = 1;
  double max_coalescing_delay = 1;
  std::int64_t max_entries = 10000;
  std::optional<std::int64_t> max_bytes = {};
  double initial_retry_delay = 0.01;
  double max_retry_time = 60;  // -1: no second attempt
  double max_retry_delay = 60;
  std::int64_t concurrency_limit = 1;  // -1: entries are sent on their own, at once

  static void describe(schema::Record<QueueOptions>& r);
  friend bool operator==(const QueueOptions&, const QueueOptions&) = default;
};

}  // namespace sluice::telemetry
