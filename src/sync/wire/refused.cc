// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "sync/wire/deltas.h"
#include "sync/wire/json_member.h"

namespace sluice::sync::wire {
namespace {

constexpr std::string_view kNoName = "generic or unknown error";
constexpr std::size_t kMaxMessage = 4'096;  // octets kept of what somebody else says
constexpr std::size_t kMaxDetail = 512;     // of what is wrong with one field
// Of all that is wrong: for people, who begin with the first.
constexpr std::size_t kMaxEntities = 50;
constexpr std::size_t kMaxErrors = 20;  // of one entity
constexpr std::size_t kMaxOctets = 16'384;
constexpr int kInvalidSync = 21;  // Kong's code of the protocol's own errors

std::string cut(std::string text, std::size_t most = kMaxMessage) {
  if (text.size() > most) {
    text.resize(most);
    // Not within a character: what is kept goes into JSON again.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0U) text.pop_back();
  }
  return text;
}

/// A text as whoever wrote it meant it: what is no text is shown as JSON.
std::string shown(const Json* member) {
  if (member == nullptr || member->is_null()) return {};
  return cut(member->is_string() ? member->as_string() : to_json(*member));
}

void copy_text(const Json& from, std::string_view name, Json::Object& to) {
  const Json* text = from.find(name);
  if (text != nullptr && text->is_string()) to.set(name, cut(text->as_string(), kMaxDetail));
}

/// Which entity it is and what is wrong where. The entity itself stays behind: its values may be secrets.
Json described(const Json& given) {
  Json::Object entity;
  for (const char* name : {"entity_type", "entity_id", "entity_name"}) copy_text(given, name, entity);
  Json::Array kept;
  const Json* errors = given.find("errors");
  if (errors != nullptr && errors->is_array()) {
    for (const Json& error : errors->as_array()) {
      if (kept.size() == kMaxErrors) break;
      Json::Object one;
      for (const char* name : {"type", "field", "message"}) copy_text(error, name, one);
      if (!one.empty()) kept.emplace_back(std::move(one));
    }
  }
  entity.set("errors", std::move(kept));
  return entity;
}

/// As many as fit.
Json list_of(const Json& errors) {
  Json::Array list;
  std::size_t octets = 0;
  if (!errors.is_array()) return list;
  for (const Json& error : errors.as_array()) {
    Json one = described(error);
    octets += to_json(one).size();
    if (list.size() == kMaxEntities || octets > kMaxOctets) break;
    list.push_back(std::move(one));
  }
  return list;
}

/// The error object that both protocols have. Another product may leave out anything.
void read_error(const Json& error, Refused& refused) {
  refused.name = shown(error.find("name"));
  if (refused.name.empty()) refused.name = kNoName;
  refused.message = shown(error.find("message"));
  const Json* errors = error.find("flattened_errors");
  if (errors != nullptr) refused.errors = list_of(*errors);
  if (!refused.message.empty()) return;
  // A validation error of protocol 2 may say what is wrong in `fields` only.
  refused.message = shown(error.find("fields"));
}

}  // namespace

std::string refused_params(const Refused& refused) {
  Json::Object error{{"code", kInvalidSync},
                     {"name", refused.name},
                     {"source", "sync"},
                     {"message", cut(refused.message)},
                     {"flattened_errors", list_of(refused.errors)}};
  return to_json(Json::Array{Json::Object{{"version", refused.version}, {"error", std::move(error)}}});
}

Result<Refused> read_refused_params(const Json& params) {
  TRY(const Json* members, only_element(params));
  Refused refused;
  refused.errors = Json::array();
  TRY(refused.version, optional_text(*members, "version"));
  const Json* error = members->find("error");
  if (error == nullptr || !error->is_object()) return fail(Errc::Invalid, "no object \"error\"", Blame::Client);
  read_error(*error, refused);
  return refused;
}

std::string refused_v1_text(const Refused& refused) {
  Json::Object error{{"name", refused.name},
                     {"message", cut(refused.message)},
                     {"source", "sync"},
                     {"config_hash", refused.hash},
                     {"flattened_errors", list_of(refused.errors)}};
  return to_json(Json::Object{{"type", "error"}, {"error", std::move(error)}});
}

Result<Refused> read_refused_v1(std::string_view text) {
  TRY(const Json message, parse_json(text));
  const Json* type = message.find("type");
  const Json* error = message.find("error");
  if (type == nullptr || !(*type == Json("error")) || error == nullptr || !error->is_object()) {
    return fail(Errc::Invalid, "a frame that is no error", Blame::Client);
  }
  Refused refused;
  refused.errors = Json::array();
  TRY(refused.hash, optional_text(*error, "config_hash"));
  read_error(*error, refused);
  return refused;
}

}  // namespace sluice::sync::wire
