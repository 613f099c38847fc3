// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/client.h"
#include "net/stream.h"
#include "rt/reactor.h"

namespace sluice::http {

/// Opens a connection to host:port, with TLS (verified or not) where asked for.
using Dial = std::function<Task<Result<>>(net::Stream& stream, std::string host, std::uint16_t port, bool tls,
                                          bool verify, rt::Deadline deadline)>;

/// Client over HTTP/1.1, one connection per request: what logs and look-ups of plugins need.
class PlainClient final : public Client {
 public:
  PlainClient(rt::Reactor& reactor, Dial dial) : reactor_(reactor), dial_(std::move(dial)) {}
  Task<Result<ClientResponse>> send(ClientRequest request, rt::Deadline deadline) override;

 private:
  rt::Reactor& reactor_;
  Dial dial_;
};

}  // namespace sluice::http
