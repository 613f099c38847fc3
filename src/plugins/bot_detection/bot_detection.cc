// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "expr/regex.h"
#include "gateway/plugin.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

// Programs that fetch by themselves, as they name themselves in User-Agent; the words are public knowledge (the
// ua-parser project collects them). One alternation, searched in linear time.
constexpr std::string_view kKnownBots =
    // Crawlers of search engines, archives and link previews.
    R"re((?:Googlebot|AdsBot-Google|Mediapartners-Google|bingbot|BingPreview|msnbot|Yahoo! Slurp|DuckDuckBot)re"
    R"re(|Baiduspider|YandexBot|YandexImages|Sogou web spider|Exabot|ia_archiver|archive\.org_bot)re"
    R"re(|facebookexternalhit|facebookcatalog)re"
    R"re(|Twitterbot|LinkedInBot|Slackbot|Discordbot|TelegramBot|Pinterestbot|Applebot|AhrefsBot)re"
    R"re(|SemrushBot|MJ12bot|DotBot|PetalBot|Bytespider|CCBot|Teoma|Gigabot|BUbiNG|Nutch|Heritrix)re"
    // HTTP libraries under the name that they have unless told otherwise.
    R"re(|(?:Python-urllib|python-requests|aiohttp|Go-http-client|Apache-HttpClient|okhttp|axios|node-fetch)re"
    R"re(|libwww-perl|lwp-request|Jakarta Commons-HttpClient|GuzzleHttp|Scrapy|PycURL)(?:/[0-9.]+)?\b)re"
    R"re(|^Java/[0-9])re"
    // Anything that calls itself so.
    R"re(|[A-Za-z0-9_-]*[Bb]ot/[0-9]+(?:\.[0-9]+)*|[A-Za-z0-9_-]*(?:[Ss]pider|[Cc]rawl|[Ss]crape)[A-Za-z0-9_-]*))re";

std::vector<expr::RegexRef> compile(const std::vector<std::string>& patterns) {
  std::vector<expr::RegexRef> compiled;
  for (const std::string& pattern : patterns) {
    if (auto regex = expr::Regex::compile(pattern, expr::RegexDialect::Pcre)) compiled.push_back(*std::move(regex));
  }
  return compiled;
}

class BotDetection final : public Plugin {
 public:
  static constexpr std::string_view kName = "bot-detection";
  static constexpr int kPriority = 2500;
  static constexpr std::uint8_t kScopes = kRoute | kService;

  struct Config {
    std::vector<std::string> allow;
    std::vector<std::string> deny;

    static void describe(schema::Record<Config>& r) {
      r.doc("Refuses programs that fetch by themselves, as far as User-Agent tells.");
      r.field<&Config::allow>("allow", "Regular expressions of agents that are let through.")
          .optional()
          .preset(Json::array())
          .each(schema::is_regex(compiles));
      r.field<&Config::deny>("deny", "Regular expressions of further agents that are refused.")
          .optional()
          .preset(Json::array())
          .each(schema::is_regex(compiles));
    }
    static bool compiles(std::string_view pattern) {
      return expr::Regex::compile(pattern, expr::RegexDialect::Pcre).has_value();
    }
  };

  explicit BotDetection(const Config& config)
      : allow_(compile(config.allow)), deny_(compile(config.deny)), known_(compile({std::string(kKnownBots)})) {}

  Task<Verdict> on_request(Exchange& ex) override {
    const auto sent = ex.request.headers.get(http::Known::UserAgent);
    if (!sent) return Next{};
    if (ex.request.headers.count(http::Known::UserAgent) > 1) return Reply{400, "Only one User-Agent header allowed"};
    const std::string_view agent = trim(*sent);
    if (matches(allow_, agent, expr::Matched::No)) return Next{};
    // A pattern that runs into its limits must not let through what it was to stop.
    if (matches(deny_, agent, expr::Matched::TooCostly) || matches(known_, agent, expr::Matched::No)) {
      return Reply{403, ""};
    }
    return Next{};
  }

 private:
  /// `also` is a further outcome that counts as a match.
  static bool matches(const std::vector<expr::RegexRef>& patterns, std::string_view agent, expr::Matched also) {
    return std::ranges::any_of(patterns, [&](const expr::RegexRef& pattern) {
      const expr::Matched matched = pattern->search(agent, expr::Anchor::None);
      return matched == expr::Matched::Yes || (also != expr::Matched::No && matched == also);
    });
  }

  const std::vector<expr::RegexRef> allow_;
  const std::vector<expr::RegexRef> deny_;
  const std::vector<expr::RegexRef> known_;
};

}  // namespace

void add_bot_detection(PluginRegistry& registry) {
  registry.add<BotDetection>();
}

}  // namespace sluice::plugins
