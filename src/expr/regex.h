// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"

namespace sluice::expr {

/// What the author of a pattern may write. Rust: the ecosystem's router language, matched in linear time. Pcre: what
/// flavor `traditional` always took; patterns that need backtracking run under limits.
enum class RegexDialect : std::uint8_t { Rust, Pcre };

enum class Anchor : std::uint8_t { None, Start };

enum class Matched : std::uint8_t { No, Yes, TooCostly };  // TooCostly: a backtracking pattern ran into its limits

/// A compiled pattern, immutable and usable from any thread.
class Regex {
 public:
  virtual ~Regex() = default;
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  /// The error names the construct that the dialect does not offer.
  static Result<std::shared_ptr<const Regex>> compile(std::string_view pattern, RegexDialect dialect);

  /// Looks for the pattern and does not allocate. `whole`, when given, receives the matched part of `text`.
  [[nodiscard]] virtual Matched search(std::string_view text, Anchor anchor,
                                       std::string_view* whole = nullptr) const = 0;

  /// All groups of the first match, the whole at 0; a group that took no part has a null data(). Empty: no match.
  [[nodiscard]] virtual std::vector<std::string_view> groups(std::string_view text, Anchor anchor) const = 0;

  /// Names of groups with their numbers, in order of number.
  [[nodiscard]] const std::vector<std::pair<std::string, std::size_t>>& group_names() const { return names_; }
  [[nodiscard]] const std::string& pattern() const { return pattern_; }

  /// Octets with which every text begins in which search(text, anchor) finds the pattern; possibly none.
  [[nodiscard]] std::string_view required_prefix(Anchor anchor) const {
    return anchor == Anchor::Start || anchored_ ? std::string_view(literal_prefix_) : std::string_view();
  }

 protected:
  explicit Regex(std::string_view pattern);
  std::vector<std::pair<std::string, std::size_t>> names_;

 private:
  std::string pattern_;
  std::string literal_prefix_;
  bool anchored_ = false;  // the pattern itself begins with `^`
};

using RegexRef = std::shared_ptr<const Regex>;

/// Hands out one compiled object per pattern for as long as somebody uses it, so that many routes with few distinct
/// patterns stay small. Safe from any thread; meant for the builder of configurations, not for requests.
class RegexCache {
 public:
  Result<RegexRef> get(std::string_view pattern, RegexDialect dialect);

 private:
  void drop_unused();

  std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<const Regex>, StringHash, std::equal_to<>> known_;
  std::size_t sweep_at_ = 64;
};

}  // namespace sluice::expr
