// SPDX-License-Identifier: Apache-2.0
#include "control/planes/identities.h"

#include "base/strings.h"
#include "store/index.h"
#include "store/member.h"

namespace sluice::control::planes {
namespace {

constexpr char kSeparator = '\x1f';

std::string key_of(std::string_view type, std::string_view column, const Uuid& scope, std::string_view text) {
  std::string key(type);
  key += kSeparator;
  key += column;
  key += kSeparator;
  if (!scope.is_nil()) key += scope.to_string();
  key += kSeparator;
  key += text;
  return key;
}

}  // namespace

std::vector<Identity> identities_of(const entity::Catalog& catalog, std::string_view type, const Uuid& id,
                                    const Uuid& workspace, const std::string& document) {
  const std::string own = id.to_string();
  std::vector<Identity> found = {{key_of(type, "id", {}, own), "id", "id=" + own}};
  const schema::EntityBase* described = catalog.find(type);
  if (described == nullptr) return found;
  const Uuid scope = described->workspaceable() ? workspace : Uuid{};
  for (const auto* field : described->unique_fields()) {
    if (field->name == "id") continue;
    for (const std::string& text : store::member_texts(document, field->name)) {
      const Uuid within = field->unique_across_ws ? Uuid{} : scope;
      const bool hidden = schema::confidential(*field);
      found.push_back({key_of(type, field->name, within, text), field->name, field->name + (hidden ? "" : "=" + text)});
    }
  }
  if (described->cache_key().size() < 2) return found;
  const std::string columns = join(described->cache_key(), "+");
  for (const std::string& text : store::Index::keys(described->cache_key(), document)) {
    const auto name = store::member_texts(document, "name");
    found.push_back({key_of(type, columns, scope, text), name.empty() ? "" : "name",
                     name.empty() ? "the same " + columns : "name=" + name.front()});
  }
  return found;
}

}  // namespace sluice::control::planes
