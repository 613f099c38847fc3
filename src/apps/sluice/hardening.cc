// SPDX-License-Identifier: Apache-2.0
#include "hardening.h"

#include <cstdlib>
#include <string>
#include <utility>

#include <unistd.h>

#include "apps/process/user.h"
#include "base/log.h"
#include "console_folder.h"
#include "prefix.h"

namespace sluice::apps {
namespace {

void add_file(std::vector<std::string>& list, const std::string& path) {
  for (std::string& folder : process::folders_of_file(path)) list.push_back(std::move(folder));
}

/// The folder of a file that may have to be made yet. `path` is absolute.
void add_folder(std::vector<std::string>& list, const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  list.push_back(slash == 0 ? path : path.substr(0, slash));
  add_file(list, path);
}

process::FileAccess file_access(const settings::Settings& settings, const SettingsArguments& arguments) {
  process::FileAccess access;
  // What the C library, OpenSSL and the resolver look into while the process runs.
  access.readable = {"/etc",          "/usr",          "/lib",          "/lib64",    "/proc/self",
                     "/proc/meminfo", "/proc/cpuinfo", "/proc/stat",    "/proc/sys", "/sys/devices/system/cpu",
                     "/dev/urandom",  "/dev/random",   "/sys/fs/cgroup"};
  for (const char* variable : {"SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"}) {
    if (const char* path = std::getenv(variable)) access.readable.emplace_back(path);
  }
  add_file(access.readable, "/etc/resolv.conf");
  for (const std::string& path :
       {arguments.file, settings.declarative_config, settings.dns_hostsfile, settings.error_template_html,
        settings.error_template_json, settings.error_template_xml, settings.error_template_plain,
        settings.client_ssl_cert, settings.client_ssl_cert_key.reveal(), settings.cluster_cert,
        settings.cluster_cert_key.reveal(), settings.cluster_ca_cert}) {
    add_file(access.readable, path);
  }
  add_file(access.readable, console_folder(settings) + "/index.html");
  for (const auto* list : {&settings.ssl_cert, &settings.admin_ssl_cert, &settings.status_ssl_cert,
                           &settings.admin_gui_ssl_cert, &settings.lua_ssl_trusted_certificate}) {
    for (const std::string& path : *list) {
      if (path != "system") add_file(access.readable, path);
    }
  }
  for (const auto* list : {&settings.ssl_cert_key, &settings.admin_ssl_cert_key, &settings.status_ssl_cert_key,
                           &settings.admin_gui_ssl_cert_key}) {
    for (const auto& path : *list) add_file(access.readable, path.reveal());
  }

  access.writable = {settings.prefix, "/dev/null", "/dev/tty", "/proc/self/fd/1", "/proc/self/fd/2"};
  for (const std::string& path :
       {settings.proxy_error_log, settings.proxy_access_log, settings.admin_access_log, settings.status_access_log}) {
    if (path.starts_with('/') && !path.starts_with("/dev/")) add_folder(access.writable, path);
  }
  if (settings.keyring_path.starts_with('/')) add_folder(access.writable, settings.keyring_path);
  if (settings.cluster_fallback_config_storage.starts_with('/')) {
    add_folder(access.writable, settings.cluster_fallback_config_storage + "/");
  }
  for (const std::string& path : settings.writable_paths) access.writable.push_back(path);
  return access;
}

}  // namespace

process::Hardening hardening_of(const settings::Settings& settings, const SettingsArguments& arguments) {
  process::Hardening hardening;
  hardening.no_new_privileges = settings.no_new_privileges;
  hardening.drop_capabilities = settings.drop_capabilities;
  hardening.core_dumps = settings.core_dumps;
  hardening.seccomp = settings.seccomp;
  hardening.landlock = settings.landlock;
  if (hardening.landlock) hardening.files = file_access(settings, arguments);
  return hardening;
}

Result<> change_user(const settings::Settings& settings) {
  if (settings.nginx_user.empty()) return {};
  if (::geteuid() != 0) {
    log::info("hardening.user_unchanged", {{"setting", "nginx_user"}, {"reason", "not started by root"}});
    return {};
  }
  auto changed = process::give_to_user(settings.prefix, folders_of_worker(settings), settings.nginx_user);
  if (changed) changed = process::become_user(settings.nginx_user);
  if (!changed) return fail("nginx_user: ", std::move(changed).error());
  return {};
}

}  // namespace sluice::apps
