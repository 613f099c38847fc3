// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_termination/request_echo.h"

#include <utility>

#include <unistd.h>

#include "base/json.h"
#include "base/strings.h"
#include "entity/route.h"
#include "entity/service.h"
#include "plugins/arguments.h"

namespace sluice::plugins {
namespace {

using gateway::Exchange;

/// Adds a value under a name that may repeat: the second makes it a list.
void add_value(Json::Object& object, std::string_view name, Json value) {
  Json& member = object[name];
  if (member.is_null()) {
    member = std::move(value);
  } else if (member.is_array()) {
    member.as_array().push_back(std::move(value));
  } else {
    member = Json::Array{std::exchange(member, nullptr), std::move(value)};
  }
}

Json::Object headers_of(const Exchange& ex) {
  Json::Object headers;
  for (const http::Field& field : ex.request.headers) add_value(headers, to_lower(field.name), field.value);
  return headers;
}

/// Of a query or a form; an argument without '=' is true.
Json::Object arguments_of(std::string_view text) {
  Json::Object arguments;
  for (std::string_view piece : split(text, '&')) {
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    const Json value = equals == piece.npos ? Json(true) : Json(form_decode(piece.substr(equals + 1)));
    add_value(arguments, form_decode(piece.substr(0, equals)), value);
  }
  return arguments;
}

Json parsed_content(const Exchange& ex, std::string_view content) {
  switch (body_kind(ex.request.headers.get(http::Known::ContentType).value_or(""))) {
    case BodyKind::Form:
      return arguments_of(content);
    case BodyKind::Json:
      return parse_json(content).value_or(Json());
    case BodyKind::Multipart:
    case BodyKind::Opaque:
      break;
  }
  return nullptr;
}

Json::Object captures_of(const Exchange& ex) {
  Json::Object captures;
  Json::Array unnamed;
  for (std::size_t i = 1; i < ex.captures.unnamed.size(); ++i) unnamed.emplace_back(ex.captures.unnamed[i]);
  captures.set("unnamed", std::move(unnamed));
  Json::Object named;
  for (const auto& [name, text] : ex.captures.named) named.set(name, text);
  captures.set("named", std::move(named));
  return captures;
}

Json::Object request_of(const Exchange& ex, std::string_view content) {
  Json::Object request;
  request.set("scheme", ex.request.scheme);
  request.set("host", ex.request.host);
  request.set("port", ex.request.port);
  request.set("method", ex.request.method);
  request.set("path", ex.request.path);
  request.set("query", arguments_of(ex.request.query));
  request.set("headers", headers_of(ex));
  request.set("raw_body", content);
  request.set("body", parsed_content(ex, content));
  request.set("uri_captures", captures_of(ex));
  return request;
}

/// What the snapshot holds of a matched entity; its identity where it does not keep documents.
template <class Entity>
void append_entity(std::string& out, std::string_view name, const Entity* entity, const Exchange& ex) {
  if (entity == nullptr) return;
  out.append(",\"").append(name).append("\":");
  if (ex.directory->append_document(out, *entity)) return;
  append_json(out, Json::Object{{"id", entity->id.value.to_string()}, {"name", entity->name}});
}

}  // namespace

std::string describe_request(const Exchange& ex, const EchoSource& node, std::string_view message,
                             std::string_view content) {
  Json::Object document;
  if (!message.empty()) document.set("message", message);
  document.set("kong",
               Json::Object{{"node_id", node.node_id}, {"worker_pid", ::getpid()}, {"hostname", node.hostname}});
  document.set("request", request_of(ex, content));
  std::string text = to_json(document);
  text.pop_back();  // the entities are text already
  append_entity(text, "matched_route", ex.route, ex);
  append_entity(text, "matched_service", ex.service, ex);
  return text + '}';
}

}  // namespace sluice::plugins
