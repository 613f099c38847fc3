// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "gateway/plugin.h"
#include "gateway/stream_session.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

CidrSet blocks(const std::vector<std::string>& texts) {
  std::vector<Cidr> parsed;
  for (const std::string& text : texts) {
    if (auto block = Cidr::parse(text)) parsed.push_back(*block);  // the schema let nothing else in
  }
  return CidrSet(parsed);
}

class IpRestriction final : public Plugin, public StreamPlugin {
 public:
  static constexpr std::string_view kName = "ip-restriction";
  static constexpr int kPriority = 990;
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs",           "http", "https", "tcp",
                                                    "tls",  "tls_passthrough", "udp",  "ws",    "wss"};
  static constexpr std::string_view kDefaultProtocols[] = {"grpc", "grpcs", "http", "https", "tcp", "tls"};

  struct Config {
    std::vector<std::string> allow;
    std::vector<std::string> deny;
    std::optional<double> status;
    std::optional<std::string> message;

    static void describe(schema::Record<Config>& r) {
      r.doc("Admits or refuses clients by their address.");
      r.field<&Config::allow>("allow", "Addresses and blocks that are admitted; all others are refused.")
          .optional()
          .each(schema::ip_or_cidr());
      r.field<&Config::deny>("deny", "Addresses and blocks that are refused, also where `allow` has them.")
          .optional()
          .each(schema::ip_or_cidr());
      r.field<&Config::status>("status", "Status of a refusal; 403 unless set.");
      r.field<&Config::message>("message", "Message of a refusal.");
      r.plugin_check(schema::at_least_one_of({"config.allow", "config.deny"}));
    }
  };

  explicit IpRestriction(Config config)
      : config_(std::move(config)), allow_(blocks(config_.allow)), deny_(blocks(config_.deny)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    const IpAddress& client = ex.client.forwarded_address;
    if (client == IpAddress()) {
      return Reply{403, "Cannot identify the client IP address, unix domain sockets are not supported."};
    }
    if (is_admitted(client)) return Next{};
    return Reply{status(), message(client)};
  }

  Task<StreamVerdict> on_preread(StreamSession& session) override {
    const IpAddress& client = session.client.forwarded_address;
    if (is_admitted(client)) return Next{};
    return StreamRefusal{status(), message(client)};
  }

 private:
  [[nodiscard]] bool is_admitted(const IpAddress& client) const {
    return !deny_.contains(client) && (allow_.empty() || allow_.contains(client));
  }
  [[nodiscard]] int status() const {
    constexpr int kForbidden = 403;
    return config_.status ? static_cast<int>(*config_.status) : kForbidden;
  }
  [[nodiscard]] std::string message(const IpAddress& client) const {
    return config_.message ? *config_.message : "IP address not allowed: " + client.to_string();
  }

  const Config config_;
  const CidrSet allow_;
  const CidrSet deny_;
};

}  // namespace

void add_ip_restriction(PluginRegistry& registry) {
  registry.add<IpRestriction>();
}

}  // namespace sluice::plugins
