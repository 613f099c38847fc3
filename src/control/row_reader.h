// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/uuid.h"

namespace sluice::control {

/// Reads members of a row of control planes or of accounts, a text of ours. One that is missing keeps what the release
/// that knows it begins with.
class RowReader {
 public:
  /// Of the texts; a later one that this release cannot read has a larger number.
  static constexpr std::int64_t kFormat = 1;

  static Result<RowReader> open(std::string_view text) {
    TRY(Json json, parse_json(text));
    const Json* format = json.find("format");
    if (format == nullptr || !format->is_int()) return fail(Errc::Invalid, "no format is named");
    if (format->as_int() > kFormat) return fail(Errc::Unsupported, "a later release wrote it");
    return RowReader(std::move(json));
  }

  void take(std::string_view name, std::string& into) const {
    if (const Json* value = json_.find(name); value != nullptr && value->is_string()) into = value->as_string();
  }
  void take(std::string_view name, bool& into) const {
    if (const Json* value = json_.find(name); value != nullptr && value->is_bool()) into = value->as_bool();
  }
  void take(std::string_view name, std::int64_t& into) const {
    if (const Json* value = json_.find(name); value != nullptr && value->is_int()) into = value->as_int();
  }
  Result<> take(std::string_view name, Uuid& into) const {
    std::string text;
    take(name, text);
    TRY(into, Uuid::parse(text));
    return {};
  }
  /// An empty text leaves it as it is.
  Result<> take_if_any(std::string_view name, Uuid& into) const {
    const Json* value = json_.find(name);
    const bool none = value == nullptr || !value->is_string() || value->as_string().empty();
    return none ? Result<>{} : take(name, into);
  }
  [[nodiscard]] const Json::Array& list(std::string_view name) const {
    static const Json::Array kNone;
    const Json* value = json_.find(name);
    return value != nullptr && value->is_array() ? value->as_array() : kNone;
  }
  [[nodiscard]] const Json& json() const { return json_; }

 private:
  explicit RowReader(Json json) : json_(std::move(json)) {}
  Json json_;
};

}  // namespace sluice::control
