// SPDX-License-Identifier: Apache-2.0
// Reference plugins-auth-traffic.md, mtls-auth.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "crypto/presented_certificate.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/auth_kit.h"
#include "plugins/mtls_auth/revocation_checks.h"
#include "plugins/mtls_auth/verified_clients.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

constexpr std::string_view kDnHeader = "X-Client-Cert-Dn";
constexpr std::string_view kSanHeader = "X-Client-Cert-San";

/// A time of the configuration, which may be anything: 31,000 years of milliseconds are enough.
std::int64_t bounded(double figure) {
  return static_cast<std::int64_t>(std::clamp(figure, 0.0, 1e15));
}

/// Verifies certificates of clients at each request, so that one which ends, or whose authority goes, ends with it on
/// connections that stand, and a resumed session counts for no more than what it shows; and finds whose they are.
class MtlsAuth final : public Plugin {
 public:
  static constexpr std::string_view kName = "mtls-auth";
  static constexpr int kPriority = 1600;
  static constexpr Scope kScopes = kRoute | kService;

  struct Config {
    std::vector<std::string> ca_certificates;
    bool allow_partial_chain = false;
    std::optional<std::string> anonymous;
    std::optional<std::string> default_consumer;
    std::vector<std::string> consumer_by = {"custom_id", "username"};
    bool skip_consumer_lookup = false;
    std::string authenticated_group_by = "CN";
    bool send_ca_dn = false;
    double cache_ttl = 60;
    std::string revocation_check_mode = "IGNORE_CA_ERROR";
    double http_timeout = 30'000;
    double cert_cache_ttl = 60'000;
    std::optional<std::string> http_proxy_host;
    std::optional<std::int64_t> http_proxy_port;
    std::optional<std::string> https_proxy_host;
    std::optional<std::int64_t> https_proxy_port;

    static void describe(schema::Record<Config>& r);
  };

  static std::vector<std::pair<std::string, std::string>> check(const Config& config);

  static ClientCertificateRequest client_certificate(const Config& config) {
    return {.authorities = authorities_of(config), .names_authorities = config.send_ca_dn};
  }

  MtlsAuth(Config config, const PluginIdentity& /*identity*/, PluginHost& host)
      : config_(std::move(config)),
        anonymous_(config_.anonymous),
        default_consumer_(config_.default_consumer),
        clients_(
            authorities_of(config_),
            config_.allow_partial_chain ? crypto::ChainVerifier::Anchors::All : crypto::ChainVerifier::Anchors::Roots,
            bounded(config_.cache_ttl * 1000)) {
    if (config_.revocation_check_mode == "SKIP") return;
    const bool strict = config_.revocation_check_mode == "STRICT";
    using Doubt = RevocationChecks::Doubt;
    revocation_.emplace(RevocationChecks::Terms{.doubt = strict ? Doubt::Refuses : Doubt::Admits,
                                                .timeout_ms = bounded(config_.http_timeout),
                                                .keep_s = bounded(config_.cert_cache_ttl)},
                        host);
  }

  Task<Verdict> on_request(Exchange& ex) override {
    strip_claimed_identity(ex);
    ex.request.headers.remove(kDnHeader);
    ex.request.headers.remove(kSanHeader);
    if (anonymous_.satisfied_by_another(ex)) return Next{};
    const crypto::PresentedCertificate* shown = ex.client.certificate;
    if (shown == nullptr) return refuse(ex, "No required TLS certificate was sent");
    auto client = clients_.verify(*shown, *ex.directory, ex.clock());
    if (!client) return refuse_shown(ex, client.error().what);
    if (!revocation_) return admit(ex, **client);
    const std::optional<bool> may_pass = revocation_->known((*client)->digest);
    if (!may_pass) return ask_and_judge(ex, *std::move(client));
    return judge(ex, **client, *may_pass);
  }

 private:
  static std::vector<Uuid> authorities_of(const Config& config) {
    std::vector<Uuid> ids;
    for (const std::string& text : config.ca_certificates) {
      if (const auto id = Uuid::parse(text)) ids.push_back(*id);
    }
    return ids;
  }

  Task<Verdict> ask_and_judge(Exchange& ex, VerifiedClients::Ref client) {
    const bool may_pass = co_await revocation_->ask(client->digest, client);
    co_return judge(ex, *client, may_pass);
  }

  [[nodiscard]] Verdict judge(Exchange& ex, const VerifiedClient& client, bool may_pass) const {
    return may_pass ? admit(ex, client) : refuse_shown(ex, "revoked, or nobody says that it is not");
  }

  [[nodiscard]] Verdict admit(Exchange& ex, const VerifiedClient& client) const {
    if (config_.skip_consumer_lookup) return admit_by_group(ex, client);
    for (const std::string& name : client.names) {
      if (const Credential* credential = credential_for(ex, client, name)) {
        return authenticate_owner(ex, *credential, credential->id_text);
      }
    }
    for (const std::string& name : client.names) {
      if (const Consumer* consumer = consumer_called(ex, name)) return identify(ex, *consumer, name);
    }
    if (default_consumer_.configured()) {
      const Consumer* consumer = default_consumer_.find(*ex.directory);
      if (consumer != nullptr) return identify(ex, *consumer, ex.client.certificate->subject());
      return Reply{500, "default consumer " + default_consumer_.name() + " is configured but doesn't exist"};
    }
    return refuse_shown(ex, "no consumer for the names of the certificate");
  }

  /// A credential for this authority before one for any.
  [[nodiscard]] static const Credential* credential_for(Exchange& ex, const VerifiedClient& client,
                                                        std::string_view name) {
    constexpr std::string_view kCollection = "mtls_auth_credentials";
    for (const Uuid& authority : client.authorities) {
      if (const auto* found = find_unexpired(ex, kCollection, qualified_identity(authority, name))) return found;
    }
    return find_unexpired(ex, kCollection, qualified_identity({}, name));
  }

  [[nodiscard]] const Consumer* consumer_called(const Exchange& ex, std::string_view name) const {
    const auto by = [this](std::string_view field) { return std::ranges::count(config_.consumer_by, field) > 0; };
    const Consumer* consumer = by("username") ? ex.directory->consumer_by_username(name) : nullptr;
    if (consumer == nullptr && by("custom_id")) consumer = ex.directory->consumer_by_custom_id(name);
    return consumer;
  }

  /// There is no row: the certificate itself is the credential.
  static Verdict identify(Exchange& ex, const Consumer& consumer, std::string_view name) {
    auto& credential = *ex.make<Credential>();
    credential.id_text = ex.client.certificate->fingerprint();
    credential.consumer_id = consumer.id;
    ex.authenticate(consumer, &credential, ex.arena.copy(name));
    return Next{};
  }

  [[nodiscard]] Verdict admit_by_group(Exchange& ex, const VerifiedClient& client) const {
    const crypto::PresentedCertificate& shown = *ex.client.certificate;
    ex.authenticated = {};
    ex.authenticated.has_credential = true;
    ex.authenticated.credential_id = ex.arena.copy(shown.fingerprint());
    const std::string& group = config_.authenticated_group_by == "CN" ? client.common_name : shown.subject();
    if (!group.empty()) ex.authenticated.groups = {group};
    if (!shown.subject().empty()) ex.request.headers.set(kDnHeader, shown.subject());
    if (!client.names.empty()) ex.request.headers.set(kSanHeader, join(client.names, ","));
    return Next{};
  }

  [[nodiscard]] Verdict refuse(Exchange& ex, std::string_view message) const {
    return anonymous_.take_over_or(ex, Reply{401, std::string(message)});
  }

  /// Clients are not told why.
  [[nodiscard]] Verdict refuse_shown(Exchange& ex, std::string_view reason) const {
    log::debug("mtls_auth.refused", {{"subject", ex.client.certificate->subject()}, {"reason", reason}});
    return refuse(ex, "TLS certificate failed verification");
  }

  const Config config_;
  const Anonymous anonymous_;
  const NamedConsumer default_consumer_;
  VerifiedClients clients_;
  std::optional<RevocationChecks> revocation_;  // nothing: nobody is asked
};

void MtlsAuth::Config::describe(schema::Record<Config>& r) {
  r.doc("Identifies clients by the certificates that they show in the TLS handshake.");
  r.field<&Config::ca_certificates>("ca_certificates", "Authorities (ids of ca_certificates) that are believed.")
      .required()
      .each(schema::uuid());
  r.field<&Config::allow_partial_chain>("allow_partial_chain", "Believe listed intermediate authorities as they are.");
  r.field<&Config::anonymous>("anonymous", "Consumer (id or name) that clients without a valid certificate become.");
  r.field<&Config::default_consumer>("default_consumer",
                                     "Consumer (id or name) that clients become whose names belong to none.");
  r.field<&Config::consumer_by>("consumer_by", "What the names in a certificate are compared with; none: nothing.")
      .optional()
      .as_set()
      .each(schema::one_of({"username", "custom_id"}));
  r.field<&Config::skip_consumer_lookup>("skip_consumer_lookup", "Admit every verified client, as no consumer.");
  r.field<&Config::authenticated_group_by>("authenticated_group_by",
                                           "With skip_consumer_lookup, the client's group: its common name or its DN.")
      .optional()
      .rule(schema::one_of({"CN", "DN"}));
  r.field<&Config::send_ca_dn>("send_ca_dn", "Tell clients in the handshake which authorities are believed.");
  r.field<&Config::cache_ttl>("cache_ttl", "Seconds for which a client is not verified again; 0: it always is.");
  r.field<&Config::revocation_check_mode>("revocation_check_mode", "Whether authorities are asked for revocation.")
      .optional()
      .rule(schema::one_of({"SKIP", "IGNORE_CA_ERROR", "STRICT"}));
  r.field<&Config::http_timeout>("http_timeout", "For questions to authorities, in milliseconds.");
  r.field<&Config::cert_cache_ttl>("cert_cache_ttl", "Seconds for which answers of authorities are believed.");
  r.field<&Config::http_proxy_host>("http_proxy_host", "Proxy on the way to authorities.").rule(schema::host());
  r.field<&Config::http_proxy_port>("http_proxy_port", "Its port.").rule(schema::port());
  r.field<&Config::https_proxy_host>("https_proxy_host", "Proxy on the way to authorities.").rule(schema::host());
  r.field<&Config::https_proxy_port>("https_proxy_port", "Its port.").rule(schema::port());
}

std::vector<std::pair<std::string, std::string>> MtlsAuth::check(const Config& config) {
  std::vector<std::pair<std::string, std::string>> problems;
  auto refuse = [&problems](const char* field, bool is_set) {
    if (is_set) problems.emplace_back(field, "authorities are asked directly: proxies are not supported yet");
  };
  refuse("http_proxy_host", config.http_proxy_host.has_value());
  refuse("http_proxy_port", config.http_proxy_port.has_value());
  refuse("https_proxy_host", config.https_proxy_host.has_value());
  refuse("https_proxy_port", config.https_proxy_port.has_value());
  return problems;
}

}  // namespace

void add_mtls_auth(PluginRegistry& registry) {
  registry.add<MtlsAuth>();
}

}  // namespace sluice::plugins
