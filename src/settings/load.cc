// SPDX-License-Identifier: Apache-2.0
#include "settings/load.h"

#include <algorithm>
#include <map>
#include <set>

#include <unistd.h>

#include "base/strings.h"
#include "settings/check.h"
#include "settings/conf_file.h"
#include "settings/table.h"

namespace sluice::settings {
namespace {

constexpr std::string_view kOurs = "SLUICE_";
constexpr std::string_view kKongs = "KONG_";

std::vector<std::string_view> all_names() {
  std::vector<std::string_view> names;
  for (const Setting& setting : describe_all()) names.push_back(setting.name);
  return names;
}

std::string unknown(std::string_view name) {
  std::string what = std::string(name) + ": unknown setting";
  const auto names = all_names();
  if (const auto nearest = nearest_word(name, names)) what += "; did you mean " + std::string(*nearest) + "?";
  return what;
}

bool ends_with_port(std::string_view name) {
  // NAME_PORT, NAME_PORT_8000_TCP, NAME_PORT_8000_TCP_ADDR, ...
  const std::size_t at = name.rfind("PORT");
  if (at == name.npos || (at > 0 && name[at - 1] != '_')) return false;
  std::string_view rest = name.substr(at + 4);
  if (rest.empty()) return true;
  for (const std::string_view tail : {"_ADDR", "_PROTO"}) {
    if (rest.ends_with(tail)) rest.remove_suffix(tail.size());
  }
  return rest.starts_with('_') && (rest.ends_with("_TCP") || rest.ends_with("_UDP"));
}

/// What Kubernetes sets in every pod beside a service whose name begins with "sluice".
bool is_service_link(std::string_view name) {
  return name.ends_with("SERVICE_HOST") || name.contains("SERVICE_PORT") || ends_with_port(name) ||
         (name.ends_with("_TCP_PORT") || name.ends_with("_UDP_PORT"));
}

/// Variables of the client commands, which people export in the shell where they start a gateway too.
bool is_for_clients(std::string_view name) {
  return name == "admin_url" || name == "admin_headers" || name == "platform_url";
}

/// Collects one value per setting from all sources, then reads them.
class Loader {
 public:
  explicit Loader(const Sources& sources) : sources_(sources) {}

  std::expected<Loaded, std::vector<Problem>> run() {
    read_file();
    read_environment(kKongs);
    read_environment(kOurs);
    read_command_line();
    imply_database();
    Loaded loaded{.settings = defaults(), .warnings = {}};
    for (const auto& [setting, value] : chosen_) read_value(*setting, value, loaded.settings);
    if (loaded.settings.role == Role::DataPlane) leave_out_control(loaded.settings);
    if (problems_.empty()) {
      for (std::string& fault : check(loaded.settings)) problems_.push_back({"", std::move(fault)});
    }
    if (!problems_.empty()) return std::unexpected(std::move(problems_));
    warn_of_foreign_names(loaded.warnings);
    return loaded;
  }

 private:
  struct Value {
    std::string where;
    std::string name;  // as spelled there
    std::string text;
  };

  void read_file() {
    const ConfFile file = parse_conf(sources_.file);
    std::map<const Setting*, unsigned> seen;
    for (const unsigned line : file.malformed) problems_.push_back({at_line(line), "expected name = value"});
    for (const ConfLine& line : file.lines) {
      const Setting* setting = accept(line.name, line.value, at_line(line.number), true);
      if (setting == nullptr) continue;
      const auto [first, fresh] = seen.emplace(setting, line.number);
      if (!fresh) {
        problems_.push_back(
            {at_line(line.number), line.name + ": already set in line " + std::to_string(first->second)});
      }
    }
  }

  void read_environment(std::string_view prefix) {
    for (const auto& [variable, value] : sources_.environment) {
      if (!istarts_with(variable, prefix) || value.empty()) continue;
      const std::string name = to_lower(std::string_view(variable).substr(prefix.size()));
      const bool ours = prefix == kOurs;
      if (find_setting(name) == nullptr && (is_service_link(to_upper(name)) || is_for_clients(name))) continue;
      accept(name, value, variable, ours);
    }
  }

  void read_command_line() {
    for (const auto& [name, value] : sources_.command_line) accept(name, value, "command line", true);
  }

  /// Takes a value over whatever weaker sources said. Null when the name is no setting of ours.
  const Setting* accept(std::string_view name, std::string_view text, std::string where, bool strict) {
    const Setting* setting = find_setting(name);
    if (setting != nullptr) {
      chosen_.insert_or_assign(setting, Value{std::move(where), std::string(name), std::string(trim(text))});
    } else if (is_foreign_kong_name(name)) {
      foreign_.emplace(name);
    } else if (strict) {
      problems_.push_back({std::move(where), unknown(name)});
    }
    return setting;
  }

  /// A declarative configuration implies database=off unless somebody said otherwise, and so does a data plane.
  void imply_database() {
    const auto given = [&](std::string_view name) {
      const auto found = chosen_.find(find_setting(name));
      return found != chosen_.end() && !found->second.text.empty();
    };
    const bool declarative = given("declarative_config") || given("declarative_config_string");
    const auto role = chosen_.find(find_setting("role"));
    const bool data_plane = role != chosen_.end() && role->second.text == "data_plane";
    if ((declarative || data_plane) && !given("database")) accept("database", "off", "", true);
  }

  /// The listeners that a data plane does not have: deployments name them for all of their nodes.
  static void leave_out_control(Settings& settings) {
    settings.admin_listen.clear();
    settings.admin_gui_listen.clear();
    settings.cluster_listen.clear();
  }

  void read_value(const Setting& setting, const Value& value, Settings& settings) {
    if (value.text.empty()) return;  // the default stays
    auto text = resolve(value.text);
    Result<> read = text ? setting.read(setting, *text, settings) : std::unexpected(std::move(text).error());
    if (!read) problems_.push_back({value.where, value.name + ": " + read.error().what});
  }

  /// The value itself, or what `{vault://env/NAME[/KEY]}` refers to.
  [[nodiscard]] Result<std::string> resolve(std::string_view text) const {
    if (!text.starts_with("{vault://") || !text.ends_with('}')) return std::string(text);
    constexpr std::string_view kEnvironment = "{vault://env/";
    if (!text.starts_with(kEnvironment)) return fail(Errc::Unsupported, "settings can refer to vault env only");
    const std::string_view reference = text.substr(kEnvironment.size(), text.size() - kEnvironment.size() - 1);
    const std::size_t slash = reference.find('/');
    std::string variable = to_upper(reference.substr(0, slash));
    std::ranges::replace(variable, '-', '_');
    const auto found = std::ranges::find(sources_.environment, variable, &NamedValue::first);
    if (found == sources_.environment.end())
      return fail(Errc::NotFound, "environment variable " + variable + " is not set");
    if (slash == reference.npos || slash + 1 == reference.size()) return found->second;
    const auto json = parse_json(found->second);
    const Json* member = json ? json->find(reference.substr(slash + 1)) : nullptr;
    if (member != nullptr && member->is_string()) return member->as_string();
    return fail(Errc::NotFound, "environment variable " + variable + " holds no JSON object with such a member");
  }

  void warn_of_foreign_names(std::vector<std::string>& warnings) const {
    if (foreign_.empty()) return;
    const std::vector<std::string_view> names(foreign_.begin(), foreign_.end());
    warnings.push_back("settings of Kong that have no effect here: " + join(names, ", "));
  }

  [[nodiscard]] std::string at_line(unsigned number) const {
    return sources_.file_name + ", line " + std::to_string(number);
  }

  const Sources& sources_;
  std::map<const Setting*, Value> chosen_;  // in the order of the table, whose rows lie in one array
  std::set<std::string, std::less<>> foreign_;
  std::vector<Problem> problems_;
};

}  // namespace

std::expected<Loaded, std::vector<Problem>> load(const Sources& sources) {
  return Loader(sources).run();
}

std::vector<NamedValue> process_environment() {
  std::vector<NamedValue> all;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != text.npos) all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

std::string to_string(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!problem.where.empty()) text += problem.where + ": ";
    text += problem.what + "\n";
  }
  return text;
}

}  // namespace sluice::settings
