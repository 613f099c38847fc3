// SPDX-License-Identifier: Apache-2.0
#include "cluster/reader.h"

#include <utility>
#include <variant>

#include "entity/workspace.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"

namespace sluice::bench {
namespace {

using sync::wire::RpcCall;
using sync::wire::RpcReply;

constexpr std::size_t kLimit = 64 << 20;       // octets of a frame, unpacked
constexpr std::size_t kWorthKeeping = 64'000;  // parts of a whole configuration are not heard often
constexpr std::size_t kKept = 64;

std::string method(std::string_view name) {
  return std::string(sync::wire::kSluiceSync) + std::string(name);
}

}  // namespace

Result<std::shared_ptr<const Heard>> Reader::read(const std::string& frame) {
  if (const auto known = known_.find(frame); known != known_.end()) return known->second;
  TRY(Heard heard, read_anew(frame));
  auto shared = std::make_shared<const Heard>(std::move(heard));
  if (frame.size() > kWorthKeeping) return shared;
  if (known_.size() >= kKept) known_.clear();
  known_.emplace(frame, shared);
  return shared;
}

Result<Heard> Reader::read_anew(const std::string& frame) {
  TRY(const std::string text, sync::wire::decompress(frame, kLimit));
  TRY(const auto messages, sync::wire::parse_rpc(text));
  if (messages.size() != 1) return fail(Errc::Invalid, "more than one message in a frame");
  if (const auto* call = std::get_if<RpcCall>(&messages.front())) return read_call(*call);
  return read_deltas(std::get<RpcReply>(messages.front()));
}

Result<Heard> Reader::read_call(const RpcCall& call) {
  if (call.method == method(".push")) return read_push(call.params);
  if (call.method != "kong.sync.v2.notify_new_version") return fail(Errc::Invalid, "unexpected call: " + call.method);
  Heard heard;
  heard.kind = Heard::Kind::News;
  TRY(const std::string version, sync::wire::read_new_version_params(call.params));
  TRY(heard.to, sync::parse_wire_version(version));
  if (call.id) heard.answer = sync::wire::compress(sync::wire::result_text(*call.id, "true"));
  return heard;
}

Result<Heard> Reader::read_push(const Json& params) {
  TRY(const sync::wire::ReadPush read, sync::wire::read_push(params));
  Heard heard;
  heard.kind = Heard::Kind::Push;
  heard.hash = read.push.hash;
  heard.full = read.push.full;
  heard.last = read.push.part + 1 == read.push.parts;
  TRY(heard.to, sync::parse_wire_version(read.push.to));
  if (!heard.full) {
    TRY(heard.from, sync::parse_wire_version(read.push.from));
  }
  TRY(auto rows, sync::wire::read_deltas(*read.deltas, *Uuid::parse(entity::Workspace::kDefaultId)));
  mirror_.take(read.push, std::move(rows));
  const sync::wire::Standing standing{.version = read.push.to, .hash = read.push.hash, .reason = {}};
  heard.answer = sync::wire::compress(sync::wire::call_text(method(".applied"), sync::wire::standing_params(standing)));
  return heard;
}

Result<Heard> Reader::read_deltas(const RpcReply& reply) {
  if (const auto* error = std::get_if<sync::wire::RpcError>(&reply.outcome)) {
    return fail(Errc::Refused, "get_delta: " + error->message);
  }
  TRY(const auto result, sync::wire::read_get_delta_result(std::get<Json>(reply.outcome)));
  Heard heard;
  heard.kind = Heard::Kind::Deltas;
  heard.full = result.full;
  TRY(const auto rows, sync::wire::read_deltas(*result.deltas, {}));
  if (rows.version.empty()) return heard;
  TRY(heard.to, sync::parse_wire_version(rows.version));
  const std::string params = sync::wire::get_delta_params(rows.version);
  heard.answer = sync::wire::compress(sync::wire::call_text(kGetDelta, params));
  return heard;
}

}  // namespace sluice::bench
