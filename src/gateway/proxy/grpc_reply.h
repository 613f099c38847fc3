// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "gateway/exchange.h"
#include "gateway/verdict.h"

namespace sluice::gateway {

/// Whether a gRPC client waits for the answer: it reads grpc-status and no content.
bool is_grpc(const Request& request);

/// The status code of gRPC that stands for one of HTTP. Reference plugins-auth-traffic.md, section 0.
int grpc_status(int http_status);

/// What goes into grpc-message: of an error form the canonical word for the status, of an exit form its text or the
/// `message` of its JSON object; escaped as the protocol demands. Empty: no such field.
std::string grpc_message(const Reply& answer);

/// Makes `answer` a response without content: status and message as fields (Trailers-Only, since there is no content
/// for trailers to follow).
void append_grpc_status(Exchange& ex, const Reply& answer);

}  // namespace sluice::gateway
