// SPDX-License-Identifier: Apache-2.0
#include "gateway/stream/stream_match.h"

namespace sluice::gateway {

router::MatchInput match_input(const StreamSession& session) {
  router::MatchInput input;
  input.protocol = session.client.tls                    ? expr::Protocol::Tls
                   : session.transport == Transport::Udp ? expr::Protocol::Udp
                                                         : expr::Protocol::Tcp;
  input.sni = session.sni;
  input.src_ip = session.client.forwarded_address;
  input.src_port = session.client.forwarded_port;
  input.dst_ip = session.client.local_address;
  input.dst_port = session.client.local_port;
  return input;
}

std::string hashed_of(const StreamSession& session, const LiveService& service) {
  if (service.algorithm() != Algorithm::ConsistentHashing) return {};
  const entity::Upstream& upstream = *service.upstream()->settings;
  const bool by_address = upstream.hash_on == "ip" || upstream.hash_fallback == "ip";
  return by_address ? session.client.forwarded_address.to_string() : std::string();
}

}  // namespace sluice::gateway
