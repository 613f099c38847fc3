// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ranges>
#include <utility>

#include "base/strings.h"
#include "control/platform/endpoints.h"
#include "control/platform/user_view.h"
#include "crypto/uuid5.h"

namespace sluice::control::platform {
namespace {

/// How decK finds a control plane by its name: it turns pages until `page` is `pageCount` or a page is empty. It asks
/// for the first one without saying how large it should be. reference/konnect.md, 3.4.
Reply runtime_groups(const Parts& parts, const Request& request) {
  constexpr std::size_t kMaxSize = 1000;
  const auto number = [&](std::string_view name, std::size_t standard) {
    const std::string* text = request.query.find(name);
    const auto value = text != nullptr ? parse_int<std::size_t>(*text) : Result<std::size_t>(standard);
    return value && *value > 0 ? *value : standard;
  };
  constexpr std::size_t kSize = 100;
  const std::size_t size = std::min(number("size", kSize), kMaxSize);
  const std::size_t page = number("page", 1);
  const auto& all = parts.planes.book().planes();
  const std::size_t pages = std::max<std::size_t>(1, (all.size() + size - 1) / size);
  Json::Array data;
  for (const auto& [id, profile] :
       all | std::views::drop(std::min((page - 1) * size, all.size())) | std::views::take(size)) {
    data.emplace_back(Json::Object{{"id", id.to_string()}, {"name", profile.name}});
  }
  return Reply::json(200, Json::Object{{"data", std::move(data)}, {"page", page}, {"pageCount", pages}});
}

/// Who we are, for clients that ask before they begin. The installation is its own organization.
Reply organization(const Parts& parts) {
  if (parts.accounts != nullptr && parts.accounts->state().organization()) {
    return Reply::json(200, show(*parts.accounts->state().organization()));
  }
  const Uuid& local = parts.planes.book().local().id;
  return Reply::json(200, Json::Object{{"id", crypto::uuid_v5(local, "organization").to_string()},
                                       {"name", "Sluice"},
                                       {"owner_id", crypto::uuid_v5(local, "owner").to_string()},
                                       {"login_path", ""},
                                       {"state", "active"},
                                       {"retention_period_days", 0}});
}

}  // namespace

void add_legacy(admin::RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/konnect-api/api/runtime_groups",
           [&parts](const Request& request) { return runtime_groups(parts, request); });
  for (const std::string version : {"/v2", "/v3"}) {
    tree.add("GET", version + "/organizations/me", [&parts](const Request&) { return organization(parts); });
  }
}

}  // namespace sluice::control::platform
