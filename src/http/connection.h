// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "rt/task.h"

namespace sluice::http {

/// A client's connection, whichever version of HTTP it speaks. Belongs to its reactor's thread.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Runs until the connection ends. Destroying the task closes the connection.
  virtual Task<void> serve() = 0;
  /// Takes no more requests, finishes those in flight, then closes; an idle connection closes at once.
  virtual void drain() = 0;
  /// Octets that were read from the socket before the connection was made.
  virtual void seed(std::string_view bytes) = 0;
};

}  // namespace sluice::http
