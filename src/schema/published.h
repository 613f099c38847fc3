// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "schema/record_base.h"

namespace sluice::schema {

/// The description as Kong's `/schemas` endpoints give it, from which clients compute defaults and forms: `fields` and
/// `entity_checks` are arrays of objects with one member each. Functions are left out. reference/gateway.md, 2.4.
Json kong_schema(const RecordBase& record);
/// One field of it: what stands behind the field's name.
Json kong_field(const Field& field);

/// The description as JSON Schema in the dialect of Kong's published plugin contracts: a null means unset and is
/// allowed wherever the member is not listed as required; a required member with a default is not listed, and one that
/// must stay null (a scope that a plugin does not have) is left out.
Json json_schema(const RecordBase& record);
Json json_schema(const Field& field);

}  // namespace sluice::schema
