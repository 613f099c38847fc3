// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_refusal.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::control::cluster {
namespace {

constexpr std::size_t kMostEntities = 50;
constexpr std::size_t kMostErrors = 10;         // of one entity
constexpr std::size_t kMostOctets = 12 * 1024;  // of all entities, as JSON
constexpr std::size_t kMostOfMessage = 2'048;
constexpr std::size_t kMostOfText = 256;

/// The beginning of a text; never a part of a character.
std::string beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

void copy_text(const Json& from, std::string_view name, Json::Object& into, std::size_t most = kMostOfText) {
  const Json* value = from.find(name);
  if (value != nullptr && value->is_string()) into.append(std::string(name), beginning(value->as_string(), most));
}

Json bounded_entity(const Json& entity) {
  Json::Object kept;
  for (const std::string_view name : {"entity_type", "entity_id", "entity_name"}) copy_text(entity, name, kept);
  Json::Array errors;
  const Json* list = entity.find("errors");
  for (const Json& error : list != nullptr && list->is_array() ? list->as_array() : Json::Array{}) {
    if (errors.size() == kMostErrors) break;
    Json::Object one;
    for (const std::string_view name : {"type", "field", "message"}) copy_text(error, name, one);
    if (!one.empty()) errors.emplace_back(std::move(one));
  }
  kept.append("errors", std::move(errors));
  return kept;
}

Json bounded_entities(const Json* entities) {
  Json::Array kept;
  if (entities == nullptr || !entities->is_array()) return kept;
  std::size_t octets = 0;
  for (const Json& each : entities->as_array()) {
    if (kept.size() == kMostEntities) break;
    Json entity = bounded_entity(each);
    octets += to_json(entity).size();
    if (octets > kMostOctets) break;
    kept.push_back(std::move(entity));
  }
  return kept;
}

}  // namespace

Json bounded_config_error(const Json& error) {
  if (!error.is_object()) return nullptr;
  Json::Object kept;
  for (const std::string_view name : {"version", "hash", "name"}) copy_text(error, name, kept);
  copy_text(error, "message", kept, kMostOfMessage);
  kept.append("errors", bounded_entities(error.find("errors")));
  const Json* at = error.find("at");
  kept.append("at", at != nullptr && at->is_int() ? *at : Json());
  return kept;
}

}  // namespace sluice::control::cluster
