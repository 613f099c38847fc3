// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/auth_kit.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

class Acl final : public Plugin {
 public:
  static constexpr std::string_view kName = "acl";
  static constexpr int kPriority = 950;
  static constexpr std::uint8_t kScopes = kRoute | kService;

  struct Config {
    std::vector<std::string> allow;
    std::vector<std::string> deny;
    bool hide_groups_header = false;
    bool include_consumer_groups = false;
    bool always_use_authenticated_groups = false;

    static void describe(schema::Record<Config>& r) {
      r.doc("Admits or refuses consumers by the groups they are in.");
      r.field<&Config::allow>("allow", "Groups that are admitted; all others are refused.").optional();
      r.field<&Config::deny>("deny", "Groups that are refused; all others are admitted.").optional();
      r.field<&Config::hide_groups_header>("hide_groups_header", "Do not tell the upstream the groups.");
      r.field<&Config::include_consumer_groups>("include_consumer_groups", "Count consumer groups too, by name.");
      r.field<&Config::always_use_authenticated_groups>(
          "always_use_authenticated_groups", "Prefer the groups of an identity provider where it gave some.");
      r.plugin_check(schema::only_one_of({"config.allow", "config.deny"}));
      r.plugin_check(schema::at_least_one_of({"config.allow", "config.deny"}));
    }
  };

  explicit Acl(Config config)
      : config_(std::move(config)),
        denies_(!config_.deny.empty()),
        listed_(denies_ ? std::unordered_set<std::string, StringHash, std::equal_to<>>(config_.deny.begin(),
                                                                                       config_.deny.end())
                        : std::unordered_set<std::string, StringHash, std::equal_to<>>(config_.allow.begin(),
                                                                                       config_.allow.end())) {}

  Task<Verdict> on_request(Exchange& ex) override {
    const auto& who = ex.authenticated;
    const bool provided = !who.groups.empty() &&
                          (who.consumer == nullptr || !who.has_credential || config_.always_use_authenticated_groups);
    if (who.consumer == nullptr && !provided) return refuse(who);

    const std::vector<std::string_view> groups = provided ? views(who.groups) : groups_of(ex);
    strip_group_claims(ex);
    if (groups.empty()) return denies_ ? Verdict(Next{}) : refuse(who);
    const bool is_listed =
        std::ranges::any_of(groups, [this](std::string_view group) { return listed_.contains(group); });
    if (is_listed == denies_) return Reply{403, std::string(kRefusal)};
    if (!config_.hide_groups_header) {
      ex.request.headers.set(provided ? "X-Authenticated-Groups" : "X-Consumer-Groups", join(groups, ", "));
    }
    return Next{};
  }

 private:
  static constexpr std::string_view kRefusal = "You cannot consume this service";

  /// Who has shown a credential is known and not welcome; who has not should authenticate.
  static Verdict refuse(const Authenticated& who) {
    if (who.has_credential) return Reply{403, std::string(kRefusal)};
    return Reply{401, "Unauthorized"};
  }

  static std::vector<std::string_view> views(const std::vector<std::string>& texts) {
    return {texts.begin(), texts.end()};
  }

  [[nodiscard]] std::vector<std::string_view> groups_of(const Exchange& ex) const {
    const Consumer& consumer = *ex.authenticated.consumer;
    std::vector<std::string_view> groups = views(consumer.acl_groups);
    if (config_.include_consumer_groups) {
      for (const Uuid& id : consumer.consumer_groups) {
        const std::string_view name = ex.directory->consumer_group_name(id);
        if (!name.empty()) groups.push_back(name);
      }
    }
    return groups;
  }

  const Config config_;
  const bool denies_;
  const std::unordered_set<std::string, StringHash, std::equal_to<>> listed_;
};

}  // namespace

void add_acl(PluginRegistry& registry) {
  registry.add<Acl>();
}

}  // namespace sluice::plugins
