// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/raised_flag.h"
#include "control/platform/endpoints.h"
#include "control/platform/kong_reader.h"

namespace sluice::control::platform {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;

std::string text_of(const Json& body, std::string_view name) {
  const Json* member = body.find(name);
  return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

std::expected<KongSource, Reply> source_of(const Request& request) {
  const auto body = json_body(request);
  if (!body) return std::unexpected(body.error());
  KongSource source;
  source.url = text_of(*body, "admin_url");
  while (source.url.ends_with('/')) source.url.pop_back();
  if (auto wrong = wrong_with(source.url)) {
    return std::unexpected(invalid({.field = "admin_url", .rule = "is_url", .reason = *std::move(wrong)}));
  }
  source.token = Secret(text_of(*body, "admin_token"));
  for (const char c : source.token.reveal()) {
    if (c > ' ' && c != 0x7f) continue;
    return std::unexpected(invalid({.field = "admin_token", .rule = "", .reason = "must be visible characters"}));
  }
  const Json* verify = body->find("verify_tls");
  source.verify_tls = verify == nullptr || !verify->is_bool() || verify->as_bool();
  return source;
}

/// One import at a time.
struct Door {
  bool is_reading = false;
  std::unique_ptr<rt::BlockingPool> thread;  // made for the first
};

/// Changes nothing here, and is an administrator's all the same: it makes this server ask another one.
Task<Reply> read(const Parts& parts, const Request& request, Door& door) {
  const auto plane = plane_of(parts, request);
  if (!plane) co_return plane.error();
  if (parts.outside == nullptr) co_return problem(503, "This server asks no other servers.");
  auto source = source_of(request);
  if (!source) co_return source.error();
  // What one reads takes memory.
  if (door.is_reading) co_return problem(409, "Another import is being read; try again when it is done.");
  const RaisedFlag turn(door.is_reading);
  if (door.thread == nullptr) door.thread = std::make_unique<rt::BlockingPool>(1);
  const std::string url = source->url;
  const KongReader::Parts tools{*parts.outside, parts.catalog, *door.thread, *request.reactor};
  KongReader reader(tools, *std::move(source), request.reactor->after_ms(kPatienceMs));
  auto entities = co_await reader.read();
  if (!entities) {
    log::info("import.failed", {{"url", url}, {"user", request.who.name}, {"error", entities.error()}});
    co_return problem(502, "Could not be read", url + entities.error().what);
  }
  log::info("import.read", {{"url", url}, {"user", request.who.name}});
  co_return Reply::text(200, "{\"upsert\":" + *entities + "}");
}

}  // namespace

void add_import(admin::RouteTree& tree, const Parts& parts) {
  tree.add("POST", "/v2/control-planes/{id}/import-source",
           [&parts, door = std::make_shared<Door>()](const Request& request) { return read(parts, request, *door); });
}

}  // namespace sluice::control::platform
