// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/rpc.h"

#include <utility>

#include <snappy.h>

namespace sluice::sync::wire {
namespace {

std::unexpected<Error> invalid(std::string why) {
  return fail(Errc::Invalid, "no JSON-RPC: " + std::move(why), Blame::Client);
}

bool is_id(const Json& id) {
  return id.is_null() || id.is_number() || id.is_string();
}

Result<RpcMessage> read_call(Json::Object& members, Json&& method) {
  if (!method.is_string()) return invalid("\"method\" is no string");
  RpcCall call;
  call.method = std::move(method.as_string());
  if (Json* params = members.find("params")) {
    if (!params->is_array() && !params->is_object()) return invalid("\"params\" is neither array nor object");
    call.params = std::move(*params);
  }
  if (Json* id = members.find("id")) {
    if (!is_id(*id)) return invalid("\"id\" is neither number nor string");
    call.id = std::move(*id);
  }
  return call;
}

Result<RpcMessage> read_reply(Json::Object& members) {
  RpcReply reply;
  Json* id = members.find("id");
  if (id == nullptr || !is_id(*id)) return invalid("an answer without \"id\"");
  reply.id = std::move(*id);
  Json* result = members.find("result");
  const Json* error = members.find("error");
  if ((result == nullptr) == (error == nullptr)) return invalid("neither call nor answer");
  if (result != nullptr) {
    reply.outcome = std::move(*result);
    return reply;
  }
  const Json* code = error->find("code");
  const Json* message = error->find("message");
  if (code == nullptr || !code->is_int() || message == nullptr || !message->is_string()) {
    return invalid("an error without code and message");
  }
  reply.outcome = RpcError{code->as_int(), message->as_string()};
  return reply;
}

Result<RpcMessage> read_message(Json& json) {
  if (!json.is_object()) return invalid("a message is no object");
  const Json* version = json.find("jsonrpc");
  if (version == nullptr || !(*version == Json("2.0"))) return invalid("\"jsonrpc\" is not \"2.0\"");
  if (Json* method = json.find("method")) return read_call(json.as_object(), std::move(*method));
  return read_reply(json.as_object());
}

std::string opened_text() {
  return R"({"jsonrpc":"2.0",)";
}

}  // namespace

Result<std::vector<RpcMessage>> parse_rpc(std::string_view text) {
  auto json = parse_json(text);
  if (!json) return invalid(std::move(json.error().what));
  std::vector<RpcMessage> messages;
  if (!json->is_array()) {
    TRY(auto message, read_message(*json));
    messages.push_back(std::move(message));
    return messages;
  }
  if (json->as_array().empty()) return invalid("an empty batch");
  messages.reserve(json->as_array().size());
  for (Json& each : json->as_array()) {
    TRY(auto message, read_message(each));
    messages.push_back(std::move(message));
  }
  return messages;
}

std::string call_text(std::string_view method, std::string_view params, std::optional<std::uint64_t> id) {
  std::string text = opened_text();
  text.reserve(text.size() + method.size() + params.size() + 64);
  text += "\"method\":";
  append_json_string(text, method);
  text += ",\"params\":";
  text += params;
  if (id) text += ",\"id\":" + std::to_string(*id);
  return text += '}';
}

std::string result_text(const Json& id, std::string_view result) {
  std::string text = opened_text();
  text += "\"result\":";
  text += result;
  text += ",\"id\":";
  append_json(text, id);
  return text += '}';
}

std::string error_text(const Json& id, RpcCode code, std::string_view message) {
  std::string text = opened_text();
  text += "\"error\":{\"code\":" + std::to_string(static_cast<std::int32_t>(code)) + ",\"message\":";
  append_json_string(text, message);
  text += "},\"id\":";
  append_json(text, id);
  return text += '}';
}

std::string compress(std::string_view text) {
  std::string block;
  snappy::Compress(text.data(), text.size(), &block);
  return block;
}

Result<std::string> decompress(std::string_view block, std::size_t limit) {
  // A copy of at most 64 octets takes three: what announces more than this has never been compressed.
  constexpr std::size_t kMostPerOctet = 22;
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
    return fail(Errc::Invalid, "no Snappy block: it has no length", Blame::Client);
  }
  if (size > limit) {
    return fail(Errc::TooLarge, "a message of " + std::to_string(size) + " octets, more than " + std::to_string(limit),
                Blame::Client);
  }
  if (size / kMostPerOctet > block.size()) {
    return fail(Errc::Invalid, "no Snappy block: it announces more than it can hold", Blame::Client);
  }
  std::string text(size, '\0');
  if (!snappy::RawUncompress(block.data(), block.size(), text.data())) {
    return fail(Errc::Invalid, "no Snappy block: its content is damaged", Blame::Client);
  }
  return text;
}

}  // namespace sluice::sync::wire
