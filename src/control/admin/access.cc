// SPDX-License-Identifier: Apache-2.0
#include "control/admin/access.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "control/iam/session_cookie.h"
#include "crypto/hash.h"

namespace sluice::control::admin {
namespace {

constexpr std::array<std::string_view, 3> kLoopback = {"localhost", "127.0.0.1", "[::1]"};

/// "example.test" of "example.test:8001", "[::1]" of "[::1]:8001".
std::string_view host_name(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

/// The authority of an origin or URL, "example.test:8002" of "https://example.test:8002/x".
std::string_view authority_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

/// "https://example.test:8002" of a URL with a path.
std::string_view origin_of(std::string_view url) {
  const std::string_view authority = authority_of(url);
  return authority.empty() ? authority : url.substr(0, url.find("://") + 3 + authority.size());
}

bool is_loopback_name(std::string_view host) {
  return std::ranges::any_of(kLoopback, [&](std::string_view name) { return iequals(name, host); });
}

bool is_loopback(const net::Address& address) {
  return !address.is_set() || address.ip().is_loopback();
}

std::optional<std::string_view> shown_token(const http::RequestHead& request) {
  if (const auto token = request.headers.get("Kong-Admin-Token")) return token;
  constexpr std::string_view kBearer = "bearer ";
  const auto authorization = request.headers.get("Authorization");
  if (!authorization || !istarts_with(*authorization, kBearer)) return std::nullopt;
  return trim(authorization->substr(kBearer.size()));
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

Reply unauthorized() {
  Reply reply = Reply::message(401, "Unauthorized");
  reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

}  // namespace

Access::Access(const settings::Settings& settings, const iam::TokenBook* tokens, const iam::Accounts* accounts,
               Sessions sessions)
    : settings_(settings), credentials_(settings, tokens, accounts), sessions_(sessions) {}

bool Access::known_host(std::string_view authority) const {
  const std::string_view host = host_name(authority);
  if (is_loopback_name(host)) return true;
  return std::ranges::any_of(settings_.admin_gui_url,
                             [&](const std::string& url) { return iequals(host_name(authority_of(url)), host); });
}

bool Access::known_origin(std::string_view origin) const {
  if (is_loopback_name(host_name(authority_of(origin)))) return true;
  return std::ranges::any_of(settings_.admin_gui_url,
                             [&](const std::string& url) { return iequals(origin_of(url), origin); });
}

bool Access::is_preflight(const http::RequestHead& request) const {
  return request.method == "OPTIONS" && request.headers.has("Origin") &&
         request.headers.has("Access-Control-Request-Method");
}

std::optional<Reply> Access::check_host(const http::RequestHead& request,
                                        const http::ConnectionInfo& connection) const {
  const bool guarded = credentials_.needed();
  // Beyond loopback any name may lead here; there the token alone decides.
  if ((guarded && !is_loopback(connection.local)) || known_host(request.authority)) return std::nullopt;
  return Reply::message(403, "Host is not allowed: use localhost, an address of loopback or that of admin_gui_url");
}

std::optional<Reply> Access::enter(const http::RequestHead& request, const http::ConnectionInfo& connection,
                                   iam::Principal& who) const {
  if (auto refusal = check_host(request, connection)) return refusal;
  if (!credentials_.needed()) {
    const auto origin = request.headers.get("Origin");
    if (origin && !known_origin(*origin)) return Reply::message(403, "Origin is not allowed");
    who = {iam::Kind::Local, "local"};
    return std::nullopt;
  }
  if (is_preflight(request)) {  // browsers send it without credentials; it reads and changes nothing
    who = {iam::Kind::Local, "preflight"};
    return std::nullopt;
  }
  return identify(request, connection, who);
}

std::optional<Reply> Access::identify(const http::RequestHead& request, const http::ConnectionInfo& connection,
                                      iam::Principal& who) const {
  const auto token = shown_token(request);
  if (!token && sessions_ == Sessions::Taken) return enter_with_session(request, connection, who);
  auto principal = token ? credentials_.by_token(*token) : std::nullopt;
  if (!principal) return unauthorized();
  who = *std::move(principal);
  return std::nullopt;
}

/// A browser sends its cookie whoever made the page that asks. SameSite keeps other sites out, but not other ports of
/// this host; and whoever can neither read our pages nor guess cannot have the header.
std::optional<Reply> Access::enter_with_session(const http::RequestHead& request,
                                                const http::ConnectionInfo& connection, iam::Principal& who) const {
  const auto transport = connection.tls ? iam::Transport::Tls : iam::Transport::Plain;
  const auto text = iam::shown_session(request, transport);
  auto principal = text ? credentials_.by_session(*text) : std::nullopt;
  if (!principal) return unauthorized();
  if (!is_own_page(request)) return Reply::message(403, "Origin is not allowed");
  const auto shown = request.headers.get("X-CSRF-Token");
  const bool meant = shown && crypto::constant_time_equal(*shown, iam::csrf_token(*text));
  if (!is_safe(request.method) && !meant) return Reply::message(403, "X-CSRF-Token is missing or wrong");
  who = *std::move(principal);
  return std::nullopt;
}

bool Access::is_own_page(const http::RequestHead& request) const {
  const auto is_console = [&](std::string_view origin) {
    const auto same = [&](const std::string& url) { return iequals(origin_of(url), origin); };
    return iequals(authority_of(origin), request.authority) || std::ranges::any_of(settings_.admin_gui_url, same);
  };
  if (const auto origin = request.headers.get("Origin")) return is_console(*origin);
  const auto site = request.headers.get("Sec-Fetch-Site");
  return !site || *site == "same-origin" || *site == "none";
}

void Access::add_cors(const http::RequestHead& request, Reply& reply) const {
  const auto origin = request.headers.get("Origin");
  reply.headers.emplace_back("Vary", "Origin");
  if (!origin || !known_origin(*origin)) return;
  reply.headers.emplace_back("Access-Control-Allow-Origin", *origin);
  reply.headers.emplace_back("Access-Control-Allow-Credentials", "true");
}

std::string_view Access::allowed_headers() const {
  if (!credentials_.needed()) return "Content-Type";
  return "Content-Type, Authorization, Kong-Admin-Token, X-CSRF-Token";
}

}  // namespace sluice::control::admin
