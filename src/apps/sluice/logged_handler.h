// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/server_stream.h"
#include "rt/reactor.h"
#include "telemetry/access_log.h"
#include "telemetry/file_writer.h"

namespace sluice::apps {

/// Passes requests on to another handler and writes an access log of them: a line when each has ended, also when its
/// client did not stay for the answer. Belongs to its reactor's thread.
class LoggedHandler final : public http::Handler {
 public:
  /// All outlive it.
  LoggedHandler(rt::Reactor& reactor, telemetry::FileWriter& files, http::Handler& inner)
      : reactor_(reactor), files_(files), inner_(inner) {}
  LoggedHandler(const LoggedHandler&) = delete;
  LoggedHandler& operator=(const LoggedHandler&) = delete;

  /// Where lines go from now on; empty: nowhere.
  void log_to(const std::string& path);

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  class Line;

  rt::Reactor& reactor_;
  telemetry::FileWriter& files_;
  http::Handler& inner_;
  std::string path_;
  std::unique_ptr<telemetry::AccessLog> log_;  // null: off
};

}  // namespace sluice::apps
