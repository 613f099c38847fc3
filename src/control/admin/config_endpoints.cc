// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "base/yaml.h"
#include "control/admin/batch_reply.h"
#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "control/admin/entity_writes.h"
#include "crypto/hash.h"
#include "entity/declarative.h"

namespace sluice::control::admin {
namespace {

using entity::DeclarativeErrors;

/// A configuration as it was sent.
struct Sent {
  Json config;
  std::string hash;
  bool comparable = false;  // sent as one text, so that its hash tells whether it is the same again
};

Reply refuse(const DeclarativeErrors& errors, const Request& request) {
  return Reply::json(400, request.query.enabled("flatten_errors") ? errors.flattened_body() : errors.body());
}

/// The same for whatever stopped a whole configuration.
Reply refuse(const publish::Refusal& refusal, const Request& request) {
  auto reply = not_kept(refusal);
  return reply ? *std::move(reply) : refuse(refusal.declarative, request);
}

Reply unreadable(const std::string& why, const Request& request) {
  DeclarativeErrors errors;
  const schema::PathView root;
  errors.all.add(root.member("error"), "failed parsing declarative configuration: " + why);
  errors.outside = errors.all;
  return refuse(errors, request);
}

/// JSON or YAML; what begins like JSON is read as such, since our YAML reader is the slower one.
std::expected<Sent, Reply> read_text(std::string_view text, const Request& request) {
  auto parsed = trim(text).starts_with('{') ? parse_json(text) : parse_yaml(text);
  if (!parsed && trim(text).starts_with('{')) parsed = parse_yaml(text);
  if (!parsed) return std::unexpected(unreadable(parsed.error().what, request));
  if (!parsed->is_object()) return std::unexpected(unreadable("expected an object", request));
  return Sent{*std::move(parsed), crypto::md5_hex(text), true};
}

std::expected<Sent, Reply> read_sent(const Request& request) {
  if (request.body.empty()) return std::unexpected(Reply::message(400, "expected a declarative configuration"));
  if (request.media_type == "application/yaml" || request.media_type == "text/yaml") {
    return read_text(request.body, request);
  }
  auto object = body_object(request);
  if (!object) return std::unexpected(std::move(object).error());
  const Json* text = object->find("config");
  if (text != nullptr && text->is_string()) return read_text(text->as_string(), request);
  return Sent{*std::move(object), crypto::md5_hex(request.body), false};
}

/// A document without its secrets.
std::string hidden(const schema::EntityBase& type, const std::string& document) {
  auto parsed = parse_json(document);
  if (!parsed) return "{}";
  type.visit_secrets(*parsed, [](std::string& secret) { secret = "***"; });
  return to_json(*parsed);
}

Reply read_config(const Parts& parts, const Request& request) {
  const bool redacted = !iam::may_see_secrets(request.who);
  std::vector<entity::Row> rows;
  for (const auto& table : parts.store.tables()) {
    const bool hides = redacted && table.type().may_hold_secrets();
    for (const auto& [id, document] : table.rows()) {
      if (table.has_expired(id, unix_seconds())) continue;
      rows.push_back({&table.type(), id, hides ? hidden(table.type(), *document) : *document});
    }
  }
  return Reply::json(200, Json::Object{{"config", to_yaml(entity::export_declarative(parts.catalog, rows))}});
}

Task<Reply> replace_config(const Parts& parts, const Request& request) {
  if (parts.publisher.loading()) {
    Reply busy = Reply::message(429, "Currently loading previous configuration");
    busy.headers.emplace_back("Retry-After", "1");
    co_return busy;
  }
  auto sent = read_sent(request);
  if (!sent) co_return std::move(sent).error();
  if (sent->comparable && request.query.enabled("check_hash") && sent->hash == parts.store.hash()) {
    co_return Reply::empty(304);
  }
  auto change = publish::replacement(parts.catalog, std::move(sent->config), sent->hash);
  const auto outcome = co_await parts.publisher.load(std::move(change));
  if (!outcome) co_return refuse(outcome.error(), request);
  co_return Reply::text(201, upserts_by_type(outcome->delta));
}

}  // namespace

void add_config(RouteTree& tree, const Parts& parts) {
  if (parts.storage == Storage::None) {
    tree.add("GET", "/config", [&parts](const Request& request) { return read_config(parts, request); });
    tree.add("POST", "/config", [&parts](const Request& request) { return replace_config(parts, request); });
    return;
  }
  for (const std::string_view method : {"GET", "POST"}) {
    tree.add(method, "/config", [](const Request&) {
      return Reply::message(400, "this endpoint is only available when Kong is configured to not use a database");
    });
  }
}

}  // namespace sluice::control::admin
