// SPDX-License-Identifier: Apache-2.0
#include "store/lookup.h"

#include <utility>

#include "base/json.h"
#include "crypto/hash.h"
#include "store/index.h"
#include "store/member.h"

namespace sluice::store {
namespace {

/// PostgreSQL's B-trees refuse entries over 2.7 kB.
constexpr std::size_t kLongestPlain = 256;

std::string stored_value(bool secret, std::string_view text, const Sealer& sealer) {
  if (secret) return '*' + sealer.digest(text);
  if (text.size() > kLongestPlain) return '#' + crypto::sha256(text);
  return '=' + std::string(text);
}

/// Numbers may be unique too: they are told apart as they are written.
std::vector<std::string> unique_texts(std::string_view document, const std::string& field) {
  auto texts = member_texts(document, field);
  const std::string_view raw = raw_member(document, field);
  if (texts.empty() && !raw.empty() && raw != "null") texts.emplace_back(raw);
  return texts;
}

}  // namespace

std::vector<Lookup> lookups(const schema::EntityBase& type, std::string_view document, const Uuid& workspace,
                            const Sealer& sealer) {
  std::vector<Lookup> found;
  const Uuid within = type.workspaceable() ? workspace : Uuid{};
  for (const auto* field : type.unique_fields()) {
    for (const auto& text : unique_texts(document, field->name)) {
      found.push_back({Lookup::Kind::Unique, field->name, stored_value(confidential(*field), text, sealer),
                       field->unique_across_ws ? Uuid{} : within});
    }
  }
  if (!type.cache_key().empty()) {
    std::string name;
    bool secret = false;
    for (const auto& member : type.cache_key()) {
      name += (name.empty() ? "" : "+") + member;
      const auto* field = type.find_field(member);
      secret = secret || (field != nullptr && confidential(*field));
    }
    for (const auto& text : Index::keys(type.cache_key(), document)) {
      found.push_back({Lookup::Kind::Unique, name, stored_value(secret, text, sealer), within});
    }
  }
  for (const auto* field : type.foreign_fields()) {
    for (const auto& text : member_texts(document, field->name)) {
      found.push_back({Lookup::Kind::Reference, field->name, '=' + text, within});
    }
  }
  for (const auto& text : member_texts(document, "tags")) {
    found.push_back({Lookup::Kind::Tag, "tags", stored_value(false, text, sealer), within});
  }
  return found;
}

}  // namespace sluice::store
