// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "control/platform/problem.h"

namespace sluice::control::platform {

/// Looks at the members of one body, a JSON object, and collects everything that is wrong with them. A member that is
/// missing or wrong is nothing. Lives no longer than the body.
class BodyReader {
 public:
  explicit BodyReader(const Json& body) : body_(body) {}

  /// Marks a member as one that may be there.
  void know(std::string_view name) { known_.emplace_back(name); }
  void require(std::string_view name);
  /// Of so many characters.
  std::optional<std::string> text(std::string_view name, std::size_t least, std::size_t most);
  std::optional<std::string> choice(std::string_view name, std::span<const std::string_view> choices);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  void add(InvalidParameter parameter) { wrong_.push_back(std::move(parameter)); }

  /// All that is wrong; what nobody asked for is wrong too.
  std::vector<InvalidParameter> finish();

 protected:
  [[nodiscard]] const Json& body() const { return body_; }
  std::optional<std::string> text_of(std::string field, const Json& value, std::size_t least, std::size_t most);

 private:
  const Json& body_;
  std::vector<std::string> known_;
  std::vector<InvalidParameter> wrong_;
};

/// What is wrong with a body that is no object.
std::vector<InvalidParameter> no_object();

}  // namespace sluice::control::platform
