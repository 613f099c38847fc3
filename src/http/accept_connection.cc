// SPDX-License-Identifier: Apache-2.0
#include "http/accept_connection.h"

#include <string_view>
#include <utility>

#include "http/h2/preface.h"
#include "net/proxy_protocol.h"
#include "net/tls/handshake.h"

namespace sluice::http {
namespace {

constexpr std::string_view kPlainOnTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 50\r\nConnection: "
    "close\r\n\r\n"
    "The plain HTTP request was sent to HTTPS port 400\n";

}  // namespace

Task<Result<>> accept_connection(net::Stream& stream, ConnectionInfo& info, std::string& early, AcceptTerms terms,
                                 rt::Deadline deadline) {
  if (terms.proxy_protocol) {
    CO_TRY(net::ProxyHeader header, co_await net::read_proxy_header(stream, deadline));
    if (header.source.is_set()) info.peer = header.source;
    if (header.destination.is_set()) info.local = header.destination;
  }
  if (terms.admit && !terms.admit(info.peer))
    co_return fail(Errc::Refused, "too many connections of one client", Blame::Client);
  if (terms.tls) {
    Result<> shaken =
        co_await net::tls::accept(stream, std::move(terms.context), std::move(terms.identities), deadline);
    if (!shaken) {
      // Plain HTTP where TLS is spoken: say so in the only language that the client understands.
      if (shaken.error().code == Errc::Unsupported) CO_TRY(co_await stream.write_all(kPlainOnTls, deadline));
      co_return shaken;
    }
    info.tls = true;
    info.tls_info = std::make_unique<const net::TlsInfo>(stream.layer()->info());
  } else if (terms.http2) {
    CO_TRY(co_await h2::sniff_preface(stream, early, deadline));
  }
  co_return Result<>{};
}

}  // namespace sluice::http
