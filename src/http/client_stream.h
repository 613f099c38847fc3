// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/error.h"
#include "http/body.h"
#include "http/message.h"
#include "net/stream.h"
#include "rt/task.h"

namespace sluice::http {

/// One request to an upstream and its response; the same for every HTTP version, alone on a connection or one of many.
class ClientStream {
 public:
  virtual ~ClientStream() = default;

  /// Sends the head and the whole of `body` (null: none). Born ready when everything left at once.
  virtual Task<Result<>> send(const RequestHead& head, BodyReader* body) = 0;
  /// Waits for the final response head; interim ones (1xx but 101) are skipped.
  virtual Task<Result<>> receive(ResponseHead& head) = 0;
  /// The response's content; null when it has none. Valid after receive().
  [[nodiscard]] virtual BodyReader* body() = 0;
  /// Whether the upstream said anything at all: if not, an idempotent request may be sent again elsewhere.
  [[nodiscard]] virtual bool received_anything() const = 0;
  /// The upstream has said that it did not look at the request: it may be sent again elsewhere, whatever it is.
  [[nodiscard]] virtual bool was_refused() const { return false; }
  /// The exchange is complete and the connection may carry another one.
  [[nodiscard]] virtual bool reusable() const = 0;
  /// After a 101: the raw connection, and what came behind the head. Null where there is none.
  [[nodiscard]] virtual net::Stream* take_tunnel(std::string_view& early) = 0;
};

}  // namespace sluice::http
