// SPDX-License-Identifier: Apache-2.0
#include "prefix.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "base/uuid.h"
#include "configuration.h"

namespace sluice::apps {

Result<> make_prefix(const settings::Settings& settings) {
  std::string path;
  for (std::string_view part : split(settings.prefix, '/')) {
    path.append(part).append("/");
    if (part.empty()) continue;
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail(Errc::Io, "cannot create the prefix " + settings.prefix + ": " + std::strerror(errno));
    }
  }
  for (const char* folder : {"logs", "pids", "ssl"}) {
    ::mkdir(settings::below_prefix(settings, folder).c_str(), 0755);
  }
  return {};
}

bool write_file(const std::string& path, const std::string& text, mode_t mode) {
  // Made with its final permissions: a key must not be readable for the moment until chmod.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return ::close(fd) == 0 && written;
}

std::string node_id(const settings::Settings& settings) {
  if (!settings.node_id.empty()) return settings.node_id;
  const std::string path = settings::below_prefix(settings, "node.id");
  if (auto text = read_file(path)) {
    if (auto id = Uuid::parse(trim(*text))) return id->to_string();
  }
  std::string id = Uuid::random().to_string();
  write_file(path, id + "\n");
  return id;
}

}  // namespace sluice::apps
