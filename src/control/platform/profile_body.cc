// SPDX-License-Identifier: Apache-2.0
#include "control/platform/profile_body.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "control/platform/body_reader.h"

namespace sluice::control::platform {
namespace {

using planes::PlaneProfile;
using planes::ProxyUrl;

constexpr std::size_t kMaxLabels = 50;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxProxyUrls = 5;
constexpr std::array<std::string_view, 3> kClusterTypes = {planes::kPlainType, planes::kIngressType,
                                                           planes::kGroupType};
constexpr std::array<std::string_view, 2> kAuthTypes = {"pinned_client_certs", "pki_client_certs"};
constexpr std::array<std::string_view, 7> kReservedPrefixes = {"kong", "konnect", "insomnia", "mesh",
                                                               "kic",  "kuma",    "_"};

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

/// The members of a control plane's body.
class ProfileReader : public BodyReader {
 public:
  using BodyReader::BodyReader;
  std::optional<std::vector<ProxyUrl>> proxy_urls();
  /// Nothing for a label that goes.
  using Labels = std::map<std::string, std::optional<std::string>>;
  std::optional<Labels> labels(bool may_go);

 private:
  std::optional<ProxyUrl> proxy_url(const std::string& field, const Json& value);
};

std::optional<ProxyUrl> ProfileReader::proxy_url(const std::string& field, const Json& value) {
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

std::optional<std::vector<ProxyUrl>> ProfileReader::proxy_urls() {
  know("proxy_urls");
  const Json* value = body().find("proxy_urls");
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

std::optional<ProfileReader::Labels> ProfileReader::labels(bool may_go) {
  know("labels");
  const Json* value = body().find("labels");
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

}  // namespace

std::expected<PlaneProfile, std::vector<InvalidParameter>> read_new_profile(const Json& body) {
  if (!body.is_object()) return std::unexpected(no_object());
  ProfileReader reader(body);
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
  ProfileReader reader(body);
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
