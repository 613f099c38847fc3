// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/strings.h"
#include "crypto/hash.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/auth_kit.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

struct UserPass {
  std::string name;
  std::string password;
};

/// `Basic <base64 of name:password>`. The scheme may stand anywhere in the value and begin in either case, as the
/// ecosystem has it; the name has at least one octet, the password may be empty and hold colons.
std::optional<UserPass> parse_basic(std::string_view value) {
  std::size_t at = value.find("asic");
  while (at != value.npos && (at == 0 || (value[at - 1] != 'B' && value[at - 1] != 'b')))
    at = value.find("asic", at + 1);
  if (at == value.npos) return std::nullopt;
  const auto decoded = base64_decode(trim(value.substr(at + 4)));
  if (!decoded) return std::nullopt;
  const std::size_t colon = decoded->find(':');
  if (colon == 0 || colon == decoded->npos) return std::nullopt;
  return UserPass{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

class BasicAuth final : public Plugin {
 public:
  static constexpr std::string_view kName = "basic-auth";
  static constexpr int kPriority = 1100;
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs", "http", "https", "ws", "wss"};
  static constexpr std::string_view kDefaultProtocols[] = {"grpc", "grpcs", "http", "https", "ws", "wss"};
  static constexpr std::uint8_t kScopes = kRoute | kService;

  struct Config {
    std::optional<std::string> anonymous;
    bool hide_credentials = false;
    std::string realm = "service";

    static void describe(schema::Record<Config>& r) {
      r.doc("Identifies clients by name and password, RFC 7617.");
      r.field<&Config::anonymous>("anonymous", "Consumer (id or name) that clients without valid credentials become.");
      r.field<&Config::hide_credentials>("hide_credentials", "Keep name and password from the upstream.");
      r.field<&Config::realm>("realm", "Named in the challenge that goes with a refusal.");
    }
  };

  explicit BasicAuth(Config config)
      : config_(std::move(config)), anonymous_(config_.anonymous), challenge_(challenge("Basic", config_.realm)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    strip_claimed_identity(ex);
    if (anonymous_.satisfied_by_another(ex)) return Next{};
    // A user named for the proxy decides, whatever the password; only one that does not exist leaves it to the other.
    for (const auto field : {http::Known::ProxyAuthorization, http::Known::Authorization}) {
      const auto sent = take(ex, field);
      if (!sent) continue;
      const Credential* credential = find_unexpired(ex, "basicauth_credentials", sent->name);
      if (credential == nullptr) continue;
      if (!verify(*credential, sent->password)) break;
      return authenticate_owner(ex, *credential, credential->identity);
    }
    return anonymous_.take_over_or(ex, Reply{401, "Unauthorized"}.with("WWW-Authenticate", challenge_));
  }

 private:
  [[nodiscard]] std::optional<UserPass> take(Exchange& ex, http::Known field) const {
    const auto value = ex.request.headers.get(field);
    if (!value) return std::nullopt;
    auto parsed = parse_basic(*value);
    if (config_.hide_credentials) ex.request.headers.remove(field);
    return parsed;
  }

  /// Stores and wires of the ecosystem hold the SHA-1 of password and consumer id: a documented exception.
  static bool verify(const Credential& credential, std::string_view password) {
    const std::string salted = std::string(password) + credential.consumer_id.to_string();
    return crypto::constant_time_equal(crypto::sha1_hex(salted), credential.secret);
  }

  const Config config_;
  const Anonymous anonymous_;
  const std::string challenge_;
};

}  // namespace

void add_basic_auth(PluginRegistry& registry) {
  registry.add<BasicAuth>();
}

}  // namespace sluice::plugins
