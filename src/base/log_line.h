// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"

// How one line looks; log.cc decides where it goes.
namespace sluice::log {

/// `{"time":"...","level":"warn","event":"...",...}` and a line break.
void append_json_line(std::string& out, std::int64_t unix_ms, Level level, std::string_view event, Fields fields);
/// `12:30:45.678 warn   event  name=value name="a value"` and a line break.
void append_text_line(std::string& out, std::int64_t unix_ms, Level level, std::string_view event, Fields fields);

}  // namespace sluice::log
