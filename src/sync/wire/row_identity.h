// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/uuid.h"

namespace sluice::sync::wire {

/// The id of an entity of another control plane, or of the key of one. Kong names a consumer's place in a group by
/// group and consumer alone: its id is made of both, always the same.
Result<Uuid> identity_of(std::string_view type, const Json& entity);

/// What `ws_id` says: nil for the default workspace and where there is nothing.
Result<Uuid> workspace_of(const Json* ws_id, const Uuid& default_workspace);

/// Whether it is the row of the default workspace itself.
bool is_default_workspace(std::string_view type, const Json& entity);

/// Whether it is that of a control plane which gave the default workspace another id than ours do. Nothing here belongs
/// to it.
bool is_foreign_default(std::string_view type, const Uuid& id, const Json& entity);

/// Makes the members those of a document: without `ws_id`, with an id.
void make_document(Json::Object& entity, const Uuid& id);

}  // namespace sluice::sync::wire
