// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"

/// Protocol 2 of the cluster link: JSON-RPC 2.0, one object or batch in each binary WebSocket message; after the
/// greeting each message is one block of raw Snappy.
namespace sluice::sync::wire {

/// WebSocket subprotocol, and the method of the greeting in front of ".hello".
inline constexpr std::string_view kMetaProtocol = "kong.meta.v1";
inline constexpr std::string_view kSnappyEncoding = "x-snappy-framed";

enum class RpcCode : std::int32_t {
  Parse = -32700,
  InvalidRequest = -32600,
  MethodNotFound = -32601,
  InvalidParams = -32602,
  Internal = -32603,
  Server = -32000,
};

struct RpcCall {
  std::string method;
  Json params;
  std::optional<Json> id;  // none: a notification, which is not answered
};
struct RpcError {
  std::int64_t code = 0;
  std::string message;
};
struct RpcReply {
  Json id;
  std::variant<Json, RpcError> outcome;
};
using RpcMessage = std::variant<RpcCall, RpcReply>;

/// All messages of one text, a batch or a single one. Errc::Invalid when it is no JSON-RPC.
Result<std::vector<RpcMessage>> parse_rpc(std::string_view text);

/// Texts of messages; `params` and `result` are JSON texts, taken over as they are. A call without an id is a
/// notification.
std::string call_text(std::string_view method, std::string_view params, std::optional<std::uint64_t> id = {});
std::string result_text(const Json& id, std::string_view result);
std::string error_text(const Json& id, RpcCode code, std::string_view message);

/// One block of raw Snappy and back. Opening checks the announced size against `limit` before it allocates.
std::string compress(std::string_view text);
Result<std::string> decompress(std::string_view block, std::size_t limit);

}  // namespace sluice::sync::wire
