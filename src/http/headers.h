// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "http/field_name.h"

namespace sluice::http {

/// One field line. Name and value are views: of the head as it was received, of the arena, or of static text.
struct Field {
  std::string_view name;
  std::string_view value;
  Known known = Known::None;
};

/// The field lines of a message, in order, names as they were spelled. Storage and copies come from the arena given
/// at construction and live as long as it does. Names compare without regard to case.
class Headers {
 public:
  explicit Headers(Arena& arena) : arena_(&arena) {}
  Headers(Headers&& other) noexcept = default;
  Headers& operator=(Headers&& other) noexcept = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const Field* begin() const { return fields_; }
  [[nodiscard]] const Field* end() const { return fields_ + size_; }
  [[nodiscard]] Arena& arena() const { return *arena_; }

  /// The first value of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> get(Known field) const;
  [[nodiscard]] bool has(std::string_view name) const { return get(name).has_value(); }
  [[nodiscard]] bool has(Known field) const { return may_have(field) && find(field) != nullptr; }
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] std::size_t count(Known field) const;

  /// Calls `with(value)` for each line of that name.
  template <class With>
  void each(Known field, With with) const {
    if (!may_have(field)) return;
    for (const Field& line : *this) {
      if (line.known == field) with(line.value);
    }
  }

  /// Appends a line; name and value are copied.
  void add(std::string_view name, std::string_view value);
  /// Appends a line whose texts outlive the message (static text, the arena, the received head).
  void add_view(std::string_view name, std::string_view value, Known known);
  void add_view(std::string_view name, std::string_view value) { add_view(name, value, known_field(name)); }
  /// Replaces all lines of that name by one, in the place of the first.
  void set(std::string_view name, std::string_view value);
  void set_view(std::string_view name, std::string_view value, Known known);
  void set(Known field, std::string_view value) { set_view(spelling(field), arena_->copy(value), field); }
  /// Removes all lines of that name; returns how many there were.
  std::size_t remove(std::string_view name);
  std::size_t remove(Known field);
  /// Removes the lines for which `unwanted(field)` holds.
  template <class Predicate>
  std::size_t remove_if(Predicate unwanted) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!unwanted(static_cast<const Field&>(fields_[i]))) fields_[kept++] = fields_[i];
    }
    std::size_t removed = size_ - kept;
    size_ = static_cast<std::uint32_t>(kept);
    return removed;
  }
  void clear() {
    size_ = 0;
    maybe_ = 0;
  }

 private:
  static constexpr std::uint64_t bit(Known field) { return std::uint64_t{1} << static_cast<unsigned>(field); }
  /// False: there is certainly none, and no line needs to be looked at.
  [[nodiscard]] bool may_have(Known field) const { return (maybe_ & bit(field)) != 0; }
  [[nodiscard]] Field* find(Known field) const;
  [[nodiscard]] Field* find(std::string_view name) const;
  void grow();

  Arena* arena_;
  Field* fields_ = nullptr;
  std::uint64_t maybe_ = 0;  // a bit for each well-known name that was ever added
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

/// Calls `each(token)` for every non-empty member of a comma-separated list (RFC 9110, 5.6.1), white space trimmed.
template <class Each>
void for_each_token(std::string_view list, Each each) {
  while (!list.empty()) {
    std::size_t comma = list.find(',');
    std::string_view token = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!token.empty() && (token.front() == ' ' || token.front() == '\t')) token.remove_prefix(1);
    while (!token.empty() && (token.back() == ' ' || token.back() == '\t')) token.remove_suffix(1);
    if (!token.empty()) each(token);
  }
}

/// Whether a comma-separated list names `token`, without regard to case.
bool list_has(std::string_view list, std::string_view token);

}  // namespace sluice::http
