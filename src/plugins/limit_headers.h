// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "http/headers.h"

namespace sluice::plugins {

/// Fields about limits that plugins add to the response of one request: found out while the request is judged, written
/// when the response is there. All plugins that limit share one per exchange (`ex.slot<LimitHeaders>()`), so that the
/// later one overwrites fields of equal name. Texts must live as long as the exchange.
class LimitHeaders {
 public:
  void set(std::string_view name, std::string_view value) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (fields_[i].name == name) {
        fields_[i].value = value;
        return;
      }
    }
    if (size_ < fields_.size()) fields_[size_++] = {name, value};
  }

  /// Replaces what the upstream sent under these names. A second call adds nothing.
  void write_to(http::Headers& headers) {
    if (size_ == 0) return;
    headers.remove_if([this](const http::Field& field) { return may_be_ours(field.name) && holds(field.name); });
    for (std::size_t i = 0; i < size_; ++i) headers.add_view(fields_[i].name, fields_[i].value, http::Known::None);
    size_ = 0;
  }

 private:
  struct Entry {
    std::string_view name;
    std::string_view value;
  };

  // All names begin with X- or R: one comparison instead of many for most fields of a response.
  static bool may_be_ours(std::string_view name) {
    const char first = name.empty() ? '\0' : static_cast<char>(name[0] | 0x20);
    return first == 'x' || first == 'r';
  }
  [[nodiscard]] bool holds(std::string_view name) const {
    return std::any_of(fields_.begin(), fields_.begin() + size_, [&](const Entry& entry) {
      return entry.name.size() == name.size() && http::same_name(entry.name, name);
    });
  }

  // Two for each of six periods, and four of the tightest one.
  std::array<Entry, 16> fields_;
  unsigned size_ = 0;
};

}  // namespace sluice::plugins
