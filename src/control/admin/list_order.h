// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/admin/entity_view.h"

namespace sluice::control::admin {

/// What consoles of the enterprise edition ask of lists: rows whose fields begin with a text, in the order of a field.
/// reference/gateway.md, 2.2.
struct ListOrder {
  std::vector<std::pair<std::string, std::string>> wanted;  // field, and what a text begins with or a value is
  std::string by;                                           // field; empty: by id
  bool descending = false;

  /// Nothing when the query asks for neither, and for clients of the community edition, who know of neither.
  static std::optional<ListOrder> parse(const settings::Settings& settings, const schema::EntityBase& type,
                                        const Query& query);
};

/// One page of such a list. Looks at every row: for people, who see some hundred at most.
Reply list_in_order(const View& view, const store::Table& table, const ListOrder& order, const Query& query,
                    std::string_view path);

}  // namespace sluice::control::admin
