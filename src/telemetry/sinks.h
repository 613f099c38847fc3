// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/intrusive_rc.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "telemetry/file_writer.h"
#include "telemetry/line_buffer.h"
#include "telemetry/metrics.h"
#include "telemetry/queue.h"

namespace sluice::telemetry {

/// Where the log plugins of one shard put their records. Outlives plugin instances, so that a change of configuration
/// loses nothing that waits. `writer` belongs to the node.
class Sinks {
 public:
  Sinks(rt::Reactor& reactor, FileWriter& writer, Metrics& metrics)
      : reactor_(reactor), writer_(writer), metrics_(metrics) {}
  Sinks(const Sinks&) = delete;
  Sinks& operator=(const Sinks&) = delete;

  /// The buffer of a log file; lives as long as this object. Lines reach the writer within 10 ms.
  LineBuffer& file(const std::string& path, FileWriter::Reopen reopen);

  /// The queue of that key, made at first use. An existing one takes `options` when it is next empty.
  Rc<Queue> queue(std::string_view plugin, const std::string& key, const QueueOptions& options);

  /// Delivers what waits, as far as possible before `deadline`. Before the shard ends, after the last request.
  Task<void> drain(rt::Deadline deadline);

 private:
  rt::Reactor& reactor_;
  FileWriter& writer_;
  Metrics& metrics_;
  std::map<std::pair<std::string, FileWriter::Reopen>, std::unique_ptr<LineBuffer>> files_;
  std::map<std::string, Rc<Queue>, std::less<>> queues_;
};

}  // namespace sluice::telemetry
