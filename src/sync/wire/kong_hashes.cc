// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <vector>

#include "crypto/hash.h"
#include "sync/wire/reconfigure.h"

// The text form and its hash are facts of Kong's protocol 1: reference/gateway.md, 8.2.
namespace sluice::sync::wire {
namespace {

constexpr std::size_t kMostText = 1'000'000;  // beyond it, the text so far is replaced by its MD5
constexpr std::size_t kPlainList = 5;         // longer lists have a separator behind the last element too

/// Writes a value in the form that is hashed.
class HashText {
 public:
  void write(const Json& value) {
    if (text_.size() > kMostText) text_ = crypto::md5(text_);
    if (value.is_null()) {
      text_ += "/null/";
    } else if (value.is_bool()) {
      text_ += value.as_bool() ? "true" : "false";
    } else if (value.is_number()) {
      write_number(value.number());
    } else if (value.is_string()) {
      text_ += value.as_string();
    } else if (value.is_array()) {
      write_list(value.as_array());
    } else {
      std::vector<const Json::Object::Member*> members;
      for (const auto& member : value.as_object()) members.push_back(&member);
      write_members(std::move(members));
    }
  }

  void write_members(std::vector<const Json::Object::Member*> members) {
    if (members.empty()) text_ += "{}";
    std::ranges::sort(members, {}, [](const auto* member) -> std::string_view { return member->first; });
    for (const auto* member : members) {
      text_ += member->first;
      text_ += ':';
      write(member->second);
      text_ += ';';
    }
  }

  [[nodiscard]] std::string hash() const { return crypto::md5_hex(text_); }

 private:
  /// As Lua prints numbers.
  void write_number(double number) {
    char buffer[32];
    const int size = std::snprintf(buffer, sizeof buffer, "%.14g", number);
    text_.append(buffer, static_cast<std::size_t>(size));
  }

  void write_list(const Json::Array& list) {
    if (list.empty()) text_ += "{}";  // Lua has one kind of empty table
    for (std::size_t i = 0; i < list.size(); ++i) {
      write(list[i]);
      if (i + 1 < list.size() || list.size() > kPlainList) text_ += ';';
    }
  }

  std::string text_;
};

std::string hash_of(const Json* part) {
  if (part == nullptr) return std::string(32, '0');
  HashText text;
  text.write(*part);
  return text.hash();
}

}  // namespace

PartHashes kong_hashes(const Json& config_table) {
  PartHashes hashes;
  hashes.routes = hash_of(config_table.find("routes"));
  hashes.services = hash_of(config_table.find("services"));
  hashes.plugins = hash_of(config_table.find("plugins"));
  hashes.upstreams = hash_of(config_table.find("upstreams"));
  hashes.targets = hash_of(config_table.find("targets"));
  std::vector<const Json::Object::Member*> rest;
  if (config_table.is_object()) {
    for (const auto& member : config_table.as_object()) {
      static constexpr std::string_view kParts[] = {"routes", "services", "plugins", "upstreams", "targets"};
      if (std::ranges::find(kParts, member.first) == std::ranges::end(kParts)) rest.push_back(&member);
    }
  }
  HashText text;
  text.write_members(std::move(rest));
  hashes.config = crypto::md5_hex(hashes.routes + hashes.services + hashes.plugins + hashes.upstreams + hashes.targets +
                                  text.hash());
  return hashes;
}

}  // namespace sluice::sync::wire
