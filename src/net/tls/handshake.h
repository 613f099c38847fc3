// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "net/stream.h"
#include "net/tls/client_context.h"
#include "net/tls/identity.h"
#include "net/tls/server_context.h"
#include "rt/clock.h"
#include "rt/task.h"

namespace sluice::net::tls {

/// Takes a client's handshake on a plain stream, which then speaks TLS. `resolver` may be null; it is used until the
/// task ends. Errors blame the client: Closed, Timeout, Refused (its alert), Invalid, and Unsupported only when it
/// speaks plain HTTP, which the caller may answer on the stream, still plain, with 400.
Task<Result<>> accept(Stream& stream, std::shared_ptr<const ServerContext> context,
                      std::shared_ptr<const IdentityResolver> resolver, rt::Deadline deadline);

/// Speaks TLS to the upstream that `stream` is connected to. `host` is the name (or IP address, without brackets) that
/// is asked for and, when the context verifies, must be in the certificate. Errors blame the upstream and may be
/// retried, since no request was sent: Closed, Timeout, Refused, Invalid; Forbidden when its certificate is not
/// trusted.
Task<Result<>> connect(Stream& stream, std::shared_ptr<const ClientContext> context, std::string host,
                       rt::Deadline deadline);

}  // namespace sluice::net::tls
