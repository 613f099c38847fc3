// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/field_name.h"

// What RFC 9113 demands of fields, whoever sends them.
namespace sluice::http::h2 {

/// What a field adds to a list by the measure of SETTINGS_MAX_HEADER_LIST_SIZE, besides its texts. RFC 9113, 6.5.2.
inline constexpr std::size_t kFieldOverhead = 32;
/// A list so many times over its limit can only be meant as an attack.
inline constexpr std::size_t kAbuseFactor = 4;

/// A token in lower case. RFC 9113, 8.2.1.
bool is_name(std::string_view name);
/// spelling() in lower case: static text.
std::string_view lower_spelling(Known field);
/// A field value without outer white space. RFC 9113, 8.2.1.
bool is_value(std::string_view value);
/// RFC 9113, 8.2.2: fields of the connection do not exist here.
bool is_connection_specific(Known field);
/// The value of content-length; nothing when it is none.
std::optional<std::uint64_t> parse_length(std::string_view text);

}  // namespace sluice::http::h2
