// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/platform.h"

#include <cstdlib>
#include <iterator>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/strings.h"
#include "base/uuid.h"
#include "cli/gateway/admin_target.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kDefaultAddress = "http://127.0.0.1:8002";

std::string text_of(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

Result<AdminTarget> platform_target(GatewayArguments where) {
  if (where.address.empty()) {
    const char* set = std::getenv("SLUICE_PLATFORM_URL");
    where.address = set != nullptr && *set != '\0' ? set : kDefaultAddress;
  }
  TRY(AdminTarget target, admin_target(where));
  target.what = "platform API";
  return target;
}

PlaneInfo info_of(const Json& plane) {
  PlaneInfo info{.id = text_of(plane, "id"), .name = text_of(plane, "name"), .endpoint = {}, .auth_type = {}};
  if (const Json* config = plane.find("config")) {
    info.endpoint = text_of(*config, "control_plane_endpoint");
    info.auth_type = text_of(*config, "auth_type");
  }
  return info;
}

}  // namespace

void add_platform_options(CLI::App& command, PlatformArguments& arguments) {
  command.add_option("--platform,--platform-url", arguments.where.address,
                     "Address of the platform API (or SLUICE_PLATFORM_URL; " + std::string(kDefaultAddress) + ")");
  command.add_option("--control-plane", arguments.control_plane, "Name or id of the control plane")
      ->capture_default_str();
  add_talk_options(command, arguments.where);
}

Result<Platform> Platform::open(const PlatformArguments& arguments) {
  TRY(AdminTarget target, platform_target(arguments.where));
  Platform platform(std::make_unique<AdminClient>(std::move(target)));
  platform.client_->progress().silence();
  TRY(platform.find(arguments.control_plane));
  return platform;
}

Result<> Platform::find(const std::string& wanted) {
  if (Uuid::parse(wanted)) {
    TRY(const Json plane, ask("GET", "/v2/control-planes/" + wanted));
    plane_ = info_of(plane);
    return {};
  }
  TRY(const Json page, ask("GET", "/v2/control-planes?filter[name][eq]=" + percent_encode(wanted)));
  const Json* data = page.find("data");
  if (data == nullptr || !data->is_array()) {
    return fail(Errc::Invalid, client_->target().url + " does not answer as a platform API");
  }
  for (const Json& plane : data->as_array()) {
    if (text_of(plane, "name") != wanted) continue;
    plane_ = info_of(plane);
    return {};
  }
  return fail(Errc::NotFound, "there is no control plane '" + wanted + "' at " + client_->target().url);
}

Result<Json::Array> Platform::nodes() {
  const std::string first = "/v2/control-planes/" + plane_.id + "/nodes?page[size]=1000";
  Json::Array all;
  for (std::string path = first; !path.empty();) {
    TRY(Json page, ask("GET", path));
    Json* items = page.find("items");
    if (items == nullptr || !items->is_array()) return fail(Errc::Invalid, "GET " + path + ": expected a list");
    std::move(items->as_array().begin(), items->as_array().end(), std::back_inserter(all));
    const Json* numbers = page.find("page");
    const std::string next = numbers != nullptr ? text_of(*numbers, "next") : std::string();
    path = next.empty() ? std::string() : first + "&page[after]=" + percent_encode(next);
  }
  return all;
}

Result<Json> Platform::expected() {
  return ask("GET", "/v2/control-planes/" + plane_.id + "/expected-config-hash");
}

Result<std::string> Platform::pin(std::string_view certificate, std::string_view title) {
  const std::string body = to_json(Json::Object{{"cert", certificate}, {"title", title}});
  TRY(const Json answer, ask("POST", "/v2/control-planes/" + plane_.id + "/dp-client-certificates", body));
  const Json* item = answer.find("item");
  return item != nullptr ? text_of(*item, "id") : std::string();
}

Result<> Platform::unpin(const std::string& certificate) {
  TRY(ask("DELETE", "/v2/control-planes/" + plane_.id + "/dp-client-certificates/" + percent_encode(certificate)));
  return {};
}

Result<ClusterDoor> Platform::door() {
  const auto answer = ask("GET", "/v2/control-planes/" + plane_.id + "/cluster-door");
  if (!answer && answer.error().code == Errc::NotFound) return ClusterDoor{};
  if (!answer) return std::unexpected(answer.error());
  const Json* open = answer->find("open");
  return ClusterDoor{.open = open == nullptr || !open->is_bool() || open->as_bool(),
                     .authority = text_of(*answer, "authority")};
}

Result<Json> Platform::ask(const std::string& method, const std::string& path, const std::string& body) {
  auto reply = client_->send_above(method, path, body);
  if (!reply) {
    Error error = std::move(reply).error();
    error.what += "\nIs the control plane running? --platform says where its platform API is.";
    return std::unexpected(std::move(error));
  }
  if (reply->status == 401 || reply->status == 403) {
    return refused_by(client_->target(), *reply);
  }
  if (reply->status == 404) return fail(Errc::NotFound, "the platform API knows no " + path.substr(0, path.find('?')));
  if (reply->status / 100 != 2) return fail(Errc::Refused, method + " " + path + ": " + reply->message());
  return std::move(reply->body);
}

}  // namespace sluice::cli
