// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "rt/reactor.h"
#include "telemetry/file_writer.h"
#include "telemetry/line_buffer.h"

namespace sluice::telemetry {

/// What one line of the access log says. Borrows from the exchange; lives for one call.
struct AccessEntryView {
  IpAddress address;               // of the client, after real_ip
  std::string_view authorization;  // of the request; the user of Basic credentials is shown
  std::string_view method;
  std::string_view target;   // as received
  std::string_view version;  // "HTTP/1.1"
  int status = 0;
  std::uint64_t body_octets = 0;  // sent to the client
  std::string_view referer;
  std::string_view user_agent;
  std::string_view request_id;  // empty: the line ends without one
};

/// What one line of the stream log says.
struct StreamEntryView {
  IpAddress address;          // of the client
  std::string_view protocol;  // "TCP" or "UDP"
  int status = 0;
  std::uint64_t sent = 0;      // octets, to the client
  std::uint64_t received = 0;  // octets, from the client
  std::int64_t session_ms = 0;
};

/// The access log of one shard, in nginx's combined format with the request's id, if it has one, behind it
/// (reference/gateway.md, 9.3). Lines are written by the writer's thread; a blocked file costs lines, never time.
class AccessLog {
 public:
  AccessLog(rt::Reactor& reactor, FileWriter& writer, const std::string& path, LineBuffer::Options options = {})
      : reactor_(reactor), buffer_(reactor, writer, path, options) {}

  void write(const AccessEntryView& entry);
  /// For streams, in the format that is called `basic` (likewise).
  void write(const StreamEntryView& entry);
  void flush() { buffer_.flush(); }

 private:
  void refresh_time();

  rt::Reactor& reactor_;
  LineBuffer buffer_;
  std::int64_t time_s_ = -1;
  std::string time_;  // time_s_ as it is printed
};

/// Appends `text` so that it cannot end its quotes, its line or mislead a terminal: quotes, backslashes and all octets
/// that are not printable ASCII become \xHH, as nginx does it.
void append_escaped(std::string& out, std::string_view text);

/// The line, with its line feed. `local_time` is `21/Nov/2026:10:38:44 +0000`.
void append_access_line(std::string& out, const AccessEntryView& entry, std::string_view local_time);
void append_access_line(std::string& out, const StreamEntryView& entry, std::string_view local_time);

}  // namespace sluice::telemetry
