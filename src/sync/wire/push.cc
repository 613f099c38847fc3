// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <utility>

#include "sync/wire/deltas.h"
#include "sync/wire/json_member.h"

namespace sluice::sync::wire {
namespace {

constexpr std::int64_t kMaxParts = 1'000'000;

Result<std::size_t> count_member(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  if (member == nullptr || !member->is_int() || member->as_int() < 0 || member->as_int() > kMaxParts) {
    return fail(Errc::Invalid, "push: no number \"" + std::string(name) + '"', Blame::Upstream);
  }
  return static_cast<std::size_t>(member->as_int());
}

/// What goes together, as deltas.h says.
Result<> check(const Push& push) {
  const auto wrong = [](const char* why) { return fail(Errc::Invalid, std::string("push: ") + why, Blame::Upstream); };
  const bool last = push.part + 1 == push.parts;
  if (push.part >= push.parts) return wrong("a part behind the last one");
  if (push.to.empty()) return wrong("leads to no version");
  if (push.full != push.from.empty()) return wrong("a whole configuration starts from nothing, and only that");
  if (!push.full && push.parts != 1) return wrong("a change in parts");
  if (last && push.hash.size() != 32) return wrong("no hash");
  if (!last && !(push.hash.empty() && push.signature.empty())) return wrong("hash or signature before the last part");
  return {};
}

}  // namespace

std::string push_params(const Push& push, std::string_view deltas) {
  std::string text = "[";
  append_json(text, Json::Object{{"from", push.from},
                                 {"to", push.to},
                                 {"hash", push.hash},
                                 {"part", push.part},
                                 {"parts", push.parts},
                                 {"full", push.full},
                                 {"signature", push.signature}});
  text.pop_back();  // the brace: the deltas are a text already
  text.reserve(text.size() + deltas.size() + 16);
  text += ",\"deltas\":";
  text += deltas;
  return text += "}]";
}

Result<ReadPush> read_push(const Json& params) {
  TRY(const Json* members, only_element(params));
  ReadPush read{{}, members->find("deltas")};
  TRY(read.push.from, text_member(*members, "from"));
  TRY(read.push.to, text_member(*members, "to"));
  TRY(read.push.hash, text_member(*members, "hash"));
  TRY(read.push.part, count_member(*members, "part"));
  TRY(read.push.parts, count_member(*members, "parts"));
  TRY(read.push.signature, text_member(*members, "signature"));
  const Json* full = members->find("full");
  if (full == nullptr || !full->is_bool()) return fail(Errc::Invalid, "push: no \"full\"", Blame::Upstream);
  read.push.full = full->as_bool();
  if (read.deltas == nullptr) return fail(Errc::Invalid, "push: no \"deltas\"", Blame::Upstream);
  TRY(check(read.push));
  return read;
}

std::string standing_params(const Standing& standing) {
  return to_json(
      Json::Array{Json::Object{{"version", standing.version}, {"hash", standing.hash}, {"reason", standing.reason}}});
}

Result<Standing> read_standing(const Json& params) {
  TRY(const Json* members, only_element(params));
  Standing standing;
  TRY(standing.version, text_member(*members, "version"));
  TRY(standing.hash, text_member(*members, "hash"));
  TRY(standing.reason, optional_text(*members, "reason"));
  return standing;
}

}  // namespace sluice::sync::wire
