// SPDX-License-Identifier: Apache-2.0
#include "http/plain_client.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/arena.h"
#include "base/strings.h"
#include "http/h1/client_connection.h"

namespace sluice::http {
namespace {

struct Target {
  bool tls = false;
  std::string host;
  std::uint16_t port = 80;
  std::string authority;
  std::string path = "/";
};

Result<Target> parse_url(std::string_view url) {
  Target target;
  if (url.starts_with("https://")) {
    target.tls = true;
    target.port = 443;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return fail(Errc::Invalid, "URL is neither http:// nor https://");
  }
  std::size_t end = std::min(url.find_first_of("/?"), url.size());
  std::string_view authority = url.substr(0, end);
  if (end < url.size())
    target.path = url[end] == '/' ? std::string(url.substr(end)) : "/" + std::string(url.substr(end));
  if (std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  target.authority = authority;
  std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    TRY(target.port, parse_int<std::uint16_t>(authority.substr(colon + 1)));
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  target.host = authority;
  if (target.host.empty()) return fail(Errc::Invalid, "URL without a host");
  return target;
}

}  // namespace

Task<Result<ClientResponse>> PlainClient::send(ClientRequest request, rt::Deadline deadline) {
  CO_TRY(Target target, parse_url(request.url));
  h1::ClientConnection connection(reactor_);
  CO_TRY(co_await dial_(connection.stream(), target.host, target.port, target.tls, request.verify_tls, deadline));

  Arena arena;
  RequestHead head(arena);
  head.method = request.method;
  head.target = target.path;
  head.authority = target.authority;
  for (const auto& [name, value] : request.headers) head.headers.add_view(name, value);
  const bool has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (has_body) head.framing = {Framing::Kind::Length, request.body.size()};

  std::int64_t left_ms = std::max<std::int64_t>(1, deadline.at_ms - reactor_.clock().mono_ms());
  h1::ClientExchange exchange(connection, arena, {left_ms, left_ms});
  MemoryBody body(request.body);
  CO_TRY(co_await exchange.send(head, has_body ? &body : nullptr));
  ResponseHead answer(arena);
  CO_TRY(co_await exchange.receive(answer));

  ClientResponse response;
  response.status = answer.status;
  for (const Field& field : answer.headers) response.headers.emplace_back(field.name, field.value);
  BodyReader* content = exchange.body();
  for (bool last = content == nullptr; !last;) {
    if (deadline.passed(reactor_.clock())) co_return fail(Errc::Timeout, "the answer took too long", Blame::Upstream);
    CO_TRY(Chunk chunk, co_await content->read());
    if (response.body.size() + chunk.bytes.size() > request.max_response) {
      co_return fail(Errc::TooLarge, "response larger than expected", Blame::Upstream);
    }
    response.body.append(chunk.bytes);
    last = chunk.last;
  }
  co_return response;
}

}  // namespace sluice::http
