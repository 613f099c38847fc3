// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "http/message.h"
#include "http/server_stream.h"
#include "net/stream.h"
#include "rt/clock.h"
#include "rt/task.h"

// The opening handshake of RFC 6455, section 4, over HTTP/1.1 and without extensions.
namespace sluice::http::websocket {

/// Sec-WebSocket-Accept for the Sec-WebSocket-Key of a request.
[[nodiscard]] std::string accept_value(std::string_view key);

/// Judges a request as an opening handshake: its key, or why it is none. Errc::Unsupported when it asks for another
/// version of the protocol (the answer is 426 with `Sec-WebSocket-Version: 13`), else Errc::Invalid (400).
[[nodiscard]] Result<std::string> check_request(const RequestHead& head);

/// Whether the request offers that subprotocol.
[[nodiscard]] bool offers_protocol(const RequestHead& head, std::string_view protocol);

/// A connection after its handshake.
struct Accepted {
  net::Stream* stream;  // the server's; valid until the handler of the request is done
  std::string early;    // what the client sent behind its request
};
/// Server side: answers 101 and hands the connection over; `protocol`, if not empty, is chosen and must be one that the
/// client offers. From then on the handler is no longer destroyed when the client hangs up: it sees that as the end of
/// what it receives. Errors as of check_request(), before anything was sent: the caller answers. Errc::Closed or Io:
/// the client has gone.
Task<Result<Accepted>> accept(ServerStream& stream, std::string_view protocol);

/// What open() asks for.
struct OpenRequest {
  std::string host;                                               // value of Host
  std::string target = "/";                                       // path and query
  std::vector<std::pair<std::string, std::string>> headers = {};  // further fields
  std::string protocol = {};                                      // subprotocols, separated by commas; empty: none
};
struct Opened {
  std::string early;     // what the server sent behind its answer
  std::string protocol;  // the one that the server chose; empty: none
};
/// Client side, on a connected stream; `request` lives until it is done: sends the request, reads the 101 and checks
/// it. A refusal is an error whose text is "answered STATUS REASON: " and the first octets of the content:
/// Errc::Forbidden (401, 403), NotFound (404), Unavailable (429, 5xx) or Refused. Errc::Invalid: no answer that RFC
/// 6455 allows.
Task<Result<Opened>> open(net::Stream& stream, const OpenRequest& request, rt::Deadline deadline);

}  // namespace sluice::http::websocket
