// SPDX-License-Identifier: Apache-2.0
#include "gateway/log_record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/strings.h"
#include "crypto/presented_certificate.h"
#include "entity/route.h"
#include "entity/service.h"
#include "gateway/log_members.h"
#include "http/version_text.h"

namespace sluice::gateway {

namespace {

using telemetry::RequestRecord;
using telemetry::Try;

constexpr std::size_t kMaxArguments = 100;  // as many as Kong shows (lua_max_uri_args)

bool is_secret(const http::Field& field) {
  return field.known == http::Known::Authorization || field.known == http::Known::ProxyAuthorization ||
         iequals(field.name, "authorization") || iequals(field.name, "proxy-authorization");
}

void append_header_values(std::string& out, const http::Headers& headers, const http::Field& first) {
  if (is_secret(first)) return append_json_string(out, "REDACTED");
  if (headers.count(first.name) == 1) return append_json_string(out, first.value);
  char before = '[';
  for (const http::Field& field : headers) {
    if (!iequals(field.name, first.name)) continue;
    out += std::exchange(before, ',');
    append_json_string(out, field.value);
  }
  out += ']';
}

/// Names in lower case, several lines of one name as an array.
void append_headers(std::string& out, const http::Headers& headers) {
  ObjectWriter members(out);
  for (const http::Field& field : headers) {
    bool seen = std::any_of(headers.begin(), &field, [&](const auto& f) { return iequals(f.name, field.name); });
    if (!seen) append_header_values(members.key(to_lower(field.name)), headers, field);
  }
}

/// Values by name; "?flag" has none.
using Arguments = std::map<std::string, std::vector<std::optional<std::string>>>;

Arguments parse_query(std::string_view query) {
  Arguments arguments;
  std::size_t count = 0;
  for (std::string_view piece : split(query, '&')) {
    std::size_t equals = piece.find('=');
    if (piece.empty() || equals == 0) continue;  // no name
    if (++count > kMaxArguments) break;
    auto& values = arguments[form_decode(piece.substr(0, equals))];
    if (equals == piece.npos) {
      values.emplace_back(std::nullopt);
    } else {
      values.emplace_back(form_decode(piece.substr(equals + 1)));
    }
  }
  return arguments;
}

void append_argument(std::string& out, const std::optional<std::string>& value) {
  if (value) {
    append_json_string(out, *value);
  } else {
    out += "true";
  }
}

void append_query(std::string& out, std::string_view query) {
  ObjectWriter members(out);
  for (const auto& [name, values] : parse_query(query)) {
    std::string& member = members.key(name);
    if (values.size() == 1) {
      append_argument(member, values.front());
      continue;
    }
    char before = '[';
    for (const auto& value : values) {
      member += std::exchange(before, ',');
      append_argument(member, value);
    }
    member += ']';
  }
}

void append_uri(std::string& out, const http::RequestHead& head) {
  out.append(head.path);
  if (head.has_query) out.append("?").append(head.query);
}

void append_request(std::string& out, const Exchange& ex) {
  ObjectWriter request(out);
  std::string uri;
  append_uri(uri, ex.request.received);
  request.text("id", ex.id());
  request.text("method", ex.request.method);
  request.text("uri", uri);
  std::string url;
  url.append(ex.request.scheme).append("://").append(ex.request.host).append(":");
  url.append(std::to_string(ex.request.port)).append(uri);
  request.text("url", url);
  request.number("size", ex.record.request_size);
  append_query(request.key("querystring"), ex.request.query);
  append_headers(request.key("headers"), ex.request.headers);
  if (ex.client.tls) {
    ObjectWriter tls(request.key("tls"));
    tls.text("version", ex.client.tls_version);
    tls.text("cipher", ex.client.tls_cipher);
    const crypto::PresentedCertificate* shown = ex.client.certificate;
    tls.text("client_verify", shown != nullptr ? std::string_view(shown->verification()) : "NONE");
  }
}

void append_response(std::string& out, const Exchange& ex) {
  ObjectWriter response(out);
  response.number("status", ex.record.status);
  response.number("size", ex.record.response_size);
  append_headers(response.key("headers"), ex.response.headers);
}

std::span<const Try> recorded_tries(const RequestRecord& record) {
  return record.tries.first(record.try_count);
}

/// One status for each try, as nginx lists them; empty when the request went nowhere.
std::string upstream_statuses(const RequestRecord& record) {
  std::string list;
  for (const Try& attempt : recorded_tries(record)) {
    if (!list.empty()) list += ", ";
    list += attempt.status == 0 ? "-" : std::to_string(attempt.status);
  }
  if (list.empty() && record.upstream_status != 0) list = std::to_string(record.upstream_status);
  return list;
}

void append_latencies(std::string& out, const RequestRecord& record) {
  constexpr std::int64_t kMilli = 1'000'000;
  bool received = record.source == RequestRecord::Source::Upstream && record.upstream_head_ns != 0;
  ObjectWriter latencies(out);
  latencies.number("request", std::max<std::int64_t>(record.total_ms(), 0));
  latencies.number("kong", std::max<std::int64_t>(record.gateway_latency_ms(), 0));
  latencies.number("proxy", record.upstream_latency_ms());
  latencies.number("receive",
                   received ? std::max<std::int64_t>((record.finished_ns - record.upstream_head_ns) / kMilli, 0) : 0);
}

void append_identity(ObjectWriter& record, const Exchange& ex) {
  const Authenticated& who = ex.authenticated;
  if (who.has_credential) {
    ObjectWriter entity(record.key("authenticated_entity"));
    entity.text("id", who.credential_id);
    if (who.consumer != nullptr) entity.text("consumer_id", who.consumer->id_text);
  }
  if (ex.route != nullptr) append_entity(record.key("route"), ex.directory, *ex.route);
  if (ex.service != nullptr) append_entity(record.key("service"), ex.directory, *ex.service);
  if (who.consumer != nullptr && who.consumer->document) record.raw("consumer", *who.consumer->document);
}

}  // namespace

void append_log_record(std::string& out, const Exchange& ex) {
  const RequestRecord& facts = ex.record;
  ObjectWriter record(out);
  append_request(record.key("request"), ex);
  record.text("upstream_uri", facts.upstream_uri);
  record.text("upstream_status", upstream_statuses(facts));
  append_response(record.key("response"), ex);
  append_latencies(record.key("latencies"), facts);
  append_tries(record.key("tries"), recorded_tries(facts));
  append_identity(record, ex);
  record.text("client_ip", ex.client.forwarded_address.to_string());
  record.number("started_at", facts.started_wall_ms);
  record.text("source", facts.source == RequestRecord::Source::Upstream ? "upstream" : "kong");
  const WorkspaceView workspace = ex.directory->workspace();
  record.text("workspace", workspace.id.to_string());
  record.text("workspace_name", workspace.name);
  if (!facts.correlation_id.empty()) record.text("correlation_id", facts.correlation_id);
}

telemetry::AccessEntryView access_entry(const Exchange& ex) {
  const http::RequestHead& head = ex.request.received;
  const http::Headers& headers = head.headers;
  return {.address = ex.client.forwarded_address,
          .authorization = headers.get(http::Known::Authorization).value_or(std::string_view()),
          .method = head.method,
          .target = head.target,
          .version = http::version_text(head.version),
          .status = ex.record.status,
          .body_octets = ex.record.response_body_size,
          .referer = headers.get("referer").value_or(std::string_view()),
          .user_agent = headers.get(http::Known::UserAgent).value_or(std::string_view()),
          .request_id = ex.id()};
}

}  // namespace sluice::gateway
