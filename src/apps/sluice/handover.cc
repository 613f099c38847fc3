// SPDX-License-Identifier: Apache-2.0
#include "handover.h"

#include <utility>

#include <unistd.h>

#include "apps/process/memory_file.h"

namespace sluice::apps {
namespace {

constexpr std::int64_t kFormat = 3;

std::string text_of(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

int number_of(const Json& json, std::string_view name, int fallback) {
  const Json* member = json.find(name);
  return member != nullptr && member->is_int() ? static_cast<int>(member->as_int()) : fallback;
}

bool is_true(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  return member != nullptr && member->is_bool() && member->as_bool();
}

}  // namespace

Result<int> Handover::write() const {
  const Json json = Json::Object{{"format", kFormat},
                                 {"file", arguments.file},
                                 {"has_text", arguments.text.has_value()},
                                 {"declarative", arguments.declarative},
                                 {"prefix", arguments.prefix},
                                 {"sockets", sockets.to_json()},
                                 {"shards", static_cast<std::int64_t>(shards)},
                                 {"link", std::int64_t{link}},
                                 {"keepsake", std::int64_t{keepsake}},
                                 {"program", program},
                                 {"held_prefix", prefix},
                                 {"next_version", next_version},
                                 {"errors", std::int64_t{errors}}};
  // One line of JSON, which escapes line feeds; then the settings as they are: not every file is valid UTF-8.
  return process::memory_file("sluice-handover", to_json(json) + "\n" + arguments.text.value_or(""));
}

Result<Handover> Handover::read(int fd, std::span<const int> descriptors) {
  auto text = process::read_whole(fd);
  ::close(fd);
  if (!text) return std::unexpected(std::move(text).error());
  const std::size_t line = text->find('\n');
  TRY(Json json, parse_json(std::string_view(*text).substr(0, line)));
  if (number_of(json, "format", 0) != kFormat) return fail(Errc::Unsupported, "made by another version");
  Handover handover;
  handover.arguments.file = text_of(json, "file");
  if (is_true(json, "has_text") && line != std::string::npos) handover.arguments.text = text->substr(line + 1);
  handover.arguments.declarative = text_of(json, "declarative");
  handover.arguments.prefix = text_of(json, "prefix");
  const Json* sockets = json.find("sockets");
  TRY(handover.sockets, ListeningSockets::inherited(sockets != nullptr ? *sockets : Json(), descriptors));
  handover.shards = static_cast<std::size_t>(number_of(json, "shards", 1));
  handover.link = number_of(json, "link", -1);
  handover.keepsake = number_of(json, "keepsake", -1);
  handover.program = text_of(json, "program");
  handover.prefix = text_of(json, "held_prefix");
  handover.next_version = is_true(json, "next_version");
  handover.errors = number_of(json, "errors", -1);
  for (int inherited : {handover.link, handover.keepsake, handover.errors}) {
    if (inherited >= 0) process::keep_on_exec(inherited, false);
  }
  return handover;
}

}  // namespace sluice::apps
