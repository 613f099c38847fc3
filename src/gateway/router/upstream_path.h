// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::gateway::router {

/// How a service's path and a request's path are joined. V1 exists for flavor traditional only.
enum class PathHandling : std::uint8_t { V0, V1 };

/// The path to ask the upstream for.
struct UpstreamPathInput {
  std::string_view service_path;  // may be empty: then `/`
  std::string_view request_path;  // normalised
  std::size_t prefix_length = 0;  // what the route matched of it
  bool strip_path = true;
  PathHandling handling = PathHandling::V0;
};

/// Appends to `out`, without query. Reference section 4.5.
void append_upstream_path(std::string& out, const UpstreamPathInput& in);

/// Value of X-Forwarded-Prefix: what is stripped, or nothing. A view of the request path.
std::string_view forwarded_prefix(const UpstreamPathInput& in);

}  // namespace sluice::gateway::router
