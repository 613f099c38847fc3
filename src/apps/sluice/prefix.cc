// SPDX-License-Identifier: Apache-2.0
#include "prefix.h"

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

#include "apps/process/replace_file.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/uuid.h"
#include "configuration.h"

namespace sluice::apps {

Result<> make_prefix(const settings::Settings& settings) {
  const mode_t before = ::umask(0022);  // nginx_user has to get through, to its own folders
  std::string path;
  int failure = 0;
  for (std::string_view part : split(settings.prefix, '/')) {
    path.append(part).append("/");
    if (part.empty() || failure != 0) continue;
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) failure = errno;
  }
  for (const char* folder : {"logs", "pids", "ssl"}) {
    ::mkdir(settings::below_prefix(settings, folder).c_str(), 0755);
  }
  for (const std::string& folder : folders_of_worker(settings)) {
    ::mkdir(settings::below_prefix(settings, folder).c_str(), 0700);
  }
  ::umask(before);
  if (failure != 0)
    return fail(Errc::Io, "cannot create the prefix " + settings.prefix + ": " + std::strerror(failure));
  return {};
}

std::vector<std::string> folders_of_worker(const settings::Settings& settings) {
  std::vector<std::string> folders = {"logs"};
  if (settings.role == settings::Role::DataPlane) folders.emplace_back("cluster");
  if (settings.database == settings::Database::Off) return folders;
  if (settings.database == settings::Database::Sqlite) folders.emplace_back("store");
  const std::size_t slash = settings.keyring_path.find('/');
  folders.emplace_back("secrets");  // where the first link to the console is left, wherever the keyring is
  const std::string of_keyring = settings.keyring_path.substr(0, slash == std::string::npos ? 0 : slash);
  if (!of_keyring.empty() && of_keyring != "secrets") folders.push_back(of_keyring);
  return folders;
}

std::string node_id(const settings::Settings& settings) {
  if (!settings.node_id.empty()) return settings.node_id;
  if (auto text = read_file(settings::below_prefix(settings, "node.id"))) {
    if (auto id = Uuid::parse(trim(*text))) return id->to_string();
  }
  std::string id = Uuid::random().to_string();
  if (auto kept = process::replace_file(settings.prefix, "node.id", id + "\n", 0644); !kept) {
    log::warn("node.id_not_kept", {{"error", kept.error()}});
  }
  return id;
}

}  // namespace sluice::apps
