// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/grpc/messages.h"
#include "plugins/grpc/proto_file.h"
#include "plugins/grpc/transcoded_body.h"
#include "plugins/grpc_gateway/path_template.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

constexpr std::string_view kJson = "application/json";

/// A method and one of the ways to it.
struct Endpoint {
  const grpc::Method* method;
  const grpc::HttpBinding* binding;
  grpc::PathTemplate path;
};

/// The request that this plugin has turned into a call.
struct RestCall {
  const grpc::Method* method = nullptr;
};

/// The messages as JSON, one behind the other.
class JsonBody final : public grpc::TranscodedBody {
 public:
  JsonBody(http::BodyReader* inner, const grpc::ProtoFile& file, const grpc::Method& method)
      : TranscodedBody(inner), file_(file), method_(method) {}

 private:
  Result<> add(std::string_view message, std::string& out) override {
    TRY(std::string json, file_.decode(*method_.output, message));
    out += json;
    return {};
  }
  const grpc::ProtoFile& file_;
  const grpc::Method& method_;
};

int http_status(std::string_view grpc_status) {
  static constexpr std::array<int, 17> kStatuses = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                                    400, 409, 400, 500, 500, 503, 500, 401};
  const auto code = parse_int<std::size_t>(grpc_status);
  return code && *code < kStatuses.size() ? kStatuses[*code] : 500;
}

}  // namespace

/// Offers methods of gRPC services as REST with JSON, as `google.api.http` in their .proto file says.
/// reference/plugins-transform-observe.md, section 5.
class GrpcGateway final : public Plugin {
 public:
  static constexpr std::string_view kName = "grpc-gateway";
  static constexpr int kPriority = 998;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;
  // Rows may name all of them, as the contract has it; only HTTP and gRPC have hooks here.
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs",           "http", "https", "tcp",
                                                    "tls",  "tls_passthrough", "udp",  "ws",    "wss"};
  static constexpr std::string_view kDefaultProtocols[] = {"grpc", "grpcs", "http", "https"};

  struct Config {
    std::optional<std::string> proto;

    static void describe(schema::Record<Config>& r) {
      r.doc("Offers gRPC services as REST with JSON, as `google.api.http` in their .proto file says.");
      r.field<&Config::proto>("proto", "Path of the .proto file with the services and their HTTP rules.");
    }
  };

  static std::vector<std::pair<std::string, std::string>> check(const Config& config) {
    if (!config.proto) return {};
    auto file = grpc::ProtoFile::load(*config.proto);
    if (!file) return {{"proto", file.error().what}};
    auto endpoints = endpoints_of(**file);
    if (!endpoints) return {{"proto", endpoints.error().what}};
    return {};
  }

  explicit GrpcGateway(Config config) {
    if (!config.proto) return;
    auto file = grpc::ProtoFile::load(*config.proto);
    auto endpoints = file ? endpoints_of(**file) : std::unexpected(file.error());
    if (!endpoints) {
      log::error("grpc_gateway.proto_unusable", {{"error", endpoints.error()}});
      return;
    }
    file_ = *std::move(file);
    endpoints_ = *std::move(endpoints);
  }

  Task<Verdict> on_request(Exchange& ex) override {
    if (ex.request.method == "OPTIONS") return preflight();
    if (!file_) return refused("transcoding requests require a .proto file defining the service");
    Json::Object message;
    const Endpoint* endpoint = nullptr;
    bool path_known = false;
    for (const Endpoint& each : endpoints_) {
      auto fields = each.path.match(ex.request.path);
      path_known = path_known || fields.has_value();
      if (!fields || each.binding->verb != ex.request.method) continue;
      endpoint = &each;
      for (const auto& [name, value] : *fields) grpc::ProtoFile::put(message, *each.method->input, name, value);
      break;
    }
    if (endpoint == nullptr) {
      const bool verb_known = std::ranges::any_of(
          endpoints_, [&](const Endpoint& each) { return each.binding->verb == ex.request.method; });
      return refused("failed to transcode .proto file " +
                     (verb_known || path_known ? "Unknown path \"" + std::string(ex.request.path)
                                               : "Unknown method \"" + to_lower(ex.request.method)) +
                     "\"");
    }
    if (endpoint->binding->body.empty()) {
      take_query(message, *endpoint->method->input, ex.request.query);
      return call(ex, *endpoint, Json(std::move(message)));
    }
    return read_and_call(ex, *endpoint, std::move(message));
  }

  Task<Verdict> on_response(Exchange& ex) override {
    ex.response.headers.set("Access-Control-Allow-Origin", "*");
    const RestCall* made = ex.find<RestCall>();
    if (made == nullptr || made->method == nullptr || !ex.response.from_upstream) return Next{};
    return translate(ex, *made->method);
  }

 private:
  using Endpoints = std::vector<Endpoint>;

  static Result<Endpoints> endpoints_of(const grpc::ProtoFile& file) {
    Endpoints endpoints;
    for (const grpc::Method& method : file.methods()) {
      for (const grpc::HttpBinding& binding : method.bindings) {
        TRY(auto path, grpc::PathTemplate::parse(binding.path));
        endpoints.push_back({&method, &binding, std::move(path)});
      }
    }
    return endpoints;
  }

  static Reply preflight() {
    return Reply::exit(200, "OK", std::string(kJson))
        .with("Access-Control-Allow-Origin", "*")
        .with("Access-Control-Allow-Methods", "GET,POST,PATCH,DELETE")
        .with("Access-Control-Allow-Headers", "content-type");
  }
  static Reply refused(std::string why) { return Reply::exit(400, std::move(why)); }

  static void take_query(Json::Object& message, const google::protobuf::Descriptor& type, std::string_view query) {
    if (query.empty()) return;
    for (std::string_view pair : split(query, '&')) {
      const std::size_t equals = pair.find('=');
      std::string value(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
      std::ranges::replace(value, '+', ' ');
      grpc::ProtoFile::put(message, type, percent_decode_lenient(pair.substr(0, equals)),
                           percent_decode_lenient(value));
    }
  }

  Task<Verdict> read_and_call(Exchange& ex, const Endpoint& endpoint, Json::Object message) {
    Result<std::string_view> received = co_await ex.read_body(grpc::kMostOctets);
    if (!received) {
      if (received.error().code == Errc::TooLarge) co_return Reply{413, ""};
      co_return std::move(received).error();
    }
    if (!received->empty()) {
      auto content = parse_json(*received);
      if (!content) co_return refused("decode json err: " + content.error().what);
      if (endpoint.binding->body != "*") {
        message.set(endpoint.binding->body, *std::move(content));
      } else {
        if (!content->is_object()) co_return refused("body must be a table");
        for (auto& [name, value] : content->as_object()) message.set(name, std::move(value));
      }
    }
    co_return call(ex, endpoint, Json(std::move(message)));
  }

  /// Makes the request a call of the endpoint's method.
  Verdict call(Exchange& ex, const Endpoint& endpoint, const Json& message) const {
    auto encoded = file_->encode(*endpoint.method->input, to_json(message));
    if (!encoded) return refused("failed to encode payload");
    auto& content = *ex.make<std::string>();
    grpc::append_frame(content, grpc::kMessage, *encoded);
    ex.replace_body(content);
    ex.slot<RestCall>().method = endpoint.method;
    ex.request.method = "POST";
    ex.request.upstream_path = endpoint.method->path;
    ex.request.query = {};
    ex.request.has_query = false;
    ex.request.headers.set_view("Content-Type", "application/grpc", http::Known::ContentType);
    ex.request.headers.set_view("TE", "trailers", http::Known::Te);
    ex.request.headers.remove("grpc-accept-encoding");  // messages have to be looked at
    return Next{};
  }

  /// The status is known with the first message or without one; then the head can go.
  Task<Verdict> translate(Exchange& ex, const grpc::Method& method) {
    auto& body = *ex.make<JsonBody>(ex.response.body, *file_, method);
    if (auto known = co_await body.look_ahead(); !known) co_return Reply::failure(502);
    std::string_view status = ex.response.headers.get("grpc-status").value_or(std::string_view{});
    if (status.empty() && body.is_empty()) {
      status = ex.arena.copy(body.trailer("grpc-status"));
      if (!status.empty()) ex.response.headers.set("grpc-status", status);
      if (auto text = body.trailer("grpc-message"); !text.empty()) ex.response.headers.set("grpc-message", text);
    }
    if (!status.empty()) ex.response.head.status = http_status(status);
    ex.response.headers.set_view("Content-Type", kJson, http::Known::ContentType);
    grpc::replace_response_body(ex, body);
    co_return Next{};
  }

  std::shared_ptr<const grpc::ProtoFile> file_;  // null: none, or none that can be used
  Endpoints endpoints_;                          // of file_
};

void add_grpc_gateway(PluginRegistry& registry) {
  registry.add<GrpcGateway>();
}

}  // namespace sluice::plugins
