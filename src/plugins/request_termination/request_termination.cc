// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/arguments.h"
#include "plugins/request_termination/request_echo.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

std::string_view default_message(std::int64_t status) {
  switch (status) {
    case 401:
      return "Unauthorized";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 500:
      return "An unexpected error occurred";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service unavailable";
    default:
      return "";
  }
}

std::optional<std::string> check_combination(const schema::CheckInput& input) {
  const bool content = input.has("content_type") || input.has("body");
  const Json* echo = input.find("echo");
  if (input.has("message") && content) return "message cannot be used with content_type or body";
  if (input.has("content_type") && !input.has("body")) return "content_type requires a body";
  if (echo != nullptr && echo->is_bool() && echo->as_bool() && content) {
    return "echo cannot be used with content_type and body";
  }
  return std::nullopt;
}

class RequestTermination final : public Plugin {
 public:
  static constexpr std::string_view kName = "request-termination";
  static constexpr int kPriority = 2;

  struct Config {
    std::int64_t status_code = 503;
    std::optional<std::string> message;
    bool echo = false;
    std::optional<std::string> content_type;
    std::optional<std::string> body;
    std::optional<std::string> trigger;

    static void describe(schema::Record<Config>& r) {
      r.doc("Answers requests itself instead of sending them to the upstream.");
      r.field<&Config::status_code>("status_code", "Status of the answer.").rule(schema::between(100, 599));
      r.field<&Config::message>("message", "Message of the answer, which is then JSON.");
      r.field<&Config::echo>("echo", "Answer with what the gateway sees of the request, for debugging.");
      r.field<&Config::content_type>("content_type", "Type of `body`.");
      r.field<&Config::body>("body", "The answer, as it is.");
      r.field<&Config::trigger>("trigger", "Answer only requests that have a header or query argument of this name.")
          .rule(schema::header_name());
      r.check(schema::custom_check(check_combination));
    }
  };

  RequestTermination(Config config, const PluginIdentity& /*identity*/, PluginHost& host)
      : config_(std::move(config)), node_{host.node_id, host.hostname} {}

  Task<Verdict> on_request(Exchange& ex) override {
    if (!triggered(ex)) return Next{};
    if (config_.echo) return echo(ex);
    const int status = static_cast<int>(config_.status_code);
    if (config_.body) return Reply::exit(status, *config_.body, config_.content_type.value_or(""));
    const std::string_view text = message();
    return text.empty() ? Reply::exit(status) : Reply::message(status, text);
  }

 private:
  // What is buffered is bounded (DESIGN.md, safety); the rest of a larger content is not shown.
  static constexpr std::size_t kMaxEchoed = std::size_t{10} << 20U;

  [[nodiscard]] bool triggered(Exchange& ex) const {
    if (!config_.trigger) return true;
    return ex.request.headers.has(*config_.trigger) ||
           find_argument(ex.arena, ex.request.query, *config_.trigger).kind != Argument::Kind::Missing;
  }

  [[nodiscard]] std::string_view message() const {
    return config_.message ? std::string_view(*config_.message) : default_message(config_.status_code);
  }

  [[nodiscard]] Task<Verdict> echo(Exchange& ex) const {
    const auto content = co_await ex.read_body(kMaxEchoed);
    std::string document = describe_request(ex, node_, message(), content.value_or(std::string_view()));
    co_return Reply::exit(static_cast<int>(config_.status_code), std::move(document),
                          "application/json; charset=utf-8");
  }

  const Config config_;
  const EchoSource node_;
};

}  // namespace

void add_request_termination(PluginRegistry& registry) {
  registry.add<RequestTermination>();
}

}  // namespace sluice::plugins
