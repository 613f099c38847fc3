// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "commands.h"
#include "net/tls/self_signed.h"

namespace sluice::apps {
namespace {

/// A file that must not be there yet: an overwritten key locks a cluster out.
bool write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written) fmt::print(stderr, "sluice: cannot write {}: {}\n", path, std::strerror(errno));
  if (file >= 0) ::close(file);
  return written;
}

}  // namespace

int hybrid_gen_cert(const GenCertArguments& wanted) {
  const auto made = net::tls::make_self_signed({"kong_clustering"}, {.curve = "P-384", .days = wanted.days});
  if (!made) {
    fmt::print(stderr, "sluice: {}\n", made.error().what);
    return 1;
  }
  if (!write_new(wanted.key, made->key, 0600)) return 1;
  if (!write_new(wanted.certificate, made->certificate, 0644)) {
    ::unlink(wanted.key.c_str());
    return 1;
  }
  fmt::print(
      "Wrote {} and {}, valid for {} day{}.\n"
      "Give both to the control plane and to each data plane, as cluster_cert and cluster_cert_key.\n"
      "Whoever has the key belongs to the cluster.\n",
      wanted.certificate, wanted.key, wanted.days, wanted.days == 1 ? "" : "s");
  return 0;
}

}  // namespace sluice::apps
