// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

#include "base/json.h"
#include "control/admin/message.h"
#include "entity/catalog.h"
#include "http/server_stream.h"

namespace sluice::control::admin {

/// The whole content of a request; Errc::TooLarge when it has more than `limit` octets (0: no limit).
Task<Result<std::string>> read_body(http::ServerStream& stream, std::uint64_t limit);

/// The object that a request's body stands for, `{}` when it has none: JSON, a form or a multipart form. The error is
/// the reply: 415 for other media types, 400 for what cannot be read.
std::expected<Json, Reply> body_object(const Request& request);

/// The same with the values of forms turned into what the entity wants. `plugin` names the plugin that a body changes
/// without naming it.
std::expected<Json, Reply> body_entity(const Request& request, const entity::Catalog& catalog,
                                       const schema::EntityBase& type, const std::string& plugin = {});

}  // namespace sluice::control::admin
