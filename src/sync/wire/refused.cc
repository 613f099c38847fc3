// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "sync/wire/deltas.h"
#include "sync/wire/json_member.h"

namespace sluice::sync::wire {
namespace {

constexpr std::string_view kNoName = "generic or unknown error";
constexpr std::size_t kMaxMessage = 16'384;  // octets kept of what somebody else says
constexpr int kInvalidSync = 21;             // Kong's code of the protocol's own errors

std::string cut(std::string text) {
  if (text.size() > kMaxMessage) {
    text.resize(kMaxMessage);
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

/// The error object that both protocols have. Another product may leave out anything.
void read_error(const Json& error, Refused& refused) {
  refused.name = shown(error.find("name"));
  if (refused.name.empty()) refused.name = kNoName;
  refused.message = shown(error.find("message"));
  const Json* errors = error.find("flattened_errors");
  if (errors != nullptr && errors->is_array()) refused.errors = *errors;
  if (!refused.message.empty()) return;
  // A validation error of protocol 2 may say what is wrong in `fields` only.
  refused.message = shown(error.find("fields"));
}

Json list_of(const Json& errors) {
  return errors.is_array() ? errors : Json::array();
}

}  // namespace

std::string refused_params(const Refused& refused) {
  Json::Object error{{"code", kInvalidSync},
                     {"name", refused.name},
                     {"source", "sync"},
                     {"message", refused.message},
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
                     {"message", refused.message},
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
