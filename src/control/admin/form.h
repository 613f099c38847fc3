// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "schema/record_base.h"

namespace sluice::control::admin {

using FormFields = std::vector<std::pair<std::string, std::string>>;

/// The value that the fields of a form stand for: `a.b=c` nests, `a[]=x`, `a[1]=x` and repeated names make arrays, an
/// empty value is null. Every other value is a string: see coerce(). reference/gateway.md, 2.1.
Json form_value(const FormFields& fields);

/// The fields of a multipart/form-data body (RFC 7578), files included; nothing when it is malformed. `content_type` is
/// the whole header field.
std::optional<FormFields> multipart_fields(std::string_view content_type, std::string_view body);

/// Turns the strings of a form into what the description wants: numbers, booleans, arrays of one element. What cannot
/// be turned stays as it is, and validation says so. `special` describes members that `record` leaves open (a plugin's
/// config); may be null.
void coerce(Json& document, const schema::RecordBase& record, const schema::RecordBase* special = nullptr);

}  // namespace sluice::control::admin
