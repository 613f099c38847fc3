// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "sync/wire/projection.h"

namespace sluice::sync::wire {
namespace {

constexpr int kOlderMinors = 2;  // of our own data planes that we serve
constexpr int kNewerMinors = 1;
constexpr std::size_t kMostAffected = 100;

Admission refused(std::string code, std::string reason) {
  return {.admitted = false, .code = std::move(code), .reason = std::move(reason)};
}

/// What cannot be read is somebody else's text: it is shown, but not all of it.
Admission unreadable(std::string code, std::string_view product, std::string_view version) {
  return refused(std::move(code), fmt::format("The data plane says to be {} '{}', which is no version.", product,
                                              version.substr(0, 64)));
}

Admission admit_kong(const Peer& peer, const ProductVersion& kong) {
  static constexpr const char* kCode = "kong_version_incompatible";
  const auto version = parse_product_version(peer.kong_version);
  if (!version) return unreadable(kCode, "Kong", peer.kong_version);
  if (version->major != kong.major) {
    return refused(kCode, fmt::format("The data plane is Kong {}; this control plane serves Kong {}.x.",
                                      to_string(*version), kong.major));
  }
  if (version->minor > kong.minor) {
    return refused(kCode, fmt::format("The data plane is Kong {}, newer than this control plane, which serves Kong up "
                                      "to {}.{}.",
                                      to_string(*version), kong.major, kong.minor));
  }
  return {.admitted = true, .code = {}, .reason = {}};
}

Admission admit_sluice(const Peer& peer, const ProductVersion& sluice) {
  static constexpr const char* kCode = "sluice_version_incompatible";
  const auto version = parse_product_version(peer.sluice_version);
  if (!version) return unreadable(kCode, "Sluice", peer.sluice_version);
  const bool near = version->major == sluice.major && version->minor >= sluice.minor - kOlderMinors &&
                    version->minor <= sluice.minor + kNewerMinors;
  if (near) return {.admitted = true, .code = {}, .reason = {}};
  return refused(kCode, fmt::format("The data plane is Sluice {}; this control plane serves {}.{} to {}.{}.",
                                    to_string(*version), sluice.major, std::max(0, sluice.minor - kOlderMinors),
                                    sluice.major, sluice.minor + kNewerMinors));
}

void join(CompatibilityIssue& into, CompatibilityIssue&& more) {
  if (more.severity > into.severity) {
    into.severity = more.severity;
    into.description = std::move(more.description);
    into.resolution = std::move(more.resolution);
  }
  for (auto& affected : more.affected) {
    if (into.affected.size() >= kMostAffected) return;
    if (std::ranges::find(into.affected, affected) == into.affected.end()) into.affected.push_back(std::move(affected));
  }
}

}  // namespace

Admission admit(const Peer& peer, const ProductVersion& kong, const ProductVersion& sluice) {
  return peer.is_sluice() ? admit_sluice(peer, sluice) : admit_kong(peer, kong);
}

void merge(std::vector<CompatibilityIssue>& into, std::vector<CompatibilityIssue> more) {
  for (CompatibilityIssue& issue : more) {
    const auto known = std::ranges::find(into, issue.code, &CompatibilityIssue::code);
    if (known != into.end()) {
      join(*known, std::move(issue));
    } else {
      into.push_back(std::move(issue));
    }
  }
}

}  // namespace sluice::sync::wire
