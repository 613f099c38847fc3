// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/shard.h"
#include "net/tls/server_context.h"
#include "settings/settings.h"

namespace sluice::apps {

/// A certificate chain and its key, in PEM.
struct PemPair {
  std::string certificate;
  std::string key;
};

/// The texts of the files that settings name. Read before the worker gives up its rights, since keys often belong to
/// root, and read again on SIGHUP.
struct Materials {
  std::vector<PemPair> proxy;   // never empty when some listener speaks TLS; at most an RSA and an ECDSA one
  std::vector<PemPair> admin;   // empty: as the proxy
  std::vector<PemPair> status;  // likewise
  std::vector<PemPair> gui;     // likewise
  std::optional<PemPair> client;
  std::vector<std::string> authorities;  // empty: the system's
  std::optional<PemPair> cluster;        // nothing where this node takes part in no cluster
  std::vector<std::string> cluster_authorities;
  std::shared_ptr<const gateway::ErrorTemplates> error_templates;
};

/// What a reload starts from; borrowed.
struct HeldView {
  const settings::Settings& settings;
  const Materials& materials;
};

/// Makes the listeners' own certificate in the prefix where settings name none. The error says which setting is wrong.
/// A file that may not be read any more, since rights were given up, is no error while its setting is what it was: what
/// is `held` of it is kept, with a warning.
Result<Materials> read_materials(const settings::Settings& settings, const HeldView* held = nullptr);

/// How the listeners of the Admin API, the status API and the platform API speak TLS; null where none of them does.
struct AdminTls {
  using Context = std::shared_ptr<const net::tls::ServerContext>;
  Context admin;
  Context admin_http2;
  Context status;
  Context status_http2;
  Context gui;
  Context gui_http2;
};

/// Everything that settings decide and a reload may change.
struct LiveSet {
  gateway::LiveParts gateway;
  AdminTls admin;
};

/// `ticket_keys` stay the same from one set to the next, so that sessions can be resumed after a reload.
Result<LiveSet> make_live_set(const settings::Settings& settings, const Materials& materials,
                              const std::shared_ptr<net::tls::TicketKeys>& ticket_keys);

/// The files of the cluster link alone, as they are now. Errc::Forbidden when they may not be read any more.
Result<std::optional<PemPair>> read_cluster_pair(const settings::Settings& settings);
Result<std::vector<std::string>> read_cluster_authorities(const settings::Settings& settings);

net::dns::Settings dns_settings(const settings::Settings& settings);

}  // namespace sluice::apps
