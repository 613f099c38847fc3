// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <string.h>  // explicit_bzero

namespace sluice {

inline constexpr std::string_view kMasked = "***";

namespace detail {
inline void wipe(std::string& text) {
  ::explicit_bzero(text.data(), text.capacity());
  text.clear();
}
template <class T>
void wipe(T& value) {
  value = T{};
}
}  // namespace detail

/// A value that must not appear in logs, dumps or errors: it prints as `***` and is wiped when it goes. Whoever needs
/// the value says so with reveal().
template <class T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { detail::wipe(other.value_); }
  Secret& operator=(const Secret& other) {
    if (this != &other) *this = Secret(other);
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    detail::wipe(value_);
    value_ = std::move(other.value_);
    detail::wipe(other.value_);
    return *this;
  }
  ~Secret() { detail::wipe(value_); }

  /// Lives as long as the secret.
  [[nodiscard]] const T& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_ == T{}; }

  /// Not constant-time: for configuration, never for checking credentials (crypto/constant_time.h).
  friend bool operator==(const Secret&, const Secret&) = default;
  friend std::string to_string(const Secret&) { return std::string(kMasked); }
  template <class Stream>
    requires requires(Stream& out) { out << kMasked; }
  friend Stream& operator<<(Stream& out, const Secret&) {
    out << kMasked;
    return out;
  }

 private:
  T value_{};
};

}  // namespace sluice
