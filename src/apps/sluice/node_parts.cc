// SPDX-License-Identifier: Apache-2.0
#include "node_parts.h"

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <tuple>

#include <fcntl.h>
#include <unistd.h>

#include "apps/process/replace_file.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/strings.h"
#include "configuration.h"
#include "gateway_options.h"
#include "net/tls/self_signed.h"
#include "settings/table.h"

namespace sluice::apps {
namespace {

using Settings = settings::Settings;

constexpr std::string_view kPemMark = "-----BEGIN";

/// Why a file could not be read, for a decision.
Errc unread(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool forbidden = fd < 0 && errno == EACCES;
  if (fd >= 0) ::close(fd);
  return forbidden ? Errc::Forbidden : Errc::NotFound;
}

/// A setting's PEM text: itself, the content of the file that it names, or in base64.
Result<std::string> pem_text(std::string_view setting, const std::string& value) {
  if (value.find(kPemMark) != std::string::npos) return value;
  auto file = read_file(value);
  if (file) return *std::move(file);
  if (auto decoded = base64_decode(value); decoded && decoded->find(kPemMark) != std::string::npos) return decoded;
  return fail(unread(value), std::string(setting) + ": " + file.error());
}

Result<std::vector<PemPair>> pem_pairs(std::string_view setting, const std::vector<std::string>& certificates,
                                       const std::vector<Secret<std::string>>& keys) {
  std::vector<PemPair> pairs;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    TRY(std::string certificate, pem_text(setting, certificates[i]));
    TRY(std::string key, pem_text(std::string(setting) + "_key", keys[i].reveal()));
    pairs.push_back({std::move(certificate), std::move(key)});
  }
  if (pairs.size() > 2) return fail(Errc::Unsupported, std::string(setting) + ": at most one RSA and one ECDSA");
  return pairs;
}

Result<std::optional<PemPair>> cluster_pair(const Settings& settings) {
  if (settings.cluster_cert.empty()) return std::nullopt;
  TRY(auto pairs, pem_pairs("cluster_cert", {settings.cluster_cert}, {settings.cluster_cert_key}));
  return std::move(pairs.front());
}

Result<std::vector<std::string>> cluster_authorities(const Settings& settings) {
  if (settings.cluster_ca_cert.empty()) return std::vector<std::string>{};
  TRY(std::string text, pem_text("cluster_ca_cert", settings.cluster_ca_cert));
  return std::vector<std::string>{std::move(text)};
}

/// Made at the first start and kept.
Result<PemPair> own_pair(const Settings& settings) {
  const std::string cert_path = settings::below_prefix(settings, "ssl/sluice-default.crt");
  const std::string key_path = settings::below_prefix(settings, "ssl/sluice-default.key");
  auto cert = read_file(cert_path);
  auto key = read_file(key_path);
  if (cert && key) return PemPair{*std::move(cert), *std::move(key)};
  for (const std::string& path : {cert_path, key_path}) {
    if (unread(path) == Errc::Forbidden) return fail(Errc::Forbidden, "cannot read " + path + ": Permission denied");
  }
  TRY(net::tls::PemPair made, net::tls::make_self_signed({"localhost"}));
  for (const auto& [path, text, mode] : {std::tuple("ssl/sluice-default.crt", &made.certificate, mode_t{0644}),
                                         std::tuple("ssl/sluice-default.key", &made.key, mode_t{0600})}) {
    if (auto kept = process::replace_file(settings.prefix, path, *text, mode); !kept) {
      log::warn("tls.own_certificate_not_kept", {{"error", kept.error()}});
    }
  }
  return PemPair{made.certificate, made.key};
}

bool speaks_tls(const std::vector<settings::Listener>& listeners) {
  return std::any_of(listeners.begin(), listeners.end(), [](const auto& listener) { return listener.ssl; });
}

Result<gateway::ErrorTemplate> error_template(std::string_view setting, const std::string& path) {
  if (path.empty()) return gateway::ErrorTemplate{};
  auto text = read_file(path);
  if (!text) return fail(unread(path), std::string(setting) + ": " + text.error());
  auto made = gateway::ErrorTemplate::parse(*text);
  if (!made) return fail(std::string(setting) + ": " + path + ": ", made.error());
  return made;
}

Result<std::shared_ptr<const gateway::ErrorTemplates>> error_templates(const Settings& settings) {
  auto templates = std::make_shared<gateway::ErrorTemplates>();
  TRY(templates->html, error_template("error_template_html", settings.error_template_html));
  TRY(templates->json, error_template("error_template_json", settings.error_template_json));
  TRY(templates->xml, error_template("error_template_xml", settings.error_template_xml));
  TRY(templates->plain, error_template("error_template_plain", settings.error_template_plain));
  return templates;
}

Result<std::shared_ptr<const net::tls::IdentitySet>> identity_set(const std::vector<PemPair>& pairs) {
  TRY(net::tls::Identity first, net::tls::Identity::from_pem(pairs[0].certificate, pairs[0].key));
  if (pairs.size() == 1) return net::tls::IdentitySet::of(std::move(first));
  TRY(net::tls::Identity second, net::tls::Identity::from_pem(pairs[1].certificate, pairs[1].key));
  return net::tls::IdentitySet::of(std::move(first), std::move(second));
}

Result<net::tls::Profile> tls_profile(const Settings& settings) {
  net::tls::Profile profile;
  if (settings.ssl_cipher_suite == settings::CipherSuite::Custom) {
    profile = net::tls::Profile::custom(settings.ssl_ciphers);
  } else {
    const bool modern = settings.ssl_cipher_suite == settings::CipherSuite::Modern;
    TRY(profile, net::tls::Profile::named(modern ? "modern" : "intermediate"));
    if (modern) return profile;  // which is TLS 1.3 alone
  }
  std::string versions;
  if (settings.ssl_protocols.v1_2) versions += "TLSv1.2 ";
  if (settings.ssl_protocols.v1_3) versions += "TLSv1.3";
  TRY(profile.set_protocols(versions));
  return profile;
}

/// The contexts of one group of listeners, which differ in what ALPN offers.
struct ContextPair {
  std::shared_ptr<const net::tls::ServerContext> http1;
  std::shared_ptr<const net::tls::ServerContext> http2;
};

class ContextMaker {
 public:
  ContextMaker(const Settings& settings, const std::shared_ptr<net::tls::TicketKeys>& keys)
      : settings_(settings), keys_(keys) {}

  Result<ContextPair> make(const std::vector<settings::Listener>& listeners, const std::vector<PemPair>& pairs,
                           std::string policy) const {
    if (!speaks_tls(listeners)) return ContextPair{};
    TRY(net::tls::ServerSettings tls, server_settings(pairs, std::move(policy)));
    tls.alpn = {"http/1.1"};
    ContextPair made;
    TRY(made.http1, net::tls::ServerContext::make(tls, keys_));
    tls.alpn = {"h2", "http/1.1"};
    TRY(made.http2, net::tls::ServerContext::make(std::move(tls), keys_));
    return made;
  }

  /// Of what is spoken in a stream nobody here knows anything: ALPN is left to both ends, which do not ask. Null when
  /// no listener speaks TLS.
  Result<std::shared_ptr<const net::tls::ServerContext>> make_for_streams(
      const std::vector<settings::Listener>& listeners, const std::vector<PemPair>& pairs) const {
    if (!speaks_tls(listeners)) return nullptr;
    TRY(net::tls::ServerSettings tls, server_settings(pairs, "stream"));
    tls.alpn.clear();
    return net::tls::ServerContext::make(std::move(tls), keys_);
  }

 private:
  [[nodiscard]] Result<net::tls::ServerSettings> server_settings(const std::vector<PemPair>& pairs,
                                                                 std::string policy) const {
    net::tls::ServerSettings tls;
    TRY(tls.profile, tls_profile(settings_));
    TRY(tls.identity, identity_set(pairs));
    tls.tickets = settings_.ssl_session_tickets;
    tls.session_timeout_s = settings_.ssl_session_timeout.count() / 1000;
    tls.policy = std::move(policy);
    return tls;
  }

  const Settings& settings_;
  const std::shared_ptr<net::tls::TicketKeys>& keys_;
};

Result<gateway::UpstreamTrust> upstream_trust(const Settings& settings, const Materials& materials) {
  gateway::UpstreamTrust trust;
  trust.verify = settings.upstream_tls_verify;
  trust.verify_depth = static_cast<int>(settings.lua_ssl_verify_depth);
  if (materials.authorities.empty()) {
    TRY(trust.store, net::tls::TrustStore::system());
  } else {
    TRY(trust.store, net::tls::TrustStore::from_pem(materials.authorities));
  }
  if (materials.client) {
    TRY(auto identity, net::tls::Identity::from_pem(materials.client->certificate, materials.client->key));
    trust.identity = std::make_shared<const net::tls::Identity>(std::move(identity));
  }
  return trust;
}

Result<std::vector<PemPair>> proxy_pairs(const Settings& settings) {
  TRY(auto pairs, pem_pairs("ssl_cert", settings.ssl_cert, settings.ssl_cert_key));
  const bool tls = speaks_tls(settings.proxy_listen) || speaks_tls(settings.stream_listen) ||
                   speaks_tls(settings.admin_listen) || speaks_tls(settings.status_listen) ||
                   speaks_tls(settings.admin_gui_listen);
  if (tls && pairs.empty()) {
    TRY(PemPair own, own_pair(settings));
    pairs.push_back(std::move(own));
  }
  return pairs;
}

Result<std::optional<PemPair>> client_pair(const Settings& settings) {
  if (!settings.client_ssl) return std::nullopt;
  TRY(std::string certificate, pem_text("client_ssl_cert", settings.client_ssl_cert));
  TRY(std::string key, pem_text("client_ssl_cert_key", settings.client_ssl_cert_key.reveal()));
  return PemPair{std::move(certificate), std::move(key)};
}

Result<std::vector<std::string>> authorities(const Settings& settings) {
  std::vector<std::string> texts;
  for (const std::string& entry : settings.lua_ssl_trusted_certificate) {
    if (entry == "system") continue;
    TRY(std::string text, pem_text("lua_ssl_trusted_certificate", entry));
    texts.push_back(std::move(text));
  }
  return texts;
}

/// Reads materials part by part, and keeps what is held of one that may not be read any more.
class MaterialReader {
 public:
  MaterialReader(const Settings& settings, const HeldView* held) : settings_(settings), held_(held) {
    if (held != nullptr) changes_ = settings::changes(held->settings, settings);
  }

  /// `names` are the settings that the part depends on.
  template <class Part, class Read>
  Result<> take(Part Materials::* part, std::initializer_list<std::string_view> names, Read read) {
    auto fresh = read(settings_);
    if (fresh) {
      made_.*part = *std::move(fresh);
      return {};
    }
    const bool may_keep = held_ != nullptr && fresh.error().code == Errc::Forbidden &&
                          std::ranges::none_of(names, [this](std::string_view name) { return has_changed(name); });
    if (!may_keep) return std::unexpected(std::move(fresh).error());
    log::warn("config.file_kept", {{"setting", *names.begin()}, {"error", fresh.error()}});
    made_.*part = held_->materials.*part;
    return {};
  }
  Materials finish() { return std::move(made_); }

 private:
  [[nodiscard]] bool has_changed(std::string_view name) const {
    return std::ranges::find(changes_, name, &settings::Change::name) != changes_.end();
  }

  const Settings& settings_;
  const HeldView* held_;
  std::vector<settings::Change> changes_;
  Materials made_;
};

/// CNAME is followed by whoever is asked for addresses.
std::vector<net::dns::RecordType> record_types(const std::vector<settings::DnsRecord>& order) {
  std::vector<net::dns::RecordType> types;
  for (const settings::DnsRecord record : order) {
    if (record == settings::DnsRecord::Srv) types.push_back(net::dns::RecordType::Srv);
    if (record == settings::DnsRecord::A) types.push_back(net::dns::RecordType::A);
    if (record == settings::DnsRecord::Aaaa) types.push_back(net::dns::RecordType::Aaaa);
  }
  return types;
}

}  // namespace

Result<Materials> read_materials(const Settings& settings, const HeldView* held) {
  MaterialReader reader(settings, held);
  TRY(reader.take(&Materials::proxy, {"ssl_cert", "ssl_cert_key"}, proxy_pairs));
  TRY(reader.take(&Materials::admin, {"admin_ssl_cert", "admin_ssl_cert_key"}, [](const Settings& from) {
    return pem_pairs("admin_ssl_cert", from.admin_ssl_cert, from.admin_ssl_cert_key);
  }));
  TRY(reader.take(&Materials::status, {"status_ssl_cert", "status_ssl_cert_key"}, [](const Settings& from) {
    return pem_pairs("status_ssl_cert", from.status_ssl_cert, from.status_ssl_cert_key);
  }));
  TRY(reader.take(&Materials::gui, {"admin_gui_ssl_cert", "admin_gui_ssl_cert_key"}, [](const Settings& from) {
    return pem_pairs("admin_gui_ssl_cert", from.admin_gui_ssl_cert, from.admin_gui_ssl_cert_key);
  }));
  TRY(reader.take(&Materials::client, {"client_ssl", "client_ssl_cert", "client_ssl_cert_key"}, client_pair));
  TRY(reader.take(&Materials::authorities, {"lua_ssl_trusted_certificate"}, authorities));
  TRY(reader.take(&Materials::cluster, {"cluster_cert", "cluster_cert_key"}, cluster_pair));
  TRY(reader.take(&Materials::cluster_authorities, {"cluster_ca_cert"}, cluster_authorities));
  TRY(reader.take(&Materials::error_templates,
                  {"error_template_html", "error_template_json", "error_template_xml", "error_template_plain"},
                  error_templates));
  return reader.finish();
}

Result<std::optional<PemPair>> read_cluster_pair(const Settings& settings) {
  return cluster_pair(settings);
}

Result<std::vector<std::string>> read_cluster_authorities(const Settings& settings) {
  if (!settings.cluster_ca_cert.empty()) return cluster_authorities(settings);
  return authorities(settings);
}

Result<LiveSet> make_live_set(const Settings& settings, const Materials& materials,
                              const std::shared_ptr<net::tls::TicketKeys>& ticket_keys) {
  LiveSet live;
  live.gateway.options = gateway_options(settings);
  live.gateway.options.error_templates = materials.error_templates;
  if (settings.proxy_access_log != "off")
    live.gateway.access_log = settings::below_prefix(settings, settings.proxy_access_log);
  // The path stands before the name of the format.
  const auto stream_log = split_list(settings.proxy_stream_access_log, ' ');
  if (!stream_log.empty() && stream_log.front() != "off")
    live.gateway.stream_access_log = settings::below_prefix(settings, stream_log.front());

  const ContextMaker contexts(settings, ticket_keys);
  auto named = [](std::string_view setting, auto made) {
    return made ? std::move(made) : decltype(made)(fail(std::string(setting) + ": ", std::move(made).error()));
  };
  TRY(auto proxy, named("ssl_cert", contexts.make(settings.proxy_listen, materials.proxy, "")));
  live.gateway.tls = std::move(proxy.http1);
  live.gateway.tls_http2 = std::move(proxy.http2);
  TRY(live.gateway.tls_stream, named("ssl_cert", contexts.make_for_streams(settings.stream_listen, materials.proxy)));
  const auto& admin_pairs = materials.admin.empty() ? materials.proxy : materials.admin;
  TRY(auto admin, named("admin_ssl_cert", contexts.make(settings.admin_listen, admin_pairs, "admin")));
  live.admin.admin = std::move(admin.http1);
  live.admin.admin_http2 = std::move(admin.http2);
  const auto& status_pairs = materials.status.empty() ? materials.proxy : materials.status;
  TRY(auto status, named("status_ssl_cert", contexts.make(settings.status_listen, status_pairs, "status")));
  live.admin.status = std::move(status.http1);
  live.admin.status_http2 = std::move(status.http2);
  const auto& gui_pairs = materials.gui.empty() ? materials.proxy : materials.gui;
  TRY(auto gui, named("admin_gui_ssl_cert", contexts.make(settings.admin_gui_listen, gui_pairs, "gui")));
  live.admin.gui = std::move(gui.http1);
  live.admin.gui_http2 = std::move(gui.http2);
  TRY(live.gateway.trust, named("upstream TLS", upstream_trust(settings, materials)));
  return live;
}

net::dns::Settings dns_settings(const Settings& settings) {
  net::dns::Settings dns;
  dns.order = record_types(settings.dns_order);
  dns.last_first = std::ranges::find(settings.dns_order, settings::DnsRecord::Last) != settings.dns_order.end();
  dns.share_questions = !settings.dns_no_sync;
  dns.both_families = settings.dns_happy_eyeballs;
  for (const settings::ResolverAddress& server : settings.dns_resolver) {
    dns.channel.servers.push_back(to_string(server.ip, server.port));
  }
  dns.channel.timeout_ms = settings.dns_timeout.count();
  if (!settings.dns_hostsfile.empty()) dns.hosts_file = settings.dns_hostsfile;
  dns.stale_ttl_s = settings.dns_stale_ttl.count() / 1000;
  dns.not_found_ttl_s = settings.dns_not_found_ttl.count() / 1000;
  dns.error_ttl_s = settings.dns_error_ttl.count() / 1000;
  dns.cache_size = settings.dns_cache_size;
  if (settings.dns_valid_ttl.count() > 0) dns.valid_ttl_s = settings.dns_valid_ttl.count() / 1000;
  return dns;
}

}  // namespace sluice::apps
