// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "control/admin/message.h"
#include "control/admin/route_tree.h"
#include "http/server_stream.h"
#include "settings/settings.h"
#include "store/memory_store.h"

namespace sluice::control::admin {

/// The head of a request as handlers see it; the body is still to be read.
Request request_of(const http::RequestHead& head);

/// Finds what answers `path`, asks iam whether it may, and runs it; 404 and 405 where there is nothing. OPTIONS is
/// answered here. What a handler throws is a bug: it is logged and answered with 500. `allowed_headers` goes into
/// answers to OPTIONS. A path may begin with the name of a workspace of `store`; null: there are none. Everything
/// outlives the task.
Task<Reply> dispatch(const RouteTree& tree, const store::MemoryStore* store, std::string_view path, Request& request,
                     std::string_view allowed_headers);

/// Sends a reply with the headers that all of ours carry.
Task<void> send(http::ServerStream& stream, const settings::Settings& settings, Reply reply);

}  // namespace sluice::control::admin
