// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"

namespace sluice {

JsonObject::JsonObject() = default;
JsonObject::JsonObject(std::initializer_list<Member> members) {
  members_.reserve(members.size());
  for (const Member& member : members) set(member.first, member.second);
}
JsonObject::JsonObject(std::vector<Member>&& members) : members_(std::move(members)) {}
JsonObject::JsonObject(const JsonObject&) = default;
JsonObject::JsonObject(JsonObject&&) noexcept = default;
JsonObject& JsonObject::operator=(const JsonObject&) = default;
JsonObject& JsonObject::operator=(JsonObject&&) noexcept = default;
JsonObject::~JsonObject() = default;

const Json* JsonObject::find(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

Json* JsonObject::find(std::string_view name) {
  return const_cast<Json*>(std::as_const(*this).find(name));  // NOLINT: the object itself is not const here
}

Json& JsonObject::operator[](std::string_view name) {
  if (Json* found = find(name)) return *found;
  return members_.emplace_back(std::string(name), Json()).second;
}

void JsonObject::set(std::string_view name, Json value) {
  (*this)[name] = std::move(value);
}

void JsonObject::append(std::string name, Json value) {
  members_.emplace_back(std::move(name), std::move(value));
}

bool JsonObject::erase(std::string_view name) {
  const auto found = std::ranges::find(members_, name, &Member::first);
  if (found == members_.end()) return false;
  members_.erase(found);
  return true;
}

void JsonObject::reserve(std::size_t n) {
  members_.reserve(n);
}

double Json::number() const {
  return is_int() ? static_cast<double>(as_int()) : std::get<double>(value_);
}

const Json* Json::find(std::string_view name) const {
  return is_object() ? as_object().find(name) : nullptr;
}

Json* Json::find(std::string_view name) {
  return is_object() ? as_object().find(name) : nullptr;
}

std::string_view Json::type_name() const {
  static constexpr std::string_view kNames[] = {"null", "boolean", "number", "number", "string", "array", "object"};
  return kNames[value_.index()];
}

namespace {

// Above this many members a look-up table pays for itself.
constexpr std::size_t kFewMembers = 16;

bool equal_objects(const JsonObject& a, const JsonObject& b) {
  if (a.size() != b.size()) return false;
  if (a.size() <= kFewMembers) {
    return std::ranges::all_of(a, [&](const JsonObject::Member& member) {
      const Json* other = b.find(member.first);
      return other != nullptr && *other == member.second;
    });
  }
  std::unordered_map<std::string_view, const Json*, StringHash, std::equal_to<>> index;
  index.reserve(b.size());
  for (const auto& [name, value] : b) index.emplace(name, &value);
  return std::ranges::all_of(a, [&](const JsonObject::Member& member) {
    const auto other = index.find(member.first);
    return other != index.end() && *other->second == member.second;
  });
}

}  // namespace

bool operator==(const Json& a, const Json& b) {
  if (a.is_int() && b.is_int()) return a.as_int() == b.as_int();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.value_.index() != b.value_.index()) return false;
  if (a.is_object()) return equal_objects(a.as_object(), b.as_object());
  if (a.is_array()) return std::ranges::equal(a.as_array(), b.as_array());
  if (a.is_string()) return a.as_string() == b.as_string();
  return !a.is_bool() || a.as_bool() == b.as_bool();
}

}  // namespace sluice
