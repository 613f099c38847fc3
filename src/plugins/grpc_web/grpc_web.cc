// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/log.h"
#include "base/strings.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/grpc/messages.h"
#include "plugins/grpc/proto_file.h"
#include "plugins/grpc/transcoded_body.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

/// What a client speaks, by its content type.
struct Dialect {
  std::string_view type;
  bool text;    // base64 around everything
  bool json;    // messages are JSON
  bool framed;  // messages have gRPC's frames
};
constexpr std::array<Dialect, 7> kDialects = {{{"application/grpc-web", false, false, true},
                                               {"application/grpc-web+proto", false, false, true},
                                               {"application/grpc-web+json", false, true, true},
                                               {"application/grpc-web-text", true, false, true},
                                               {"application/grpc-web-text+proto", true, false, true},
                                               {"application/grpc-web-text+json", true, true, true},
                                               {"application/json", false, true, false}}};

const Dialect* dialect_of(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  for (const Dialect& dialect : kDialects) {
    if (iequals(type, dialect.type)) return &dialect;
  }
  return nullptr;
}

/// The request that this plugin has turned into a call.
struct WebCall {
  const Dialect* dialect = nullptr;
  const grpc::Method* method = nullptr;  // only for JSON
  std::string_view content_type;
};

/// Several texts may stand one behind the other, each with its own padding.
Result<std::string> decode_texts(std::string_view text) {
  std::string octets;
  while (!text.empty()) {
    std::size_t end = text.find('=');
    end = end == std::string_view::npos ? text.size() : std::min(text.find_first_not_of('=', end), text.size());
    TRY(std::string piece, base64_decode(text.substr(0, end)));
    octets += piece;
    text.remove_prefix(end);
  }
  return octets;
}

/// Messages as the client wants them, then a frame that holds what gRPC says in trailers.
class WebBody final : public grpc::TranscodedBody {
 public:
  WebBody(http::BodyReader* inner, const WebCall& call, const grpc::ProtoFile* file, const http::Headers& head)
      : TranscodedBody(inner), call_(call), file_(file), head_(head) {}

 private:
  Result<> add(std::string_view message, std::string& out) override {
    std::string json;
    if (call_.dialect->json) {
      TRY(json, file_->decode(*call_.method->output, message));
      message = json;
    }
    if (call_.dialect->framed) {
      grpc::append_frame(out, grpc::kMessage, message);
    } else {
      out.append(message);
    }
    return {};
  }
  void finish(std::string& out) override {
    if (!call_.dialect->framed) return;
    auto said = [this](std::string_view name) {
      const std::string_view behind = trailer(name);
      return behind.empty() ? head_.get(name).value_or(std::string_view{}) : behind;
    };
    const std::string_view status = said("grpc-status");
    std::string text("grpc-status:");
    text.append(status.empty() ? "0" : status).append("\r\ngrpc-message:").append(said("grpc-message")).append("\r\n");
    // Data and trailers are texts of their own where everything is text.
    if (call_.dialect->text && !out.empty()) {
      first_ = base64_encode(out);
      out.clear();
    }
    grpc::append_frame(out, grpc::kTrailers, text);
  }
  std::string wrapped(std::string bytes) override {
    if (!call_.dialect->text || bytes.empty()) return bytes;
    return std::exchange(first_, {}) + base64_encode(bytes);
  }

  const WebCall& call_;
  const grpc::ProtoFile* file_;
  const http::Headers& head_;
  std::string first_;
};

}  // namespace

/// Lets browsers call gRPC services: takes gRPC-Web, or JSON, and speaks gRPC to the upstream.
/// reference/plugins-transform-observe.md, section 5.
class GrpcWeb final : public Plugin {
 public:
  static constexpr std::string_view kName = "grpc-web";
  static constexpr int kPriority = 3;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;
  // Rows may name all of them, as the contract has it; only HTTP and gRPC have hooks here.
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs",           "http", "https", "tcp",
                                                    "tls",  "tls_passthrough", "udp",  "ws",    "wss"};
  static constexpr std::string_view kDefaultProtocols[] = {"grpc", "grpcs", "http", "https"};

  struct Config {
    std::optional<std::string> proto;
    std::optional<bool> pass_stripped_path;
    std::string allow_origin_header = "*";

    static void describe(schema::Record<Config>& r) {
      r.doc("Lets browsers call gRPC services, by gRPC-Web or with JSON.");
      r.field<&Config::proto>("proto", "Path of the .proto file with the services; needed for JSON only.");
      r.field<&Config::pass_stripped_path>("pass_stripped_path",
                                           "Take the path without what strip_path removes for the method's.");
      r.field<&Config::allow_origin_header>("allow_origin_header", "Value of Access-Control-Allow-Origin.").optional();
    }
  };

  static std::vector<std::pair<std::string, std::string>> check(const Config& config) {
    if (!config.proto) return {};
    auto file = grpc::ProtoFile::load(*config.proto);
    if (file) return {};
    return {{"proto", file.error().what}};
  }

  explicit GrpcWeb(Config config) : config_(std::move(config)) {
    if (!config_.proto) return;
    auto file = grpc::ProtoFile::load(*config_.proto);
    if (file) {
      file_ = *std::move(file);
    } else {
      log::error("grpc_web.proto_unusable", {{"error", file.error()}});
    }
  }

  Task<Verdict> on_request(Exchange& ex) override {
    if (ex.request.method == "OPTIONS") return preflight();
    WebCall call;
    call.content_type = ex.arena.copy(ex.request.headers.get(http::Known::ContentType).value_or(std::string_view{}));
    call.dialect = dialect_of(call.content_type);
    if (call.dialect == nullptr) return refused("Unknown content-type \"" + std::string(call.content_type) + "\"");
    if (!config_.pass_stripped_path.value_or(false)) ex.request.upstream_path = ex.request.path;
    if (call.dialect->json) {
      if (!file_) return refused("transcoding requests require a .proto file defining the service");
      call.method = file_->find(ex.request.upstream_path);
      if (call.method == nullptr) return refused("Unknown path \"" + std::string(ex.request.upstream_path) + "\"");
    }
    if (call.dialect->text || call.dialect->json) return rewrite_content(ex, call);
    begin(ex, call);
    return Next{};
  }

  Task<Verdict> on_response(Exchange& ex) override {
    if (!config_.allow_origin_header.empty()) {
      ex.response.headers.set("Access-Control-Allow-Origin", config_.allow_origin_header);
    }
    const WebCall* call = ex.find<WebCall>();
    if (call == nullptr || call->dialect == nullptr) return Next{};
    if (!ex.response.from_upstream && !ex.response.headers.has("grpc-status")) return Next{};
    ex.response.headers.set(http::Known::ContentType, call->content_type);
    grpc::replace_response_body(ex, *ex.make<WebBody>(ex.response.body, *call, file_.get(), ex.response.headers));
    return Next{};
  }

 private:
  [[nodiscard]] Reply preflight() const {
    return Reply::exit(200, "OK", "application/grpc-web-text+proto")
        .with("Access-Control-Allow-Origin", config_.allow_origin_header)
        .with("Access-Control-Allow-Methods", "POST")
        .with("Access-Control-Allow-Headers", "content-type,x-grpc-web,x-user-agent");
  }
  static Reply refused(std::string why) { return Reply::exit(400, std::move(why)); }

  static void begin(Exchange& ex, const WebCall& call) {
    ex.slot<WebCall>() = call;
    ex.request.headers.set_view("Content-Type", "application/grpc", http::Known::ContentType);
    ex.request.headers.set_view("TE", "trailers", http::Known::Te);
    ex.request.headers.remove("grpc-accept-encoding");  // messages have to be looked at
  }

  Task<Verdict> rewrite_content(Exchange& ex, WebCall call) {
    Result<std::string_view> received = co_await ex.read_body(grpc::kMostOctets);
    if (!received) {
      if (received.error().code == Errc::TooLarge) co_return Reply{413, ""};
      co_return std::move(received).error();
    }
    auto made = content_for(call, *received);
    if (!made) co_return refused(made.error().what);
    ex.replace_body(*ex.make<std::string>(*std::move(made)));
    begin(ex, call);
    co_return Next{};
  }

  [[nodiscard]] Result<std::string> content_for(const WebCall& call, std::string_view received) const {
    std::string octets;
    if (call.dialect->text) {
      TRY(octets, decode_texts(received));
      received = octets;
    }
    if (!call.dialect->json) return octets;
    std::string content;
    if (!call.dialect->framed) {
      TRY(std::string message, file_->encode(*call.method->input, received));
      grpc::append_frame(content, grpc::kMessage, message);
      return content;
    }
    grpc::MessageSplitter messages;
    messages.append(received);
    for (;;) {
      TRY(auto json, messages.next());
      if (!json) return content;
      TRY(std::string message, file_->encode(*call.method->input, *json));
      grpc::append_frame(content, grpc::kMessage, message);
    }
  }

  const Config config_;
  std::shared_ptr<const grpc::ProtoFile> file_;  // null: none, or none that can be used
};

void add_grpc_web(PluginRegistry& registry) {
  registry.add<GrpcWeb>();
}

}  // namespace sluice::plugins
