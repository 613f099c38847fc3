// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "rt/reactor.h"
#include "telemetry/file_writer.h"

namespace sluice::telemetry {

/// Collects lines for one file on one shard and hands them to the writer's thread in blocks, so that a line costs a
/// copy and no lock. A line waits at most `flush_ms`.
class LineBuffer final : private rt::Timer {
 public:
  struct Options {
    std::size_t flush_octets = std::size_t{32} << 10;
    std::int64_t flush_ms = 1000;
    FileWriter::Reopen reopen = FileWriter::Reopen::Keep;
  };

  LineBuffer(rt::Reactor& reactor, FileWriter& writer, const std::string& path, Options options)
      : reactor_(reactor), writer_(writer), file_(writer.file(path)), options_(options) {
    text_.reserve(options.flush_octets * 5 / 4);
  }
  ~LineBuffer() override { flush(); }

  /// Where to append the next line, with its line feed; commit() follows.
  [[nodiscard]] std::string& text() { return text_; }
  void commit() {
    if (text_.size() >= options_.flush_octets) {
      flush();
    } else if (!armed()) {
      reactor_.timers().arm(*this, reactor_.clock().mono_ms() + options_.flush_ms);
    }
  }
  void flush() {
    disarm();
    writer_.append(file_, text_, options_.reopen);
    text_.clear();
  }

 private:
  void expire() override { flush(); }

  rt::Reactor& reactor_;
  FileWriter& writer_;
  FileWriter::File& file_;
  const Options options_;
  std::string text_;
};

}  // namespace sluice::telemetry
