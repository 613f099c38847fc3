// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "sync/wire/projection.h"

namespace sluice::control::cluster {

/// What a data plane cannot take as it is. Copies share the list until one of them grows: all nodes of one kind have
/// the same, and there may be thousands.
class Issues {
 public:
  using value_type = sync::wire::CompatibilityIssue;
  using List = std::vector<value_type>;

  Issues() = default;
  Issues(List list)  // NOLINT(google-explicit-constructor): it is one
      : list_(list.empty() ? nullptr : std::make_shared<const List>(std::move(list))) {}
  Issues(std::initializer_list<value_type> list) : Issues(List(list)) {}

  [[nodiscard]] List::const_iterator begin() const { return get().begin(); }
  [[nodiscard]] List::const_iterator end() const { return get().end(); }
  [[nodiscard]] bool empty() const { return list_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return get().size(); }
  [[nodiscard]] const value_type& front() const { return get().front(); }
  void push_back(value_type issue) {
    List more = get();
    more.push_back(std::move(issue));
    list_ = std::make_shared<const List>(std::move(more));
  }
  /// Whether they are one list in memory.
  [[nodiscard]] bool shares(const Issues& other) const { return list_ == other.list_; }

 private:
  [[nodiscard]] const List& get() const {
    static const List kNone;
    return list_ != nullptr ? *list_ : kNone;
  }

  std::shared_ptr<const List> list_;  // null: none
};

}  // namespace sluice::control::cluster
