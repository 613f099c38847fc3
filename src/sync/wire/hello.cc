// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/hello.h"

#include <algorithm>
#include <limits>

#include "base/strings.h"

namespace sluice::sync::wire {
namespace {

// What a peer says of itself is kept for as long as its node is known, so it is bounded.
constexpr std::size_t kMaxNames = 1000;    // capabilities, plugins
constexpr std::size_t kMaxNameSize = 128;  // octets of one, and of versions
constexpr std::size_t kMaxLabels = 64;
constexpr std::size_t kMaxLabelPart = 63;

std::unexpected<Error> invalid(std::string_view what) {
  return fail(Errc::Invalid, "greeting: " + std::string(what), Blame::Client);
}

/// The text of a member; nothing when it is not there or no text.
std::optional<std::string> text(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return member->as_string();
}

Result<std::string> short_text(const Json& object, std::string_view name) {
  auto found = text(object, name);
  if (!found) return invalid("no " + std::string(name));
  if (found->size() > 2 * kMaxNameSize) return invalid(std::string(name) + " is too long");
  return *std::move(found);
}

Result<std::vector<std::string>> names(const Json& object, std::string_view member) {
  const Json* list = object.find(member);
  if (list == nullptr || list->is_null()) return std::vector<std::string>();
  const auto wrong = [&] { return invalid(std::string(member) + " is no list of names"); };
  std::vector<std::string> result;
  if (list->is_object() && list->as_object().empty()) return result;  // how Lua writes an empty list
  if (!list->is_array() || list->as_array().size() > kMaxNames) return wrong();
  for (const Json& each : list->as_array()) {
    if (!each.is_string() || each.as_string().size() > kMaxNameSize) return wrong();
    result.push_back(each.as_string());
  }
  return result;
}

Json to_list(const std::vector<std::string>& texts) {
  return Json::Array(texts.begin(), texts.end());
}

Json to_object(const std::map<std::string, std::string>& texts) {
  Json::Object object;
  for (const auto& [name, value] : texts) object.append(name, value);
  return object;
}

bool is_label_part(std::string_view part) {
  const auto alphanumeric = [](char c) { return is_ascii_alpha(c) || is_ascii_digit(c); };
  const auto inside = [&](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  return !part.empty() && part.size() <= kMaxLabelPart && alphanumeric(part.front()) && alphanumeric(part.back()) &&
         std::ranges::all_of(part, inside);
}

Result<std::pair<std::string, std::string>> parse_label(std::string_view label) {
  const std::size_t colon = label.find(':');
  if (colon == label.npos || !is_label_part(label.substr(0, colon)) || !is_label_part(label.substr(colon + 1))) {
    return fail(Errc::Invalid, "label '" + std::string(label.substr(0, 2 * kMaxNameSize)) +
                                   "': expected key:value, each of at most 63 letters, digits, '-', '_' and '.', "
                                   "with a letter or digit at either end");
  }
  return std::pair(std::string(label.substr(0, colon)), std::string(label.substr(colon + 1)));
}

void keep_label(std::map<std::string, std::string>& labels, std::string_view label) {
  if (labels.size() >= kMaxLabels) return;
  if (auto parsed = parse_label(label)) labels.insert(*std::move(parsed));
}

/// Labels are for people: odd ones are no reason to turn a node away.
std::map<std::string, std::string> labels_of(const Json& kong_conf) {
  std::map<std::string, std::string> labels;
  const Json* list = kong_conf.find("cluster_dp_labels");
  if (list == nullptr || !list->is_array()) return labels;
  for (const Json& each : list->as_array()) {
    if (each.is_string()) keep_label(labels, each.as_string());
  }
  return labels;
}

Json conf_of(const Peer& peer) {
  Json::Array labels;
  for (const auto& [key, value] : peer.labels) labels.emplace_back(key + ':' + value);
  Json::Object conf;
  if (!labels.empty()) conf.append("cluster_dp_labels", std::move(labels));
  return conf;
}

Json own_members(const Hello& hello) {
  Json::Object own{{"version", hello.peer.sluice_version},
                   {"config_version", hello.config_version},
                   {"config_hash", hello.config_hash}};
  if (hello.peer.plugins) own.append("plugins", to_object(*hello.peer.plugins));
  return own;
}

Result<std::map<std::string, std::string>> plugins_of(const Json& object) {
  if (!object.is_object() || object.as_object().size() > kMaxNames) return invalid("plugins are no object");
  std::map<std::string, std::string> plugins;
  for (const auto& [name, version] : object.as_object()) {
    if (!version.is_string() || name.size() > kMaxNameSize || version.as_string().size() > kMaxNameSize) {
      return invalid("a plugin without a version");
    }
    plugins.emplace(name, version.as_string());
  }
  return plugins;
}

Result<> read_own(const Json& own, Hello& hello) {
  TRY(hello.peer.sluice_version, short_text(own, "version"));
  TRY(hello.config_version, short_text(own, "config_version"));
  TRY(hello.config_hash, short_text(own, "config_hash"));
  const Json* plugins = own.find("plugins");
  if (plugins == nullptr || plugins->is_null()) return {};
  TRY(hello.peer.plugins, plugins_of(*plugins));
  return {};
}

std::optional<std::uint32_t> millis(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  if (value == nullptr || !value->is_int()) return std::nullopt;
  if (value->as_int() < 0 || value->as_int() > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(value->as_int());
}

Result<std::map<std::string, std::string>> listed_plugins(const Json& list) {
  std::map<std::string, std::string> plugins;
  if (list.is_object() && list.as_object().empty()) return plugins;  // how Lua writes an empty list
  if (!list.is_array() || list.as_array().size() > kMaxNames) return invalid("plugins are no list");
  for (const Json& each : list.as_array()) {
    TRY(auto name, short_text(each, "name"));
    auto version = text(each, "version").value_or(std::string());
    if (version.size() > kMaxNameSize) return invalid("the version of a plugin is too long");
    plugins.emplace(std::move(name), std::move(version));
  }
  return plugins;
}

}  // namespace

std::string to_text(const Hello& hello) {
  Json::Object params{
      {"rpc_capabilities", to_list(hello.capabilities)}, {"rpc_frame_encodings", to_list(hello.encodings)},
      {"kong_version", hello.peer.kong_version},         {"kong_hostname", hello.peer.hostname},
      {"kong_node_id", hello.peer.node_id.to_string()},  {"kong_conf", conf_of(hello.peer)}};
  if (hello.peer.is_sluice()) params.append("sluice", own_members(hello));
  return to_json(Json::Array{std::move(params)});
}

Result<Hello> parse_hello(const Json& params) {
  if (!params.is_array() || params.as_array().size() != 1 || !params.as_array().front().is_object()) {
    return invalid("params are no list of one object");
  }
  const Json& members = params.as_array().front();
  Hello hello;
  TRY(hello.capabilities, names(members, "rpc_capabilities"));
  TRY(hello.encodings, names(members, "rpc_frame_encodings"));
  TRY(hello.peer.kong_version, short_text(members, "kong_version"));
  TRY(hello.peer.hostname, short_text(members, "kong_hostname"));
  TRY(const std::string id, short_text(members, "kong_node_id"));
  auto node = Uuid::parse(id);
  if (!node) return invalid("kong_node_id is no UUID");
  hello.peer.node_id = *node;
  if (const Json* conf = members.find("kong_conf")) hello.peer.labels = labels_of(*conf);
  if (const Json* own = members.find("sluice")) TRY(read_own(*own, hello));
  return hello;
}

std::string to_text(const HelloReply& reply) {
  Json::Object result{{"rpc_capabilities", to_list(reply.capabilities)}, {"rpc_frame_encoding", reply.encoding}};
  if (!reply.control_plane.empty()) {
    result.append(
        "sluice",
        Json::Object{{"control_plane", reply.control_plane}, {"ping_ms", reply.ping_ms}, {"dead_ms", reply.dead_ms}});
  }
  return to_json(result);
}

Result<HelloReply> parse_hello_reply(const Json& result) {
  if (!result.is_object()) return invalid("the answer is no object");
  HelloReply reply;
  TRY(reply.capabilities, names(result, "rpc_capabilities"));
  TRY(reply.encoding, short_text(result, "rpc_frame_encoding"));
  const Json* own = result.find("sluice");
  if (own == nullptr) return reply;
  TRY(reply.control_plane, short_text(*own, "control_plane"));
  const auto ping = millis(*own, "ping_ms");
  const auto dead = millis(*own, "dead_ms");
  // Else the link would be dropped between two pings, or pings would fill it.
  constexpr std::uint32_t kShortestPing = 100;
  if (!ping || !dead || *ping < kShortestPing || *dead <= *ping) return invalid("ping_ms and dead_ms do not fit");
  reply.ping_ms = *ping;
  reply.dead_ms = *dead;
  return reply;
}

std::string to_text(const BasicInfo& info) {
  Json::Array plugins;
  for (const auto& [name, version] : info.plugins) {
    plugins.push_back(Json::Object{{"name", name}, {"version", version}});
  }
  Json::Object message{{"type", "basic_info"},
                       {"plugins", std::move(plugins)},
                       {"process_conf", info.process_conf.is_object() ? info.process_conf : Json::object()},
                       {"filters", Json::object()}};
  if (!info.labels.empty()) message.append("labels", to_object(info.labels));
  return to_json(message);
}

Result<BasicInfo> parse_basic_info(std::string_view frame) {
  TRY(Json message, parse_json(frame));
  if (text(message, "type") != "basic_info") return invalid("the first frame is no basic_info");
  BasicInfo info;
  const Json* plugins = message.find("plugins");
  if (plugins == nullptr) return invalid("no plugins");
  TRY(info.plugins, listed_plugins(*plugins));
  if (const Json* labels = message.find("labels"); labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->as_object()) {
      if (value.is_string()) keep_label(info.labels, key + ':' + value.as_string());
    }
  }
  if (Json* conf = message.find("process_conf"); conf != nullptr && conf->is_object()) {
    info.process_conf = std::move(*conf);
  }
  return info;
}

Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& labels) {
  std::map<std::string, std::string> parsed;
  for (const std::string& label : labels) {
    TRY(auto entry, parse_label(label));
    std::string key = entry.first;
    if (!parsed.insert(std::move(entry)).second) return fail(Errc::Invalid, "label '" + key + "' is given twice");
  }
  return parsed;
}

}  // namespace sluice::sync::wire
