// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "dataplane/standing.h"

// What stands in the records of the cache, before it is sealed.
namespace sluice::dataplane {

/// How a whole configuration begins.
struct BaseHeader {
  std::uint64_t sequence = 0;  // of the last change in it; grows by one with each
  Standing standing;
  std::string digest;    // of the rows; checked when they are read
  std::size_t rows = 0;  // how many follow
  std::string maker;     // which release wrote it, with which plugins: only then are its documents taken unread
};
std::string to_text(const BaseHeader& header);
Result<BaseHeader> parse_base_header(std::string_view text);

/// Cuts a table into texts of about a megabyte; `write` gets each, and says false to stop.
Result<> write_rows(const RowTable& rows, const std::function<Result<>(std::string_view text)>& write);
/// Adds what one of these texts holds.
Result<> read_rows(std::string_view text, RowTable& rows);

/// A change, with the digest of the rows behind it.
std::string to_text(const Step& step, std::uint64_t sequence, std::string_view digest);
struct ReadStep {
  std::uint64_t sequence = 0;
  std::string digest;
  Step step;
};
Result<ReadStep> parse_step(std::string_view text);
void apply(const Step& step, State& state);

}  // namespace sluice::dataplane
