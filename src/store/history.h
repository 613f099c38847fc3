// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "store/version.h"
#include "sync/delta.h"

// The log of a control plane as people look at it: its versions one by one, newest first, and what lies between two of
// them. It reaches as far back as the log does; see DurableStore::horizon().
namespace sluice::store {

enum class RowAction : std::uint8_t { Create, Update, Delete };

/// A row that a version changed. Secrets are masked in it.
struct ChangedRow {
  std::string type;
  Uuid id;
  Uuid workspace;
  RowAction action = RowAction::Update;
  sync::Document document;  // what it became, or what it was before it went; null: no longer known
};

struct VersionEntry {
  Version version;
  SysTime when;
  std::string author;
  std::string note;              // what kind of change it was; mostly empty
  std::size_t changes = 0;       // how many rows it changed
  std::vector<ChangedRow> rows;  // the first of them
};

/// Which versions are wanted, newest first.
struct HistoryQuery {
  std::uint64_t below = 0;  // only those of lower numbers; 0: all
  std::size_t limit = 100;  // versions
  std::size_t rows = 50;    // of each version that are given
  std::string author = {};  // only that one's; empty: everybody's
  std::string type = {};    // with `id`: only those that changed that row
  Uuid id = {};
  /// Only versions with a row that it wants; empty: all. Called on a thread of the store, and owns its data.
  std::function<bool(const VersionEntry& version, const ChangedRow& row)> wanted = {};
};

/// A call looks at a bounded number of rows: it may find fewer versions than wanted though there are more.
struct HistoryPart {
  std::vector<VersionEntry> versions = {};
  bool more = false;        // below `place`
  std::uint64_t place = 0;  // how far it was looked
};

/// A row that is not the same in two versions, in full.
struct RowDifference {
  std::string type;
  Uuid id;
  Uuid workspace;
  sync::Document before;  // null: there was none
  sync::Document after;
};

/// The rows in which `to` differs from `from`, ordered by type and id. Either may be the older one.
struct DifferenceQuery {
  Version from;
  Version to;
  // Only rows behind this one.
  std::string type = {};
  Uuid id = {};
  std::size_t limit = 1000;
};

struct Differences {
  std::vector<RowDifference> rows = {};
  bool more = false;
  // How far it was looked.
  std::string type = {};
  Uuid id = {};
};

}  // namespace sluice::store
