// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/json_schema/draft4.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

using http::websocket::Message;

enum class Language : std::uint8_t { Draft4 };

constexpr std::uint16_t kInvalidPayload = 1007, kGoingAway = 1001;

/// What messages of one kind must be.
struct MessageSchema {
  Language type = Language::Draft4;
  std::string schema;

  static void describe(schema::Record<MessageSchema>& r);
};

/// What one end may send; a kind without a schema passes unseen.
struct SideSchemas {
  std::optional<MessageSchema> text;
  std::optional<MessageSchema> binary;

  static void describe(schema::Record<SideSchemas>& r);
};

class WebsocketValidator final : public Plugin {
 public:
  static constexpr std::string_view kName = "websocket-validator";
  static constexpr int kPriority = 1006;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;
  static constexpr std::string_view kProtocols[] = {"ws", "wss"};
  static constexpr std::string_view kDefaultProtocols[] = {"ws", "wss"};

  struct Config {
    std::optional<SideSchemas> client;
    std::optional<SideSchemas> upstream;

    static void describe(schema::Record<Config>& r);
  };

  explicit WebsocketValidator(const Config& config) : client_(config.client), upstream_(config.upstream) {}

  Task<FrameVerdict> on_frame(Exchange& /*ex*/, Frame& frame) override {
    const Side& side = frame.from == FrameSource::Client ? client_ : upstream_;
    const auto& schema = frame.message.kind == Message::Kind::Text     ? side.text
                         : frame.message.kind == Message::Kind::Binary ? side.binary
                                                                       : kNone;
    if (!schema) return Next{};
    const Result<Json> value = parse_json(frame.message.payload);
    if (value && schema->accepts(*value)) return Next{};
    return FrameRefusal{.code = kInvalidPayload, .peer_code = kGoingAway};
  }

 private:
  using Compiled = std::shared_ptr<const Draft4>;
  static inline const Compiled kNone;

  struct Side {
    explicit Side(const std::optional<SideSchemas>& schemas) {
      if (schemas && schemas->text) text = compiled(*schemas->text);
      if (schemas && schemas->binary) binary = compiled(*schemas->binary);
    }
    /// The schema's rule has compiled it before. Should that ever not be so, nothing is let through unseen.
    static Compiled compiled(const MessageSchema& message) {
      if (auto made = Draft4::compile(message.schema)) return *std::move(made);
      return *Draft4::compile(R"({"not":{}})");
    }
    Compiled text;
    Compiled binary;
  };

  const Side client_;
  const Side upstream_;
};

}  // namespace
}  // namespace sluice::plugins

template <>
struct sluice::schema::EnumNames<sluice::plugins::Language> {
  static constexpr std::pair<std::string_view, sluice::plugins::Language> kNames[] = {
      {"draft4", sluice::plugins::Language::Draft4}};
};

namespace sluice::plugins {
namespace {

std::optional<std::string> check_schema(std::string_view text) {
  const auto compiled = Draft4::compile(text);
  if (compiled) return std::nullopt;
  return "not a valid JSON Schema of draft 4: " + compiled.error().what;
}

}  // namespace

void MessageSchema::describe(schema::Record<MessageSchema>& r) {
  r.field<&MessageSchema::type>("type", "Language of the schema.").required();
  r.field<&MessageSchema::schema>("schema", "What messages must fulfil.").required().rule(schema::text(check_schema));
}

void SideSchemas::describe(schema::Record<SideSchemas>& r) {
  r.field<&SideSchemas::text>("text", "For text messages.");
  r.field<&SideSchemas::binary>("binary", "For binary messages.");
  r.check(schema::at_least_one_of({"text", "binary"}));
}

void WebsocketValidator::Config::describe(schema::Record<Config>& r) {
  r.doc("Closes WebSockets on which a message is not JSON, or not what a schema asks for.");
  r.field<&Config::client>("client", "For what clients send.");
  r.field<&Config::upstream>("upstream", "For what upstreams send.");
  r.check(schema::at_least_one_of({"client", "upstream"}));
}

void add_websocket_validator(PluginRegistry& registry) {
  registry.add<WebsocketValidator>();
}

}  // namespace sluice::plugins
