// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/admin/message.h"
#include "control/admin/page.h"
#include "control/admin/parts.h"
#include "control/publish/lookup.h"
#include "store/memory_store.h"

// Rows of the store as the Admin API shows them.
namespace sluice::control::admin {

using publish::children;
using publish::select;
using publish::select_child;

/// What a client may see.
struct View {
  const entity::Catalog& catalog;
  const store::Space& space;
  bool redacted = false;     // secrets are shown as "***"
  bool expanded = false;     // plugins are shown with what their partials say
  store::Version version{};  // that changed the space last

  View(const Parts& parts, const Request& request);
  View(const entity::Catalog& known, const store::Space& shown, bool hides)
      : catalog(known), space(shown), redacted(hides) {}
};

/// Appends a document as it is shown: with the old names of deprecated fields, the remaining `ttl`, the names of a
/// certificate and of a plugin's partials.
void append_document(std::string& out, const View& view, const schema::EntityBase& type, const Uuid& id,
                     const std::string& document);
/// The same for a row; `null` when it is gone.
void append_row(std::string& out, const View& view, const store::Table& table, const Uuid& id);
/// 200 with the row and its ETag, or 404 when there is none.
Reply row_reply(const View& view, const store::Table& table, const Uuid& id);
/// The same for a document that a write has just made.
Reply document_reply(int status, const View& view, const schema::EntityBase& type, const Uuid& id,
                     const std::string& document);

/// One page of a table, or of those of its rows that are `among`. `path` is the list's; `repeated` see PageWriter.
Reply list_rows(const View& view, const store::Table& table, std::optional<store::Ids> among, const Query& query,
                std::string_view path, std::string_view repeated);

}  // namespace sluice::control::admin
