// SPDX-License-Identifier: Apache-2.0
#include "control/platform/search_query.h"

#include <algorithm>
#include <utility>

namespace sluice::control::platform {
namespace {

constexpr std::size_t kMostWords = 16;
constexpr std::string_view kBlanks = " \t\r\n";

struct Piece {
  std::string field;
  std::string text;
};

/// The next word and what stands before its colon, moved past; `field:"two words"` is one.
std::optional<Piece> next_piece(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  if (text.empty()) return std::nullopt;
  Piece piece;
  const std::size_t end = text.find_first_of(" \t\r\n:\"");
  if (end != text.npos && text[end] == ':') {
    piece.field = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  const bool quoted = text.starts_with('"');
  if (quoted) text.remove_prefix(1);
  const std::size_t stop = std::min(quoted ? text.find('"') : text.find_first_of(kBlanks), text.size());
  piece.text = text.substr(0, stop);
  text.remove_prefix(std::min(stop + (quoted ? 1 : 0), text.size()));
  return piece;
}

bool is_field(std::string_view name) {
  return std::ranges::find(known_fields(), name) != known_fields().end();
}

/// `service` and `services` are the same.
std::string type_of(const entity::Catalog& catalog, std::string_view name) {
  if (name == kControlPlanes || name == "control_plane") return std::string(kControlPlanes);
  for (const auto& type : catalog.types()) {
    if (type->name() == name || type->singular() == name) return type->name();
  }
  return {};
}

}  // namespace

std::expected<SearchQuery, std::string> SearchQuery::parse(const entity::Catalog& catalog, std::string_view text) {
  SearchQuery query;
  while (auto piece = next_piece(text)) {
    if (piece->field == "type") {
      query.type_ = type_of(catalog, piece->text);
      if (query.type_.empty()) return std::unexpected("there is no type " + piece->text + "; see /v1/search/types");
      continue;
    }
    if (!is_field(piece->field) && !piece->field.empty()) {  // `http://example.test` is a word
      piece->text = piece->field + ":" + piece->text;
      piece->field.clear();
    }
    if (piece->text.empty()) continue;
    query.only_word_ = query.clauses_.empty() && piece->field.empty() ? piece->text : std::string();
    query.clauses_.push_back({std::move(piece->field), Word(piece->text)});
    if (query.clauses_.size() > kMostWords) return std::unexpected("has too many words");
  }
  if (query.clauses_.empty()) return std::unexpected("must have a word to look for");
  return query;
}

std::optional<Match> SearchQuery::find_in(std::string_view document) const {
  std::optional<Match> first;
  for (const Clause& clause : clauses_) {
    auto match = clause.word.find_in(document, clause.field);
    if (!match) return std::nullopt;
    if (!first) first = std::move(match);
  }
  return first;
}

}  // namespace sluice::control::platform
