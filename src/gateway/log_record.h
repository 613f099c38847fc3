// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "gateway/exchange.h"
#include "gateway/stream_session.h"
#include "telemetry/access_log.h"

namespace sluice::gateway {

/// Appends what log plugins send about a finished exchange: one JSON object without a line feed, in the form that
/// consumers of Kong's logs expect (reference/plugins-transform-observe.md, section 8). Credentials in authorization
/// headers are replaced by "REDACTED". For on_log hooks.
void append_log_record(std::string& out, const Exchange& ex);

/// The same of a finished stream session, for on_stream_log hooks.
void append_log_record(std::string& out, const StreamSession& session);

/// The line of the access log for a finished exchange. Borrows from it.
telemetry::AccessEntryView access_entry(const Exchange& ex);
telemetry::StreamEntryView access_entry(const StreamSession& session);

}  // namespace sluice::gateway
