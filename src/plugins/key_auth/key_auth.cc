// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/arguments.h"
#include "plugins/auth_kit.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

/// A place where consumers may be looked up.
struct IdentityRealm {
  std::string scope;
  std::string id;
  std::string region;

  static void describe(schema::Record<IdentityRealm>& r) {
    r.field<&IdentityRealm::scope>("scope", "`cp`: this control plane; `realm`: one that several share.")
        .optional()
        .rule(schema::one_of({"cp", "realm"}));
    r.field<&IdentityRealm::id>("id", "Of a shared realm.").optional();
    r.field<&IdentityRealm::region>("region", "Of a shared realm.").optional();
  }
};

class KeyAuth final : public Plugin {
 public:
  static constexpr std::string_view kName = "key-auth";
  static constexpr int kPriority = 1250;
  static constexpr std::uint8_t kScopes = kRoute | kService;
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs", "http", "https", "ws", "wss"};
  static constexpr std::string_view kDefaultProtocols[] = {"grpc", "grpcs", "http", "https", "ws", "wss"};

  struct Config {
    std::vector<std::string> key_names = {"apikey"};
    bool hide_credentials = false;
    std::vector<IdentityRealm> identity_realms;
    std::optional<std::string> anonymous;
    bool key_in_header = true;
    bool key_in_query = true;
    bool key_in_body = false;
    bool run_on_preflight = true;
    std::optional<std::string> realm;

    static void describe(schema::Record<Config>& r) {
      r.doc("Identifies clients by a key that they send in a header, in the query or in the content.");
      r.field<&Config::key_names>("key_names", "Names under which the key is looked for, in this order.")
          .each(schema::header_name());
      r.field<&Config::hide_credentials>("hide_credentials", "Keep the key from the upstream.");
      r.field<&Config::identity_realms>("identity_realms", "Where consumers are looked up, in this order.").optional();
      r.field<&Config::anonymous>("anonymous", "Consumer (id or name) that clients without a valid key become.");
      r.field<&Config::key_in_header>("key_in_header", "Look for the key in headers.");
      r.field<&Config::key_in_query>("key_in_query", "Look for the key in the query.");
      r.field<&Config::key_in_body>("key_in_body", "Look for the key in the content: a form, JSON or multipart.");
      r.field<&Config::run_on_preflight>("run_on_preflight", "Whether OPTIONS requests need a key too.");
      r.field<&Config::realm>("realm", "Named in the challenge that goes with a refusal.");
    }
  };

  static std::vector<std::pair<std::string, std::string>> check(const Config& config) {
    for (const IdentityRealm& realm : config.identity_realms) {
      if (realm.scope == "realm") return {{"identity_realms", "consumers of other realms are not supported yet"}};
    }
    return {};
  }

  explicit KeyAuth(Config config)
      : config_(std::move(config)), anonymous_(config_.anonymous), challenge_(challenge("Key", config_.realm)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    strip_claimed_identity(ex);
    if (!config_.run_on_preflight && ex.request.method == "OPTIONS") return Next{};
    if (anonymous_.satisfied_by_another(ex)) return Next{};
    if (needs_content(ex)) return decide_with_content(ex);
    return decide(ex, {});
  }

 private:
  struct ContentView {
    std::string_view type;
    std::string_view bytes;
  };

  // What is buffered is bounded (DESIGN.md, safety); a larger content cannot be searched for a key.
  static constexpr std::size_t kMaxContent = std::size_t{10} << 20U;

  [[nodiscard]] bool needs_content(Exchange& ex) const {
    if (!config_.key_in_body || ex.request.body == nullptr || config_.key_names.empty()) return false;
    if (body_kind(content_type(ex)) == BodyKind::Opaque) return false;
    return config_.hide_credentials || !decides(find(ex, config_.key_names.front(), {}));
  }

  Task<Verdict> decide_with_content(Exchange& ex) const {
    auto bytes = co_await ex.read_body(kMaxContent);
    if (!bytes && bytes.error().code == Errc::TooLarge) co_return Reply{413, "Payload too large"};
    if (!bytes) co_return bytes.error();
    co_return decide(ex, {content_type(ex), *bytes});
  }

  /// The first name with a text or with several values decides, valid or not.
  [[nodiscard]] Verdict decide(Exchange& ex, ContentView content) const {
    for (const std::string& name : config_.key_names) {
      const Argument found = find(ex, name, content);
      if (found.kind == Argument::Kind::Several) return refuse(ex, "Duplicate API key found");
      if (found.kind != Argument::Kind::Text) continue;
      if (config_.hide_credentials) hide(ex, name, content);
      return judge(ex, found.text);
    }
    return refuse(ex, "No API key found in request");
  }

  [[nodiscard]] static bool decides(const Argument& found) {
    return found.kind == Argument::Kind::Text || found.kind == Argument::Kind::Several;
  }

  [[nodiscard]] Argument find(Exchange& ex, std::string_view name, ContentView content) const {
    if (config_.key_in_header) {
      if (const auto value = ex.request.headers.get(name)) {
        if (ex.request.headers.count(name) > 1) return {Argument::Kind::Several, {}};
        return {Argument::Kind::Text, *value};
      }
    }
    if (config_.key_in_query && !ex.request.query.empty()) {
      const Argument found = find_argument(ex.arena, ex.request.query, name);
      if (found.kind != Argument::Kind::Missing) return found;
    }
    if (!config_.key_in_body) return {};
    return find_body_argument(ex.arena, content.type, content.bytes, name);
  }

  /// Removes the name from wherever a key may stand, not only from where it was found.
  void hide(Exchange& ex, std::string_view name, ContentView content) const {
    ex.request.headers.remove(name);
    if (const auto rest = remove_argument(ex.arena, ex.request.query, name)) {
      ex.request.query = *rest;
      ex.request.has_query = !rest->empty();
    }
    if (!config_.key_in_body) return;
    if (const auto rest = remove_body_argument(ex.arena, content.type, content.bytes, name)) ex.replace_body(*rest);
  }

  [[nodiscard]] Verdict judge(Exchange& ex, std::string_view key) const {
    if (key.empty()) return refuse(ex, "No API key found in request");
    const Credential* credential = find_unexpired(ex, "keyauth_credentials", key);
    if (credential == nullptr) return refuse(ex, "Unauthorized");
    return authenticate_owner(ex, *credential, credential->id_text);
  }

  [[nodiscard]] Verdict refuse(Exchange& ex, std::string_view message) const {
    return anonymous_.take_over_or(ex, Reply{401, std::string(message)}.with("WWW-Authenticate", challenge_));
  }

  [[nodiscard]] static std::string_view content_type(const Exchange& ex) {
    return ex.request.headers.get(http::Known::ContentType).value_or("");
  }

  const Config config_;
  const Anonymous anonymous_;
  const std::string challenge_;
};

}  // namespace

void add_key_auth(PluginRegistry& registry) {
  registry.add<KeyAuth>();
}

}  // namespace sluice::plugins
