// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "control/admin/message.h"

namespace sluice::control::admin {

/// `tags=a,b` wants all of them, `tags=a/b` any.
struct TagFilter {
  std::vector<std::string> tags;
  bool any = false;

  /// Whether an entity with these tags is wanted.
  [[nodiscard]] bool admits(const std::vector<std::string>& own) const;
};

/// Which part of a list is asked for. reference/gateway.md, 2.2.
struct Page {
  std::size_t size = 100;
  std::string after;  // decoded token of the page before; empty: from the start
  std::optional<TagFilter> tags;

  /// Reads `size`, `offset` and `tags`; the error is the reply.
  static std::expected<Page, Reply> parse(const Query& query);
  /// `after` as what tokens of rows hold, or of lists by position. An error reply for a token that we did not make.
  [[nodiscard]] std::expected<Uuid, Reply> after_id() const;
  [[nodiscard]] std::expected<std::size_t, Reply> after_position() const;
};

/// A list in the making.
class PageWriter {
 public:
  /// Adds an entry, JSON text.
  void add(std::string_view entry);
  std::string& open_entry();  // to append one in place

  /// `token` leads to the next page; empty: this is the last one. `path` is that of the list, and `query` what `next`
  /// repeats ("&size=2").
  Reply finish(std::string_view token, std::string_view path, std::string_view query = {}, Json::Object more = {});

 private:
  std::string text_ = R"({"data":[)";
  bool first_ = true;
};

/// `&tags=..&size=..` as the query has them.
std::string repeated_arguments(const Query& query);

}  // namespace sluice::control::admin
