// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/upstream_path.h"

namespace sluice::gateway::router {
namespace {

// Stripping `/a` from `/a./b` or `/a../b` would make a dot segment out of what was none.
std::string_view without_leading_dots(std::string_view postfix) {
  for (const std::string_view dots : {"..", "."}) {
    if (postfix == dots) return {};
    if (postfix.starts_with(dots) && postfix.substr(dots.size()).starts_with('/')) {
      return without_leading_dots(postfix.substr(dots.size() + 1));
    }
  }
  return postfix;
}

void append_stripped_v0(std::string& out, std::string_view base, std::string_view request, std::string_view postfix) {
  const std::string_view stem = base.ends_with('/') ? base.substr(0, base.size() - 1) : base;
  out += stem;
  if (!postfix.empty()) {
    if (!postfix.starts_with('/')) out += '/';
    out += postfix;
  } else if (stem.empty() || (request.ends_with('/') && (request.size() > 1 || base.ends_with('/')))) {
    out += '/';
  }
}

void append_whole_v0(std::string& out, std::string_view base, std::string_view request) {
  out += base;
  if (base.ends_with('/')) {
    out += request.substr(1);
  } else if (request != "/") {
    out += request;
  }
}

void append_stripped_v1(std::string& out, std::string_view base, std::string_view postfix) {
  if (base.ends_with('/') && postfix.starts_with('/')) postfix.remove_prefix(1);
  out += base;
  out += postfix;
}

}  // namespace

void append_upstream_path(std::string& out, const UpstreamPathInput& in) {
  const std::string_view base = in.service_path.empty() ? std::string_view("/") : in.service_path;
  if (!in.strip_path) {
    if (in.handling == PathHandling::V0) return append_whole_v0(out, base, in.request_path);
    out += base;
    out += in.request_path.substr(1);
    return;
  }
  const std::string_view postfix = without_leading_dots(in.request_path.substr(in.prefix_length));
  if (in.handling == PathHandling::V0) return append_stripped_v0(out, base, in.request_path, postfix);
  append_stripped_v1(out, base, postfix);
}

std::string_view forwarded_prefix(const UpstreamPathInput& in) {
  return in.strip_path ? in.request_path.substr(0, in.prefix_length) : std::string_view();
}

}  // namespace sluice::gateway::router
