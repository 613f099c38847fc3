// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "configuration.h"
#include "store/memory_store.h"
#include "sync/delta.h"

namespace sluice::apps {

/// What a worker leaves for the one that replaces it: what it served, whatever stands in files by then. It lives in the
/// supervisor, in a file in memory.
struct Keepsake {
  enum class Form : std::uint8_t { None, Rows, Text };

  std::optional<std::string> settings;  // the settings file as the last reload read it; nothing: as it was at the start
  Form form = Form::None;
  std::string hash;  // of rows
  std::string content;
  Secret<std::string> tickets;  // keys of session tickets, as TicketKeys::save() gives them; may be empty

  static Result<Keepsake> parse(std::string_view text);
  /// Reads and closes the file; nothing of it when it cannot be read, which the log says. Negative: there is none.
  static Keepsake take(int descriptor);
  /// What of it stands in no file: a version that reads all files anew needs the rest no more.
  [[nodiscard]] Keepsake only_rows() &&;
  /// The configuration; the error says what is wrong, one line each. Not for Form::None.
  [[nodiscard]] std::expected<sync::Delta, std::string> load(const Vocabulary& vocabulary) const;
};

/// The file with all rows of a store; null: without rows. The descriptor is the caller's.
Result<int> keepsake_of_store(const std::optional<std::string>& settings, const Secret<std::string>& tickets,
                              const store::MemoryStore* store);
/// The file with a declarative configuration as its author wrote it. The descriptor is the caller's.
Result<int> keepsake_of_text(const std::optional<std::string>& settings, const Secret<std::string>& tickets,
                             std::string_view declarative);

}  // namespace sluice::apps
