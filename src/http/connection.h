// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "rt/task.h"

namespace sluice::http {

/// What becomes of a connection that waits for a request when its server wants to end: its client may be about to send
/// one, and would have to try again. Kept, it is told with its next response that that was the last.
enum class Idle : bool { Close, Keep };

/// A client's connection, whichever version of HTTP it speaks. Belongs to its reactor's thread.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Runs until the connection ends. Destroying the task closes the connection.
  virtual Task<void> serve() = 0;
  /// Takes no more requests, finishes those in flight, then closes. May be called again, with another `idle`.
  virtual void drain(Idle idle) = 0;
  /// Whether nothing is lost when it ends: no request is under way.
  [[nodiscard]] virtual bool is_idle() const = 0;
  /// Octets that were read from the socket before the connection was made.
  virtual void seed(std::string_view bytes) = 0;
};

}  // namespace sluice::http
