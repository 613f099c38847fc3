// SPDX-License-Identifier: Apache-2.0
// What a request is told apart by. Reference gateway.md, 5.1: hash_on, then hash_fallback.
#include "gateway/balancer/selection.h"

#include <algorithm>
#include <string>

#include "base/strings.h"
#include "base/uuid.h"
#include "gateway/balancer/live_service.h"
#include "gateway/exchange.h"
#include "gateway/identity.h"
#include "http/headers.h"

namespace sluice::gateway {
namespace {

using Found = std::optional<std::string_view>;

/// Names of what is looked at, of hash_on or of hash_fallback.
struct Names {
  std::string_view header, query_arg, uri_capture;
};

Found consumer_of(const Exchange& ex) {
  if (ex.authenticated.consumer != nullptr) return std::string_view(ex.authenticated.consumer->id_text);
  if (!ex.authenticated.credential_id.empty()) return ex.authenticated.credential_id;
  return std::nullopt;
}

/// Several lines of one name are one value.
Found header_of(const Exchange& ex, std::string_view name) {
  std::string_view first;
  std::string joined;
  int lines = 0;
  for (const http::Field& field : ex.request.headers) {
    if (!http::same_name(field.name, name)) continue;
    if (++lines == 1) {
      first = field.value;
    } else {
      if (lines == 2) joined = first;
      joined.append(", ").append(field.value);
    }
  }
  if (lines == 0) return std::nullopt;
  return lines == 1 ? first : ex.arena.copy(joined);
}

Found cookie_of(const Exchange& ex, std::string_view name) {
  Found found;
  ex.request.headers.each(http::Known::Cookie, [&](std::string_view line) {
    for (std::string_view pair : split(line, ';')) {
      pair = trim(pair);
      const std::size_t equals = pair.find('=');
      if (found || equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      found = pair.substr(equals + 1);
    }
  });
  return found;
}

/// Several values count whatever their order; a name without a value is "true".
Found query_arg_of(const Exchange& ex, std::string_view name) {
  std::vector<std::string> values;
  for (const std::string_view pair : split(ex.request.query, '&')) {
    const std::size_t equals = pair.find('=');
    if (pair.empty() || form_decode(pair.substr(0, equals)) != name) continue;
    values.push_back(equals == std::string_view::npos ? "true" : form_decode(pair.substr(equals + 1)));
  }
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return ex.arena.copy(join(values, ","));
}

Found capture_of(const Exchange& ex, std::string_view name) {
  for (const auto& [key, value] : ex.captures.named) {
    if (key == name) return value;
  }
  const auto number = parse_int<std::size_t>(name);
  if (number && *number < ex.captures.unnamed.size()) return ex.captures.unnamed[*number];
  return std::nullopt;
}

void give_cookie(Exchange& ex, std::string_view name, std::string_view value, std::string_view path) {
  std::string field(name);
  field.append("=").append(value).append("; Path=").append(path).append("; Same-Site=Lax; HttpOnly");
  ex.slot<AffinityCookie>().field = ex.arena.copy(field);
}

/// The client's, or a new one that it gets to know.
std::string_view lasting_cookie(Exchange& ex, const entity::Upstream& upstream) {
  if (const Found sent = cookie_of(ex, upstream.hash_on_cookie)) return *sent;
  const std::string_view made = ex.arena.copy(Uuid::random().to_string());
  give_cookie(ex, upstream.hash_on_cookie, made, upstream.hash_on_cookie_path);
  return made;
}

Found find_input(Exchange& ex, const entity::Upstream& upstream, std::string_view input, const Names& names) {
  if (input == "consumer") return consumer_of(ex);
  if (input == "ip") return ex.arena.copy(ex.client.forwarded_address.to_string());
  if (input == "header") return header_of(ex, names.header);
  if (input == "cookie") return lasting_cookie(ex, upstream);
  if (input == "path") return ex.request.path;
  if (input == "query_arg") return query_arg_of(ex, names.query_arg);
  if (input == "uri_capture") return capture_of(ex, names.uri_capture);
  return std::nullopt;
}

std::string_view hashed_of(Exchange& ex, const entity::Upstream& upstream) {
  const Names first{upstream.hash_on_header, upstream.hash_on_query_arg, upstream.hash_on_uri_capture};
  if (const Found found = find_input(ex, upstream, upstream.hash_on, first)) return *found;
  const Names second{upstream.hash_fallback_header, upstream.hash_fallback_query_arg,
                     upstream.hash_fallback_uri_capture};
  return find_input(ex, upstream, upstream.hash_fallback, second).value_or(std::string_view{});
}

}  // namespace

Selection selection_for(Exchange& ex, const LiveService& service) {
  Selection selection;
  if (service.algorithm() == Algorithm::ConsistentHashing) {
    selection.hashed = hashed_of(ex, *service.upstream()->settings);
  } else if (service.algorithm() == Algorithm::StickySessions) {
    selection.stuck_to =
        cookie_of(ex, service.upstream()->settings->sticky_sessions_cookie).value_or(std::string_view{});
  }
  return selection;
}

void stick_to(Exchange& ex, const Selection& selection, const LiveService& service, const Peer& peer) {
  if (service.algorithm() != Algorithm::StickySessions || peer.stickiness == selection.stuck_to) return;
  const entity::Upstream& upstream = *service.upstream()->settings;
  give_cookie(ex, upstream.sticky_sessions_cookie, peer.stickiness, upstream.sticky_sessions_cookie_path);
}

}  // namespace sluice::gateway
