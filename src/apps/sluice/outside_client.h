// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "http/plain_client.h"
#include "net/dns/resolver.h"
#include "objects/dialer.h"
#include "settings/settings.h"

namespace sluice::apps {

/// Asks servers that an administrator names. Link-local addresses are refused once it is known that a name means one,
/// before anything is asked: machines in clouds get their credentials there. Belongs to the control reactor.
class OutsideClient {
 public:
  OutsideClient(rt::Reactor& control, const settings::Settings& settings);
  OutsideClient(const OutsideClient&) = delete;
  OutsideClient& operator=(const OutsideClient&) = delete;

  [[nodiscard]] http::Client& client() { return client_; }

 private:
  Task<Result<>> dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                      rt::Deadline deadline);

  std::unique_ptr<net::dns::Resolver> resolver_;  // null: only addresses can be reached
  objects::Dialer dialer_;
  http::PlainClient client_;
};

}  // namespace sluice::apps
