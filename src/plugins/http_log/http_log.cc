// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/strings.h"
#include "gateway/log_record.h"
#include "gateway/plugin.h"
#include "http/client.h"
#include "plugins/all.h"
#include "plugins/file_log/lua_fields.h"
#include "telemetry/queue_options.h"
#include "telemetry/sinks.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

/// A log endpoint, taken apart: credentials become a header, the query is not sent.
struct Endpoint {
  std::string url;
  std::string user_info;  // "user:password"; empty: none

  static Endpoint parse(std::string_view text) {
    text = text.substr(0, text.find_first_of("?#"));
    std::size_t scheme_end = text.find("://");
    std::size_t authority = scheme_end == text.npos ? 0 : scheme_end + 3;
    std::size_t path = std::min(text.find('/', authority), text.size());
    std::size_t at = text.substr(0, path).rfind('@');
    if (at == text.npos || at < authority) at = text.npos;
    Endpoint endpoint;
    endpoint.url = text.substr(0, authority);
    if (at != text.npos) endpoint.user_info = text.substr(authority, at - authority);
    endpoint.url.append(text.substr(at == text.npos ? authority : at + 1));
    if (path == text.size()) endpoint.url += '/';
    return endpoint;
  }
};

/// Sends batches to one endpoint: a lone object where batches have one entry, an array otherwise.
class HttpSender final : public telemetry::QueueSender {
 public:
  HttpSender(rt::Reactor& reactor, http::Client& client, http::ClientRequest request, std::int64_t timeout_ms,
             bool as_array)
      : reactor_(reactor),
        client_(client),
        request_(std::move(request)),
        timeout_ms_(timeout_ms),
        as_array_(as_array) {}

  Task<Result<>> send(std::span<const std::string> entries) override {
    http::ClientRequest request = request_;
    request.body = as_array_ ? "[" + join(entries, ",") + "]" : entries.front();
    CO_TRY(auto answer, co_await client_.send(std::move(request), reactor_.after_ms(timeout_ms_)));
    if (answer.status < 300) co_return Result<>();  // a redirect is not followed and counts as a failure
    co_return fail(Errc::Unavailable, fmt::format("{} returned status code {}", request_.url, answer.status),
                   Blame::Upstream);
  }

 private:
  rt::Reactor& reactor_;
  http::Client& client_;
  const http::ClientRequest request_;  // without content
  const std::int64_t timeout_ms_;
  const bool as_array_;
};

std::optional<std::string> forbidden_header(std::string_view name) {
  for (std::string_view own : {"Host", "Content-Length", "Content-Type"}) {
    if (iequals(name, own)) return fmt::format("cannot contain '{}' header", own);
  }
  return std::nullopt;
}

}  // namespace

/// Sends a JSON record of every request and stream session to an HTTP server, in batches, with repetition.
/// reference/plugins-transform-observe.md, sections 9 and 10.
class HttpLog final : public Plugin, public StreamPlugin {
 public:
  static constexpr std::string_view kName = "http-log";
  static constexpr int kPriority = 12;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs",           "http", "https", "tcp",
                                                    "tls",  "tls_passthrough", "udp",  "ws",    "wss"};

  struct Config {
    std::string http_endpoint;
    std::string method = "POST";
    std::string content_type = "application/json";
    double timeout = 10'000;
    double keepalive = 60'000;
    std::optional<std::int64_t> retry_count;
    std::optional<std::int64_t> queue_size;
    std::optional<double> flush_timeout;
    std::map<std::string, std::string> headers;
    telemetry::QueueOptions queue;
    std::map<std::string, std::string> custom_fields_by_lua;

    static void describe(schema::Record<Config>& r);
  };

  static std::vector<std::pair<std::string, std::string>> check(const Config& config) {
    return refuse_lua_fields(config.custom_fields_by_lua);
  }

  HttpLog(const Config& config, const PluginIdentity& /*identity*/, PluginHost& host)
      : sender_(make_sender(config, host)),
        queue_(host.sinks->queue(kName, queue_key(config), queue_options(config))) {}

  void on_log(const Exchange& ex) noexcept override { push(ex); }
  void on_stream_log(const StreamSession& session) noexcept override { push(session); }

 private:
  template <class Subject>
  void push(const Subject& subject) noexcept {
    std::string record;
    record.reserve(2048);
    append_log_record(record, subject);
    queue_->push(std::move(record), sender_);
  }

  static Rc<telemetry::QueueSender> make_sender(const Config& config, PluginHost& host);
  static telemetry::QueueOptions queue_options(const Config& config);
  static std::string queue_key(const Config& config);

  const Rc<telemetry::QueueSender> sender_;
  const Rc<telemetry::Queue> queue_;
};

void HttpLog::Config::describe(schema::Record<Config>& r) {
  r.doc("Sends a JSON record of every request to an HTTP server.");
  r.field<&Config::http_endpoint>("http_endpoint", "URL to send to; its query is left out.")
      .required()
      .rule(schema::url())
      .referenceable()
      .encrypted();
  r.field<&Config::method>("method", "Method to send with.").rule(schema::one_of({"POST", "PUT", "PATCH"}));
  r.field<&Config::content_type>("content_type", "Content-Type of what is sent.")
      .rule(schema::one_of({"application/json", "application/json; charset=utf-8"}));
  r.field<&Config::timeout>("timeout", "Milliseconds that sending may take.");
  r.field<&Config::keepalive>("keepalive", "Milliseconds after which an idle connection is closed.");
  r.field<&Config::retry_count>("retry_count", "Has no effect; see `queue`.")
      .optional()
      .deprecated("http-log: config.retry_count no longer works, please use config.queue.max_retry_time instead",
                  "4.0");
  r.field<&Config::queue_size>("queue_size", "Former name of `queue.max_batch_size`.")
      .optional()
      .deprecated("http-log: config.queue_size is deprecated, please use config.queue.max_batch_size instead", "4.0");
  r.field<&Config::flush_timeout>("flush_timeout", "Former name of `queue.max_coalescing_delay`.")
      .optional()
      .deprecated("http-log: config.flush_timeout is deprecated, please use config.queue.max_coalescing_delay instead",
                  "4.0");
  r.field<&Config::headers>("headers", "Headers to send along.")
      .optional()
      .keys(schema::header_name())
      .keys(schema::text(forbidden_header));
  r.field<&Config::queue>("queue", "How records are batched and repeated.");
  r.field<&Config::custom_fields_by_lua>("custom_fields_by_lua", "Lua code that computes further fields.").optional();
}

Rc<telemetry::QueueSender> HttpLog::make_sender(const Config& config, PluginHost& host) {
  Endpoint endpoint = Endpoint::parse(config.http_endpoint);
  http::ClientRequest request;
  request.method = config.method;
  request.url = endpoint.url;
  request.verify_tls = false;
  for (const auto& [name, value] : config.headers) {
    bool ours = forbidden_header(name).has_value() || (iequals(name, "authorization") && !endpoint.user_info.empty());
    if (!ours) request.headers.emplace_back(name, value);
  }
  request.headers.emplace_back("Content-Type", config.content_type);
  if (!endpoint.user_info.empty()) {
    request.headers.emplace_back("Authorization", "Basic " + base64_encode(endpoint.user_info));
  }
  return make_rc<HttpSender>(host.reactor, host.client, std::move(request), static_cast<std::int64_t>(config.timeout),
                             queue_options(config).max_batch_size != 1);
}

/// Fields of the time before there was a `queue` still count where they say something else than their old defaults.
telemetry::QueueOptions HttpLog::queue_options(const Config& config) {
  constexpr std::int64_t kOldQueueSize = 1;
  constexpr double kOldFlushTimeout = 2;
  telemetry::QueueOptions options = config.queue;
  if (config.queue_size && *config.queue_size != kOldQueueSize) options.max_batch_size = *config.queue_size;
  if (config.flush_timeout && *config.flush_timeout != kOldFlushTimeout) {
    options.max_coalescing_delay = *config.flush_timeout;
  }
  return options;
}

/// Equal destinations share a queue. The key appears in the log, so credentials are in it as a hash only.
std::string HttpLog::queue_key(const Config& config) {
  Endpoint endpoint = Endpoint::parse(config.http_endpoint);
  std::string key = fmt::format("{}:{}:{}:{}:{}:{}", endpoint.url, config.method, config.content_type, config.timeout,
                                config.keepalive, config.retry_count.value_or(0));
  return endpoint.user_info.empty() ? key : fmt::format("{}:{:x}", key, hash_bytes(endpoint.user_info));
}

void add_http_log(PluginRegistry& registry) {
  registry.add<HttpLog>();
}

}  // namespace sluice::plugins
