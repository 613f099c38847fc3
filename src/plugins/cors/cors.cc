// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/cors/origins.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

constexpr std::string_view kAllowOrigin = "Access-Control-Allow-Origin";
constexpr std::string_view kAllowCredentials = "Access-Control-Allow-Credentials";

/// This request is a preflight that was dealt with: its response gets no more headers.
struct PreflightDone {
  bool value = false;
};

class Cors final : public Plugin {
 public:
  static constexpr std::string_view kName = "cors";
  static constexpr int kPriority = 2000;
  static constexpr std::uint8_t kScopes = kRoute | kService;

  struct Config {
    std::vector<std::string> origins;
    std::vector<std::string> headers;
    std::vector<std::string> exposed_headers;
    std::vector<std::string> methods = {"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"};
    std::optional<double> max_age;
    bool credentials = false;
    bool private_network = false;
    bool preflight_continue = false;
    bool allow_origin_absent = true;

    static void describe(schema::Record<Config>& r) {
      r.doc("Tells browsers which pages may call this API (cross-origin resource sharing).");
      r.field<&Config::origins>("origins", "Origins that may: `*`, origins or regular expressions. None means `*`.")
          .optional()
          .each(schema::text(Origins::check));
      r.field<&Config::headers>("headers", "Request headers that may be sent; none echoes what is asked for.")
          .optional();
      r.field<&Config::exposed_headers>("exposed_headers", "Response headers that pages may read.").optional();
      r.field<&Config::methods>("methods", "Methods that may be used.")
          .optional()
          .each(schema::one_of({"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"}));
      r.field<&Config::max_age>("max_age", "Seconds for which browsers may remember a preflight.");
      r.field<&Config::credentials>("credentials", "Whether requests may carry credentials.");
      r.field<&Config::private_network>("private_network", "Whether public pages may call into a private network.");
      r.field<&Config::preflight_continue>("preflight_continue", "Leave preflights to the upstream.");
      r.field<&Config::allow_origin_absent>("allow_origin_absent", "Add headers also where Origin is missing.");
    }
  };

  explicit Cors(Config config)
      : config_(std::move(config)),
        origins_(config_.origins),
        headers_(join(config_.headers, ",")),
        methods_(join(config_.methods, ",")),
        exposed_headers_(join(config_.exposed_headers, ",")),
        max_age_(config_.max_age ? to_json(schema::number_json(*config_.max_age)) : "") {}

  Task<Verdict> on_request(Exchange& ex) override {
    if (ex.request.method != "OPTIONS" || header(ex, http::Known::Origin).empty() ||
        header(ex, "Access-Control-Request-Method").empty()) {
      return Next{};
    }
    ex.slot<PreflightDone>().value = true;
    if (config_.preflight_continue) return Next{};
    return answer(ex);
  }

  Task<Verdict> on_response(Exchange& ex) override {
    const auto* preflight = ex.find<PreflightDone>();
    if (preflight != nullptr && preflight->value) return Next{};
    if (!config_.allow_origin_absent && !ex.request.headers.has(http::Known::Origin)) return Next{};
    const Decision decision = decide(ex);
    http::Headers& headers = ex.response.headers;
    if (decision.origin.empty()) {
      headers.remove(kAllowOrigin);
    } else {
      headers.set(kAllowOrigin, decision.origin);
    }
    if (decision.varies && !http::list_has(headers.get("Vary").value_or(""), "Origin")) headers.add("Vary", "Origin");
    if (decision.credentials) headers.set(kAllowCredentials, "true");
    if (!exposed_headers_.empty()) headers.set("Access-Control-Expose-Headers", exposed_headers_);
    return Next{};
  }

 private:
  struct Decision {
    std::string origin;   // value of Access-Control-Allow-Origin; empty: none
    bool varies = false;  // the answer depends on the client's origin
    bool credentials = false;
  };

  static std::string_view header(const Exchange& ex, auto name) { return ex.request.headers.get(name).value_or(""); }

  [[nodiscard]] Decision decide(const Exchange& ex) const {
    const std::string_view origin = header(ex, http::Known::Origin);
    if (origins_.any()) {
      // A browser refuses `*` together with credentials, so the client's own origin takes its place.
      if (config_.credentials && !origin.empty()) return {std::string(origin), true, true};
      return {"*", origins_.listed(), false};
    }
    if (!origins_.only().empty()) return {origins_.only(), true, config_.credentials};
    return {origins_.match(origin).value_or(""), true, config_.credentials};
  }

  [[nodiscard]] Reply answer(const Exchange& ex) const {
    Reply reply = Reply::exit(200);
    const auto add = [&](std::string_view name, std::string_view value) { reply.headers.emplace_back(name, value); };
    const Decision decision = decide(ex);
    if (!decision.origin.empty()) add(kAllowOrigin, decision.origin);
    if (decision.varies) add("Vary", "Origin");
    if (decision.credentials) add(kAllowCredentials, "true");
    const std::string_view asked = header(ex, "Access-Control-Request-Headers");
    const std::string_view allowed = headers_.empty() ? asked : std::string_view(headers_);
    if (!allowed.empty()) add("Access-Control-Allow-Headers", allowed);
    add("Access-Control-Allow-Methods", methods_);
    if (!max_age_.empty()) add("Access-Control-Max-Age", max_age_);
    if (config_.private_network && header(ex, "Access-Control-Request-Private-Network") == "true") {
      add("Access-Control-Allow-Private-Network", "true");
    }
    return reply;
  }

  const Config config_;
  const Origins origins_;
  const std::string headers_;
  const std::string methods_;
  const std::string exposed_headers_;
  const std::string max_age_;
};

}  // namespace

void add_cors(PluginRegistry& registry) {
  registry.add<Cors>();
}

}  // namespace sluice::plugins
