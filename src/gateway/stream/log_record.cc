// SPDX-License-Identifier: Apache-2.0
// Log records and access log of stream sessions. Reference plugins-transform-observe.md, section 8; gateway.md, 9.3.
#include "gateway/log_record.h"

#include <algorithm>
#include <cstdint>

#include "crypto/presented_certificate.h"
#include "gateway/log_members.h"

namespace sluice::gateway {
namespace {

void append_session(std::string& out, const StreamSession& session) {
  const telemetry::StreamRecord& facts = session.record;
  ObjectWriter members(out);
  if (!session.tls_version.empty()) {
    ObjectWriter tls(members.key("tls"));
    tls.text("version", session.tls_version);
    tls.text("cipher", session.tls_cipher);
    tls.text("client_verify", session.certificate ? std::string_view(session.certificate->verification()) : "NONE");
  }
  members.number("received", facts.received);
  members.number("sent", facts.sent);
  members.number("status", facts.status);
  members.number("server_port", session.client.local_port);
}

}  // namespace

void append_log_record(std::string& out, const StreamSession& session) {
  const telemetry::StreamRecord& facts = session.record;
  ObjectWriter record(out);
  append_session(record.key("session"), session);
  {
    ObjectWriter upstream(record.key("upstream"));
    upstream.number("received", facts.upstream_received);
    upstream.number("sent", facts.upstream_sent);
  }
  {
    ObjectWriter latencies(record.key("latencies"));
    latencies.number("kong", std::max<std::int64_t>(facts.gateway_latency_ms(), 0));
    latencies.number("session", std::max<std::int64_t>(facts.session_ms(), 0));
  }
  append_tries(record.key("tries"), facts.tries.first(facts.try_count));
  if (session.route != nullptr) append_entity(record.key("route"), session.directory, *session.route);
  if (session.service != nullptr) append_entity(record.key("service"), session.directory, *session.service);
  record.text("client_ip", session.client.forwarded_address.to_string());
  record.number("started_at", facts.started_wall_ms);
  const WorkspaceView workspace = session.directory->workspace();
  record.text("workspace", workspace.id.to_string());
  record.text("workspace_name", workspace.name);
}

telemetry::StreamEntryView access_entry(const StreamSession& session) {
  return {.address = session.client.forwarded_address,
          .protocol = session.transport == Transport::Udp ? "UDP" : "TCP",
          .status = session.record.status,
          .sent = session.record.sent,
          .received = session.record.received,
          .session_ms = std::max<std::int64_t>(session.record.session_ms(), 0)};
}

}  // namespace sluice::gateway
