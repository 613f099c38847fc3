// SPDX-License-Identifier: Apache-2.0
#include "telemetry/queue_options.h"

namespace sluice::telemetry {

void QueueOptions::describe(schema::Record<QueueOptions>& r) {
  constexpr double kMany = 1'000'000;
  r.field<&QueueOptions::max_batch_size>("max_batch_size", "Entries that are sent together at most.")
      .rule(schema::between(1, kMany));
  r.field<&QueueOptions::max_coalescing_delay>("max_coalescing_delay",
                                               "Seconds to wait for a batch to fill, from its first entry on.")
      .rule(schema::between(0, 3600));
  r.field<&QueueOptions::max_entries>("max_entries", "Entries that wait at most; beyond, the oldest are dropped.")
      .rule(schema::between(1, kMany));
  r.field<&QueueOptions::max_bytes>("max_bytes", "Octets that wait at most; beyond, the oldest entries are dropped.")
      .optional();
  r.field<&QueueOptions::max_retry_time>("max_retry_time",
                                         "Seconds after which a batch that cannot be delivered is given up.");
  r.field<&QueueOptions::initial_retry_delay>("initial_retry_delay",
                                              "Seconds before the first repetition; doubles each time.")
      .rule(schema::between(0.001, kMany));
  r.field<&QueueOptions::max_retry_delay>("max_retry_delay", "Seconds between two repetitions at most.")
      .rule(schema::between(0.001, kMany));
  r.field<&QueueOptions::concurrency_limit>("concurrency_limit",
                                            "Deliveries under way at a time: 1, or -1 for no limit and no batches.")
      .rule(schema::one_of(Json::Array{Json(1), Json(-1)}));
}

}  // namespace sluice::telemetry
