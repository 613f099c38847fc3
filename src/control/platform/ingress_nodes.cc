// SPDX-License-Identifier: Apache-2.0
#include "control/platform/ingress_nodes.h"

#include <utility>

#include "base/log.h"

namespace sluice::control::platform {
namespace {

constexpr std::string_view kPrefix = "ingress_node/";

std::string name_of(const Uuid& id) {
  return std::string(kPrefix) + id.to_string();
}

Result<> take(const Json& object, std::string_view name, std::string& into) {
  constexpr std::size_t kMost = 1024;
  const Json* value = object.find(name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string() || value->as_string().size() > kMost) {
    return fail(Errc::Invalid, std::string(name) + ": expected a short string", Blame::Client);
  }
  into = value->as_string();
  return {};
}

Result<> take(const Json& object, std::string_view name, std::int64_t& into) {
  const Json* value = object.find(name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_int()) return fail(Errc::Invalid, std::string(name) + ": expected an integer", Blame::Client);
  into = value->as_int();
  return {};
}

Result<IngressNode> parse(std::string_view text) {
  TRY(const Json json, parse_json(text));
  IngressNode node;
  TRY(node.read(json));
  return node;
}

}  // namespace

Json IngressNode::to_json() const {
  Json::Object object{
      {"id", id.to_string()},   {"hostname", hostname},       {"version", version},       {"type", type},
      {"last_ping", last_ping}, {"config_hash", config_hash}, {"created_at", created_at}, {"updated_at", updated_at}};
  if (!status.empty()) object.append("status", status);
  if (!compatibility_status.is_null()) object.append("compatibility_status", compatibility_status);
  return object;
}

Result<> IngressNode::read(const Json& object) {
  if (!object.is_object()) return fail(Errc::Invalid, "expected an object", Blame::Client);
  std::string own;
  TRY(take(object, "id", own));
  if (!own.empty()) {
    TRY(id, Uuid::parse(own));
  }
  TRY(take(object, "hostname", hostname));
  TRY(take(object, "version", version));
  TRY(take(object, "type", type));
  TRY(take(object, "last_ping", last_ping));
  TRY(take(object, "config_hash", config_hash));
  TRY(take(object, "status", status));
  TRY(take(object, "created_at", created_at));
  TRY(take(object, "updated_at", updated_at));
  constexpr std::size_t kMostOctets = 16 * 1024;
  const Json* compatibility = object.find("compatibility_status");
  if (compatibility == nullptr) return {};
  if (!compatibility->is_object() || sluice::to_json(*compatibility).size() > kMostOctets) {
    return fail(Errc::Invalid, "compatibility_status: expected a small object", Blame::Client);
  }
  compatibility_status = *compatibility;
  return {};
}

Task<Result<std::vector<IngressNode>>> IngressNodes::list() const {
  CO_TRY(const auto texts, co_await store_.metas(std::string(kPrefix)));
  std::vector<IngressNode> nodes;
  for (const auto& [name, text] : texts) {
    auto node = parse(text);
    if (node) {
      nodes.push_back(*std::move(node));
    } else {
      log::warn("platform.damaged_ingress_node", {{"name", name}, {"error", node.error()}});
    }
  }
  co_return nodes;
}

Task<Result<std::optional<IngressNode>>> IngressNodes::find(Uuid id) const {
  CO_TRY(const auto text, co_await store_.meta(name_of(id)));
  if (!text) co_return std::optional<IngressNode>();
  CO_TRY(IngressNode node, parse(*text));
  co_return std::optional(std::move(node));
}

Task<Result<>> IngressNodes::put(IngressNode node) const {
  co_return co_await store_.set_meta(name_of(node.id), sluice::to_json(node.to_json()));
}

Task<Result<>> IngressNodes::erase(Uuid id) const {
  co_return co_await store_.erase_meta(name_of(id));
}

}  // namespace sluice::control::platform
