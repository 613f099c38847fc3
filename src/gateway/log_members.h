// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "entity/fwd.h"
#include "gateway/identity.h"
#include "telemetry/request_record.h"

// What log records of requests and of stream sessions have in common.
namespace sluice::gateway {

/// Writes the members of one JSON object straight into text. Braces are the destructor's business.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;
  ~ObjectWriter() { out_ += '}'; }

  /// Begins a member; the caller appends its value to what this returns.
  std::string& key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  void text(std::string_view name, std::string_view value) { append_json_string(key(name), value); }
  void number(std::string_view name, std::integral auto value) {
    std::array<char, 24> digits;
    auto [end, status] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    key(name).append(digits.data(), end);
  }
  void raw(std::string_view name, std::string_view json) { key(name).append(json); }

 private:
  std::string& out_;
};

/// The attempts to reach an upstream, as an array.
void append_tries(std::string& out, std::span<const telemetry::Try> tries);

/// The stored document of a route or service; from the typed view where nobody keeps its text. `directory` may be null.
void append_entity(std::string& out, const Directory* directory, const entity::Route& route);
void append_entity(std::string& out, const Directory* directory, const entity::Service& service);

}  // namespace sluice::gateway
