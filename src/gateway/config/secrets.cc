// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/secrets.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/strings.h"

namespace sluice::gateway {
namespace {

constexpr std::string_view kOpen = "{vault://";

/// The parts of {vault://<vault>/<resource>[/<key>][?options][#version]}.
struct Reference {
  std::string vault;
  std::string resource;
  std::string key;  // member of a JSON secret; empty: the whole secret
  int version = 1;
};

std::optional<Reference> parse_reference(std::string_view text) {
  if (!text.starts_with(kOpen) || !text.ends_with('}')) return std::nullopt;
  text = text.substr(kOpen.size(), text.size() - kOpen.size() - 1);
  Reference reference;
  if (std::size_t hash = text.find('#'); hash != std::string_view::npos) {
    auto version = parse_int<int>(text.substr(hash + 1));
    if (version) reference.version = *version;
    text = text.substr(0, hash);
  }
  text = text.substr(0, text.find('?'));
  std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  reference.vault = text.substr(0, slash);
  std::string_view path = text.substr(slash + 1);
  std::size_t last = path.rfind('/');
  if (path.ends_with('/')) {
    reference.resource = path.substr(0, path.size() - 1);
  } else if (last != std::string_view::npos) {
    reference.resource = path.substr(0, last);
    reference.key = path.substr(last + 1);
  } else {
    reference.resource = path;
  }
  if (reference.resource.empty()) return std::nullopt;
  return reference;
}

/// Where references are looked up.
struct Place {
  const Snapshot& snapshot;
  const Uuid& workspace;
};

/// The prefix that a vaults entity of that name puts before environment variables; nullopt: no such vault.
std::optional<std::string> env_prefix(const std::string& vault, const Place& place) {
  if (vault == "env") {
    const char* prefix = std::getenv("KONG_VAULT_ENV_PREFIX");
    return prefix != nullptr ? prefix : "";
  }
  auto rows = place.snapshot.rows.find("vaults");
  if (rows == place.snapshot.rows.end()) return std::nullopt;
  for (const auto& entry : rows->second) {
    if (entry.value.workspace != place.workspace) continue;
    auto document = parse_json(*entry.value.document);
    if (!document) continue;
    const Json* prefix = document->find("prefix");
    const Json* backend = document->find("name");
    if (prefix == nullptr || !prefix->is_string() || prefix->as_string() != vault) continue;
    if (backend == nullptr || !backend->is_string() || backend->as_string() != "env") return std::nullopt;
    const Json* config = document->find("config");
    const Json* before = config != nullptr ? config->find("prefix") : nullptr;
    return before != nullptr && before->is_string() ? before->as_string() : std::string{};
  }
  return std::nullopt;
}

std::optional<std::string> look_up(const Reference& reference, const Place& place) {
  auto prefix = env_prefix(reference.vault, place);
  if (!prefix) return std::nullopt;
  std::string name = *prefix + reference.resource;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  if (reference.version == 2) name += "_PREVIOUS";
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  if (reference.key.empty()) return std::string(value);
  auto document = parse_json(value);
  const Json* member = document ? document->find(reference.key) : nullptr;
  return member != nullptr && member->is_string() ? std::optional(member->as_string()) : std::nullopt;
}

std::string resolve_text(const std::string& text, const Place& place) {
  auto reference = parse_reference(text);
  if (!reference) return text;
  if (auto secret = look_up(*reference, place)) return *std::move(secret);
  log::warn("secret.unresolved", {{"reference", text}});
  return {};
}

Json resolve(const Json& document, const Place& place) {
  if (document.is_string()) {
    return document.as_string().starts_with(kOpen) ? Json(resolve_text(document.as_string(), place)) : document;
  }
  if (document.is_array()) {
    Json::Array items;
    items.reserve(document.as_array().size());
    for (const Json& item : document.as_array()) items.push_back(resolve(item, place));
    return items;
  }
  if (document.is_object()) {
    Json::Object members;
    members.reserve(document.as_object().size());
    for (const auto& [name, value] : document.as_object()) members.append(name, resolve(value, place));
    return members;
  }
  return document;
}

}  // namespace

bool has_secret_reference(std::string_view document) {
  return document.find(kOpen) != std::string_view::npos;
}

Json resolve_secrets(const Json& document, const Snapshot& snapshot, const Uuid& workspace) {
  return resolve(document, {snapshot, workspace});
}

}  // namespace sluice::gateway
