// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "settings/settings.h"
#include "settings/table.h"

namespace sluice::settings {
namespace {

constexpr std::string_view kHidden = "******";

/// Also catches private keys that someone put where a certificate belongs.
bool holds_key(std::string_view text) {
  return text.contains("PRIVATE KEY");
}

Json masked(const Setting& setting, Json value) {
  if (value.is_array()) {
    for (Json& item : value.as_array()) item = masked(setting, std::move(item));
    return value;
  }
  if (value.is_string() && (setting.secret || holds_key(value.as_string()))) return kHidden;
  return value;
}

Json shown(const std::vector<Listener>& listeners, Subsystem subsystem = Subsystem::Http) {
  Json::Array list;
  for (const Listener& listener : listeners) list.push_back(listener.to_json(subsystem));
  return list;
}

std::string markdown_default(const Setting& setting) {
  return setting.fallback.empty() ? "none" : "`" + std::string(setting.fallback) + "`";
}

}  // namespace

Settings defaults() {
  Settings settings;
  for (const Setting& setting : describe_all()) setting.read(setting, setting.fallback, settings).value();
  return settings;
}

Json to_json(const Settings& settings) {
  JsonObject object;
  for (const Setting& setting : describe_all()) {
    object.append(std::string(setting.name), masked(setting, setting.write(setting, settings)));
  }
  object.append("proxy_listeners", shown(settings.proxy_listen));
  object.append("admin_listeners", shown(settings.admin_listen));
  object.append("status_listeners", shown(settings.status_listen));
  object.append("stream_listeners", shown(settings.stream_listen, Subsystem::Stream));
  return object;
}

std::string below_prefix(const Settings& settings, std::string_view path) {
  if (path.starts_with('/')) return std::string(path);
  return settings.prefix + (settings.prefix.ends_with('/') ? "" : "/") + std::string(path);
}

std::string reference_page() {
  std::string page =
      "# Settings\n\n"
      "In a file as `name = value`, in the environment as `SLUICE_NAME` or `KONG_NAME`. `SLUICE_NAME` beats "
      "`KONG_NAME`,\n"
      "which beats the file. Lists are separated by commas. Times take `ms`, `s`, `m`, `h` or `d`, sizes `k`, `m` or "
      "`g`.\n"
      "Any value may be `{vault://env/name}`, which reads the environment variable `NAME`.\n";
  for (const Setting& setting : describe_all()) {
    page += "\n## `" + std::string(setting.name) + "`\n\n" + std::string(setting.doc) + "\n\n";
    page += "Type: " + std::string(setting.type);
    if (!setting.choices.empty()) page += " (" + join(setting.choices, ", ") + ")";
    page += ". Default: " + markdown_default(setting) + ". ";
    page += setting.reload == Reload::Live ? "Taken over on reload." : "Needs a restart.";
    if (!setting.alias.empty()) page += " Also read as `" + std::string(setting.alias) + "`.";
    page += "\n";
  }
  return page;
}

}  // namespace sluice::settings
