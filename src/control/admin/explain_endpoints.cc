// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/strings.h"
#include "control/admin/body.h"
#include "control/admin/endpoints.h"

namespace sluice::control::admin {
namespace {

/// "Name: value"
void add_header(sync::ExplainQuery& query, std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return;
  query.headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
}

void add_headers(sync::ExplainQuery& query, const Json& headers) {
  if (headers.is_array()) {
    for (const Json& line : headers.as_array()) {
      if (line.is_string()) add_header(query, line.as_string());
    }
  }
  if (!headers.is_object()) return;
  for (const auto& [name, value] : headers.as_object()) {
    if (value.is_string()) query.headers.emplace_back(name, value.as_string());
    if (!value.is_array()) continue;
    for (const Json& one : value.as_array()) {
      if (one.is_string()) query.headers.emplace_back(name, one.as_string());
    }
  }
}

Reply answer(const Parts& parts, const sync::ExplainQuery& query) {
  if (query.url.empty()) return Reply::message(400, "url: required field missing");
  return Reply::json(200, parts.gateway.explain(query));
}

/// `?method=GET&url=http://host/path&header=Name: value`. For questions without credentials: proxies on the way may log
/// them.
Reply explain_arguments(const Parts& parts, const Request& request) {
  sync::ExplainQuery query;
  for (const auto& [name, value] : request.query.all()) {
    if (name == "method") query.method = value;
    if (name == "url") query.url = value;
    if (name == "header") add_header(query, value);
    if (name == "client_ip") query.client_ip = value;
  }
  return answer(parts, query);
}

/// `{"method": .., "url": .., "headers": {"Name": "value"}, "client_ip": ..}`
Reply explain_body(const Parts& parts, const Request& request) {
  const auto body = body_object(request);
  if (!body) return body.error();
  sync::ExplainQuery query;
  const auto take = [&](std::string_view name, std::string& to) {
    const Json* value = body->find(name);
    if (value != nullptr && value->is_string()) to = value->as_string();
  };
  take("method", query.method);
  take("url", query.url);
  take("client_ip", query.client_ip);
  if (const Json* headers = body->find("headers")) add_headers(query, *headers);
  return answer(parts, query);
}

}  // namespace

void add_explain(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/explain", [&parts](const Request& request) { return explain_arguments(parts, request); });
  tree.add_question("/explain", [&parts](const Request& request) { return explain_body(parts, request); });
}

}  // namespace sluice::control::admin
