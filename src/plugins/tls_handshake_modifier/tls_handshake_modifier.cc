// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>

#include "gateway/plugin.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

/// Works before there is a request: what its rows ask of clients is compiled into what handshakes ask, by server name.
class TlsHandshakeModifier final : public Plugin {
 public:
  static constexpr std::string_view kName = "tls-handshake-modifier";
  static constexpr int kPriority = 997;
  static constexpr Scope kScopes = kRoute | kService;
  static constexpr std::string_view kProtocols[] = {"grpcs", "https", "tls"};
  static constexpr std::string_view kDefaultProtocols[] = {"grpcs", "https"};

  struct Config {
    std::string tls_client_certificate = "REQUEST";

    static void describe(schema::Record<Config>& r) {
      r.doc("Asks clients for a certificate in the TLS handshake, and takes any that they show.");
      r.field<&Config::tls_client_certificate>("tls_client_certificate", "What is done about the client's certificate.")
          .optional()
          .rule(schema::one_of({"REQUEST"}));
    }
  };

  explicit TlsHandshakeModifier(Config /*config*/) {}

  static ClientCertificateRequest client_certificate(const Config& /*config*/) { return {}; }
};

}  // namespace

void add_tls_handshake_modifier(PluginRegistry& registry) {
  registry.add<TlsHandshakeModifier>();
}

}  // namespace sluice::plugins
