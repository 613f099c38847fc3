// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sync/delta.h"

namespace sluice::sync {

/// Names a set of rows, so that two sides can tell whether they hold the same: a sum of digests of the rows, which a
/// change alters at the cost of that change and which does not depend on order. Finds what went wrong on the way; it is
/// no seal against somebody who chooses rows (signature.h is).
class Digest {
 public:
  void add(const EntityRow& row) { add(row.type, row.id, row.workspace, *row.document); }
  /// What was added before, with the very same document.
  void remove(const EntityRow& row) { remove(row.type, row.id, row.workspace, *row.document); }
  void add(std::string_view type, const Uuid& id, const Uuid& workspace, std::string_view document);
  void remove(std::string_view type, const Uuid& id, const Uuid& workspace, std::string_view document);

  /// 32 hexadecimal digits over everything; zeros when there is nothing.
  [[nodiscard]] std::string text() const;
  /// The same over the rows of one type.
  [[nodiscard]] std::string text_of(std::string_view type) const;

  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  using Sum = std::array<std::uint64_t, 2>;
  void change(std::string_view type, const Sum& by);

  std::map<std::string, Sum, std::less<>> by_type_;  // no zeros
};

}  // namespace sluice::sync
