// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>

#include "cli/file/edit.h"

namespace sluice::cli {
namespace {

constexpr std::array<std::string_view, 22> kTaggable = {"acls",
                                                        "basicauth_credentials",
                                                        "ca_certificates",
                                                        "certificates",
                                                        "consumer_groups",
                                                        "consumers",
                                                        "filter_chains",
                                                        "hmacauth_credentials",
                                                        "jwt_secrets",
                                                        "key_sets",
                                                        "keyauth_credentials",
                                                        "keys",
                                                        "mtls_auth_credentials",
                                                        "oauth2_credentials",
                                                        "partials",
                                                        "plugins",
                                                        "routes",
                                                        "services",
                                                        "snis",
                                                        "targets",
                                                        "upstreams",
                                                        "vaults"};

/// Entities that can have tags, wherever they are nested.
void collect_taggable(Json& value, std::vector<Json*>& out) {
  for (auto& [name, member] : value.as_object()) {
    if (!member.is_array() || std::ranges::find(kTaggable, name) == kTaggable.end()) continue;
    for (Json& entity : member.as_array()) {
      if (!entity.is_object()) continue;
      out.push_back(&entity);
      collect_taggable(entity, out);
    }
  }
}

Result<std::vector<Json*>> targets_of(Json& document, const std::vector<std::string>& selectors) {
  std::vector<Json*> targets;
  if (selectors.empty()) {
    if (document.is_object()) collect_taggable(document, targets);
    return targets;
  }
  TRY(const auto matches, select_all(document, selectors));
  for (const PathMatch& match : matches) {
    if (match.value->is_object()) targets.push_back(match.value);
  }
  return targets;
}

}  // namespace

Result<> change_tags(Json& document, const TagChange& change) {
  TRY(const auto targets, targets_of(document, change.selectors));
  const auto listed = [&](const Json& tag) {
    return tag.is_string() && std::ranges::find(change.tags, tag.as_string()) != change.tags.end();
  };
  for (Json* entity : targets) {
    Json* tags = entity->find("tags");
    if (tags != nullptr && !tags->is_array()) return fail(Errc::Invalid, "tags: expected an array");
    if (change.edit == TagEdit::Add) {
      if (tags == nullptr) tags = &(entity->as_object()["tags"] = Json::array());
      for (const std::string& tag : change.tags) {
        auto& list = tags->as_array();
        if (std::ranges::find(list, Json(tag)) == list.end()) list.emplace_back(tag);
      }
      continue;
    }
    if (tags == nullptr) continue;
    const bool all = change.tags.empty();
    std::erase_if(tags->as_array(), [&](const Json& tag) { return all || listed(tag) != change.all_but; });
    if (tags->as_array().empty() && !change.keep_empty) entity->as_object().erase("tags");
  }
  return {};
}

Result<std::vector<std::string>> list_tags(Json& document, const std::vector<std::string>& selectors) {
  TRY(const auto targets, targets_of(document, selectors));
  std::set<std::string> found;
  for (const Json* entity : targets) {
    const Json* tags = entity->find("tags");
    if (tags == nullptr || !tags->is_array()) continue;
    for (const Json& tag : tags->as_array()) {
      if (tag.is_string()) found.insert(tag.as_string());
    }
  }
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace sluice::cli
