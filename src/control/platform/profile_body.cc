// SPDX-License-Identifier: Apache-2.0
#include "control/platform/profile_body.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"

namespace sluice::control::platform {
namespace {

using planes::PlaneProfile;
using planes::ProxyUrl;

constexpr std::size_t kMaxLabels = 50;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxProxyUrls = 5;
constexpr std::array<std::string_view, 3> kClusterTypes = {planes::kPlainType, "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER",
                                                           planes::kGroupType};
constexpr std::array<std::string_view, 2> kAuthTypes = {"pinned_client_certs", "pki_client_certs"};
constexpr std::array<std::string_view, 7> kReservedPrefixes = {"kong", "konnect", "insomnia", "mesh",
                                                               "kic",  "kuma",    "_"};

std::string quantity(std::size_t n) {
  return std::to_string(n) + (n == 1 ? " character" : " characters");
}

/// How many characters a valid UTF-8 text has.
std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_label_text(std::string_view text) {
  const auto plain = [](char c) { return is_ascii_alpha(c) || is_ascii_digit(c); };
  const auto inner = [&](char c) { return plain(c) || c == '-' || c == '.' || c == '_'; };
  return !text.empty() && text.size() <= kMaxLabel && plain(text.front()) && plain(text.back()) &&
         std::ranges::all_of(text, inner);
}

bool is_label_key(std::string_view key) {
  const auto begins = [&](std::string_view prefix) { return istarts_with(key, prefix); };
  return is_label_text(key) && std::ranges::none_of(kReservedPrefixes, begins);
}

/// Looks at the members of one body and collects what is wrong with them.
class BodyReader {
 public:
  explicit BodyReader(const Json& body) : body_(body) {}

  void know(std::string_view name) { known_.emplace_back(name); }
  void require(std::string_view name) {
    if (body_.find(name) == nullptr) add({std::string(name), "required", "is a required field"});
  }
  std::optional<std::string> text(std::string_view name, std::size_t least, std::size_t most) {
    know(name);
    const Json* value = body_.find(name);
    if (value == nullptr) return std::nullopt;
    return text_of(std::string(name), *value, least, most);
  }
  std::optional<std::string> choice(std::string_view name, std::span<const std::string_view> choices) {
    know(name);
    const Json* value = body_.find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_string() && std::ranges::find(choices, value->as_string()) != choices.end()) {
      return value->as_string();
    }
    Json::Array all(choices.begin(), choices.end());
    add({std::string(name), "enum", "must be one of " + join(choices, ", "), "body", std::move(all)});
    return std::nullopt;
  }
  std::optional<bool> boolean(std::string_view name) {
    know(name);
    const Json* value = body_.find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_bool()) return value->as_bool();
    add({std::string(name), "is_boolean", "must be a boolean"});
    return std::nullopt;
  }
  std::optional<std::vector<ProxyUrl>> proxy_urls();
  /// Nothing for a label that goes.
  using Labels = std::map<std::string, std::optional<std::string>>;
  std::optional<Labels> labels(bool may_go);

  /// What nobody asked for is wrong too.
  std::vector<InvalidParameter> finish() {
    for (const auto& [name, value] : body_.as_object()) {
      if (std::ranges::find(known_, name) != known_.end()) continue;
      add({name, "unknown_property", "property " + name + " should not exist"});
    }
    return std::move(wrong_);
  }

 private:
  void add(InvalidParameter parameter) { wrong_.push_back(std::move(parameter)); }
  std::optional<std::string> text_of(std::string field, const Json& value, std::size_t least, std::size_t most);
  std::optional<ProxyUrl> proxy_url(const std::string& field, const Json& value);

  const Json& body_;
  std::vector<std::string> known_;
  std::vector<InvalidParameter> wrong_;
};

std::optional<std::string> BodyReader::text_of(std::string field, const Json& value, std::size_t least,
                                               std::size_t most) {
  if (!value.is_string()) {
    add({std::move(field), "is_string", "must be a string"});
    return std::nullopt;
  }
  const std::size_t length = length_of(value.as_string());
  InvalidParameter wrong{std::move(field), "", ""};
  if (length < least) {
    wrong.rule = "min_length";
    wrong.reason = "must have at least " + quantity(least);
    wrong.bound = static_cast<std::int64_t>(least);
  } else if (length > most) {
    wrong.rule = "max_length";
    wrong.reason = "must not have more than " + quantity(most);
    wrong.bound = static_cast<std::int64_t>(most);
  } else {
    return value.as_string();
  }
  add(std::move(wrong));
  return std::nullopt;
}

std::optional<ProxyUrl> BodyReader::proxy_url(const std::string& field, const Json& value) {
  if (!value.is_object()) {
    add({field, "is_object", "must be an object"});
    return std::nullopt;
  }
  constexpr std::size_t kMaxHost = 120;
  constexpr std::size_t kMaxProtocol = 32;
  ProxyUrl url;
  bool complete = true;
  for (const std::string_view name : {"host", "port", "protocol"}) {
    const std::string place = field + "." + std::string(name);
    const Json* member = value.find(name);
    if (member == nullptr) {
      add({place, "required", "is a required field"});
      complete = false;
    } else if (name == "port") {
      if (!member->is_int()) add({place, "is_integer", "must be an integer"});
      const bool in_range = member->is_int() && member->as_int() >= 1 && member->as_int() <= 65535;
      if (member->is_int() && !in_range) add({place, "invalid", "must be between 1 and 65535"});
      complete = complete && in_range;
      if (in_range) url.port = member->as_int();
    } else {
      const auto text = text_of(place, *member, 1, name == "host" ? kMaxHost : kMaxProtocol);
      complete = complete && text.has_value();
      (name == "host" ? url.host : url.protocol) = text.value_or("");
    }
  }
  for (const auto& [name, member] : value.as_object()) {
    if (name == "host" || name == "port" || name == "protocol") continue;
    add({field + "." + name, "unknown_property", "property " + name + " should not exist"});
    complete = false;
  }
  return complete ? std::optional(std::move(url)) : std::nullopt;
}

std::optional<std::vector<ProxyUrl>> BodyReader::proxy_urls() {
  know("proxy_urls");
  const Json* value = body_.find("proxy_urls");
  if (value == nullptr) return std::nullopt;
  if (!value->is_array()) {
    add({"proxy_urls", "is_array", "must be an array"});
    return std::nullopt;
  }
  if (value->as_array().size() > kMaxProxyUrls) {
    add({"proxy_urls", "max_items", "must not have more than 5 items", "body", {}, kMaxProxyUrls});
    return std::nullopt;
  }
  std::vector<ProxyUrl> urls;
  for (std::size_t i = 0; i < value->as_array().size(); ++i) {
    auto url = proxy_url("proxy_urls[" + std::to_string(i) + "]", value->as_array()[i]);
    if (url && std::ranges::find(urls, *url) == urls.end()) urls.push_back(*std::move(url));
  }
  return urls;
}

std::optional<BodyReader::Labels> BodyReader::labels(bool may_go) {
  know("labels");
  const Json* value = body_.find("labels");
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_object()) {
    add({"labels", "is_object", "must be an object"});
    return std::nullopt;
  }
  if (value->as_object().size() > kMaxLabels) {
    add({"labels", "max_items", "must not have more than 50 items", "body", {}, kMaxLabels});
    return std::nullopt;
  }
  Labels labels;
  for (const auto& [key, text] : value->as_object()) {
    const std::string field = "labels." + key;
    if (may_go && text.is_null()) {
      labels[key] = std::nullopt;
    } else if (!is_label_key(key)) {
      add({field, "is_label",
           "a label's key has 1 to 63 letters, digits and -_. between the first and the last, and does not begin with "
           "kong, konnect, insomnia, mesh, kic, kuma or _"});
    } else if (!text.is_string() || !is_label_text(text.as_string())) {
      add({field, "is_label", "a label has 1 to 63 letters, digits and -_. between the first and the last"});
    } else {
      labels[key] = text.as_string();
    }
  }
  return labels;
}

constexpr std::size_t kMinName = 2;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxDescription = 2048;

std::vector<InvalidParameter> no_object() {
  return {{.field = "body", .rule = "is_object", .reason = "request format is invalid"}};
}

}  // namespace

std::expected<PlaneProfile, std::vector<InvalidParameter>> read_new_profile(const Json& body) {
  if (!body.is_object()) return std::unexpected(no_object());
  BodyReader reader(body);
  PlaneProfile profile;
  reader.require("name");
  if (auto name = reader.text("name", kMinName, kMaxName)) profile.name = *std::move(name);
  if (auto text = reader.text("description", 0, kMaxDescription)) profile.description = *std::move(text);
  if (auto type = reader.choice("cluster_type", kClusterTypes)) profile.cluster_type = *std::move(type);
  if (auto type = reader.choice("auth_type", kAuthTypes)) profile.auth_type = *std::move(type);
  if (auto cloud = reader.boolean("cloud_gateway")) profile.cloud_gateway = *cloud;
  if (auto urls = reader.proxy_urls()) profile.proxy_urls = *std::move(urls);
  if (auto labels = reader.labels(false)) {
    for (auto& [key, text] : *labels) profile.labels[key] = text.value_or("");
  }
  auto wrong = reader.finish();
  if (!wrong.empty()) return std::unexpected(std::move(wrong));
  return profile;
}

std::expected<ProfileEdit, std::vector<InvalidParameter>> read_profile_edit(const Json& body) {
  if (!body.is_object()) return std::unexpected(no_object());
  BodyReader reader(body);
  const auto name = reader.text("name", kMinName, kMaxName);
  const auto description = reader.text("description", 0, kMaxDescription);
  const auto auth_type = reader.choice("auth_type", kAuthTypes);
  const auto urls = reader.proxy_urls();
  const auto labels = reader.labels(true);
  auto wrong = reader.finish();
  if (!wrong.empty()) return std::unexpected(std::move(wrong));
  return [=](PlaneProfile& profile) {
    if (name) profile.name = *name;
    if (description) profile.description = *description;
    if (auth_type) profile.auth_type = *auth_type;
    if (urls) profile.proxy_urls = *urls;
    if (!labels) return;
    for (const auto& [key, text] : *labels) {
      if (text) {
        profile.labels[key] = *text;
      } else {
        profile.labels.erase(key);
      }
    }
  };
}

}  // namespace sluice::control::platform
