// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/cluster_server.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "control/cluster/session.h"
#include "http/websocket/handshake.h"
#include "net/tls/peer.h"
#include "sync/wire/rpc.h"

namespace sluice::control::cluster {
namespace {

Task<void> answer(http::ServerStream& stream, int status, std::string_view why) {
  stream.close_after_response();
  http::ResponseHead head(stream.arena());
  head.status = status;
  head.headers.add("Content-Type", "text/plain; charset=utf-8");
  const std::string text = std::string(why) + "\n";
  http::MemoryBody body(text);
  head.framing = {http::Framing::Kind::Length, text.size()};
  co_await stream.respond(head, &body);
}

/// The value of a parameter of the query; empty when there is none.
std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.substr(0, pair.find('=')) != name || pair.size() <= name.size()) continue;
    return percent_decode_lenient(pair.substr(name.size() + 1));
  }
  return {};
}

Caller caller_of(const http::ServerStream& stream, const net::Stream& connection) {
  Caller caller;
  caller.ip = stream.connection().peer.ip().to_string();
  if (const auto certificate = net::tls::peer_certificate(connection)) {
    caller.certificate_fingerprint = certificate->sha256_hex();
    caller.certificate_expires = store::SysTime(Seconds(certificate->not_after()));
  }
  return caller;
}

/// Protocol 1 says in the URL who comes.
Result<sync::wire::Peer> peer_of(std::string_view query) {
  sync::wire::Peer peer;
  const auto id = Uuid::parse(parameter(query, "node_id"));
  if (!id) return fail(Errc::Invalid, "node_id: expected a UUID", Blame::Client);
  peer.node_id = *id;
  peer.hostname = parameter(query, "node_hostname");
  peer.kong_version = parameter(query, "node_version");
  if (peer.kong_version.empty()) return fail(Errc::Invalid, "node_version: required", Blame::Client);
  return peer;
}

}  // namespace

Task<void> ClusterServer::handle(http::ServerStream& stream) {
  const std::string_view path = stream.request().path;
  if (path.starts_with("/kic/") && ingress_) co_return co_await ingress_(stream);
  if (path == "/v1/outlet") co_return co_await serve(stream, false);
  if (path == "/v2/outlet" && rpc_ == Rpc::On) co_return co_await serve(stream, true);
  co_await answer(stream, 404,
                  rpc_ == Rpc::On ? "This is where data planes connect: /v1/outlet and /v2/outlet"
                                  : "This is where data planes connect: /v1/outlet");
}

Task<void> ClusterServer::serve(http::ServerStream& stream, bool second) {
  const http::RequestHead& request = stream.request();
  if (second && !http::websocket::offers_protocol(request, sync::wire::kMetaProtocol)) {
    co_return co_await answer(stream, 400, "Sec-WebSocket-Protocol: kong.meta.v1 is what is spoken here");
  }
  sync::wire::Peer peer;
  if (!second) {
    auto said = peer_of(request.query);
    if (!said) co_return co_await answer(stream, 400, said.error().what);
    peer = *std::move(said);
  }
  const std::string server_name(stream.connection().tls_info ? stream.connection().tls_info->sni : "");
  auto accepted = co_await http::websocket::accept(stream, second ? sync::wire::kMetaProtocol : "");
  if (!accepted) {
    if (!stream.response_started()) co_await answer(stream, 400, accepted.error().what);
    co_return;
  }
  const auto hub = door_.judge(*accepted->stream, server_name);
  if (!hub) {
    door_.note_refused(stream.connection().peer, hub.error());
    accepted->stream->abort();
    co_return;
  }
  http::websocket::Connection link(*accepted->stream, http::websocket::Role::Server,
                                   {.max_message = kLongestFromNode, .answer_pings = false},
                                   std::move(accepted->early));
  Caller caller = caller_of(stream, *accepted->stream);
  caller.peer = std::move(peer);
  const auto session =
      second ? make_session_v2(*hub, link, std::move(caller)) : make_session_v1(*hub, link, std::move(caller));
  const Door::Guest guest(door_, *accepted->stream, server_name, *hub,
                          [&session](const std::string& why) { session->dismiss(why); });
  co_await session->run();
}

Task<void> ClusterServer::refuse(http::ServerStream& stream, int status, std::string_view why) {
  co_await answer(stream, status, why);
}

}  // namespace sluice::control::cluster
