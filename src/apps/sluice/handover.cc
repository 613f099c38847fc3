// SPDX-License-Identifier: Apache-2.0
#include "handover.h"

#include <utility>

#include <unistd.h>

#include "apps/process/memory_file.h"

namespace sluice::apps {
namespace {

constexpr std::int64_t kFormat = 1;

std::string text_of(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

int number_of(const Json& json, std::string_view name, int fallback) {
  const Json* member = json.find(name);
  return member != nullptr && member->is_int() ? static_cast<int>(member->as_int()) : fallback;
}

}  // namespace

Result<int> Handover::write() const {
  const Json json = Json::Object{{"format", kFormat},
                                 {"file", arguments.file},
                                 {"text", arguments.text ? Json(*arguments.text) : Json()},
                                 {"declarative", arguments.declarative},
                                 {"prefix", arguments.prefix},
                                 {"sockets", sockets.to_json()},
                                 {"shards", static_cast<std::int64_t>(shards)},
                                 {"link", std::int64_t{link}},
                                 {"keepsake", std::int64_t{keepsake}},
                                 {"respawned", respawned}};
  return process::memory_file("sluice-handover", to_json(json));
}

Result<Handover> Handover::read(int fd) {
  auto text = process::read_whole(fd);
  ::close(fd);
  if (!text) return std::unexpected(std::move(text).error());
  TRY(Json json, parse_json(*text));
  if (number_of(json, "format", 0) != kFormat) return fail(Errc::Unsupported, "made by another version");
  Handover handover;
  handover.arguments.file = text_of(json, "file");
  handover.arguments.text = text_of(json, "text");
  handover.arguments.declarative = text_of(json, "declarative");
  handover.arguments.prefix = text_of(json, "prefix");
  const Json* sockets = json.find("sockets");
  TRY(handover.sockets, ListeningSockets::inherited(sockets != nullptr ? *sockets : Json()));
  handover.shards = static_cast<std::size_t>(number_of(json, "shards", 1));
  handover.link = number_of(json, "link", -1);
  handover.keepsake = number_of(json, "keepsake", -1);
  const Json* respawned = json.find("respawned");
  handover.respawned = respawned != nullptr && respawned->is_bool() && respawned->as_bool();
  for (int inherited : {handover.link, handover.keepsake}) {
    if (inherited >= 0) process::keep_on_exec(inherited, false);
  }
  return handover;
}

}  // namespace sluice::apps
