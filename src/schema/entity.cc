// SPDX-License-Identifier: Apache-2.0
#include "schema/entity.h"

namespace sluice::schema {

Uuid read_uuid(const Json& value) {
  if (!value.is_string()) return {};
  return Uuid::parse(value.as_string()).value_or(Uuid{});
}

Json write_uuid(const Uuid& uuid) {
  if (uuid.is_nil()) return nullptr;
  return uuid.to_string();
}

EntityBase& EntityBase::plural(std::string url, std::string nested_url) {
  url_ = std::move(url);
  nested_url_ = std::move(nested_url);
  return *this;
}

EntityBase& EntityBase::endpoint_key(std::string field) {
  endpoint_key_ = std::move(field);
  return *this;
}

EntityBase& EntityBase::cache_key(std::vector<std::string> fields) {
  cache_key_ = std::move(fields);
  return *this;
}

EntityBase& EntityBase::ttl() {
  constexpr double kMaxTtl = 1e8;  // seconds, some three years: Kong's bound
  has_ttl_ = true;
  Field field;
  field.name = "ttl";
  field.doc = "Seconds after which it expires.";
  field.type = Type::Integer;
  field.add_rule(between(0, kMaxTtl));
  add_field(std::move(field));
  return *this;
}

EntityBase& EntityBase::shared_by_workspaces() {
  workspaceable_ = false;
  return *this;
}

std::string EntityBase::singular() const {
  return name_.ends_with('s') ? name_.substr(0, name_.size() - 1) : name_;
}

void EntityBase::seal() {
  for (const auto& field : fields()) {
    if (field.type == Type::Foreign) foreign_.push_back(&field);
    if (field.unique) unique_.push_back(&field);
  }
}

}  // namespace sluice::schema
