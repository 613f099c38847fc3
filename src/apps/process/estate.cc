// SPDX-License-Identifier: Apache-2.0
#include "apps/process/estate.h"

#include <string_view>

#include <unistd.h>

#include "apps/process/memory_file.h"
#include "base/json.h"

namespace sluice::process {
namespace {

int number_of(const Json& json, std::string_view name, int fallback) {
  const Json* member = json.find(name);
  return member != nullptr && member->is_int() ? static_cast<int>(member->as_int()) : fallback;
}

}  // namespace

Result<int> Estate::write() const {
  Json::Array listening, going;
  for (const int socket : sockets) listening.emplace_back(std::int64_t{socket});
  for (const Leaving& one : leaving) {
    going.emplace_back(
        Json::Object{{"pid", std::int64_t{one.pid}}, {"link", std::int64_t{one.link}}, {"kill_in_ms", one.kill_in_ms}});
  }
  return memory_file("sluice-estate", to_json(Json::Object{{"worker", std::int64_t{worker}},
                                                           {"link", std::int64_t{link}},
                                                           {"keepsake", std::int64_t{keepsake}},
                                                           {"orders", std::int64_t{orders}},
                                                           {"sockets", std::move(listening)},
                                                           {"leaving", std::move(going)},
                                                           {"pid_file", std::int64_t{pid_file}}}));
}

Result<Estate> Estate::read(int fd) {
  auto text = read_whole(fd);
  ::close(fd);
  if (!text) return std::unexpected(std::move(text).error());
  TRY(const Json json, parse_json(*text));
  Estate estate;
  estate.worker = number_of(json, "worker", -1);
  estate.link = number_of(json, "link", -1);
  estate.keepsake = number_of(json, "keepsake", -1);
  estate.orders = number_of(json, "orders", -1);
  estate.pid_file = number_of(json, "pid_file", -1);
  if (const Json* sockets = json.find("sockets"); sockets != nullptr && sockets->is_array()) {
    for (const Json& socket : sockets->as_array()) {
      if (socket.is_int()) estate.sockets.push_back(static_cast<int>(socket.as_int()));
    }
  }
  if (const Json* leaving = json.find("leaving"); leaving != nullptr && leaving->is_array()) {
    for (const Json& one : leaving->as_array()) {
      estate.leaving.push_back({number_of(one, "pid", 0), number_of(one, "link", -1), number_of(one, "kill_in_ms", 0)});
    }
  }
  if (estate.worker < 0 || estate.orders < 0) return fail(Errc::Invalid, "incomplete estate");
  return estate;
}

std::vector<int> Estate::descriptors() const {
  std::vector<int> all = sockets;
  for (const int fd : {link, keepsake, orders, pid_file}) {
    if (fd >= 0) all.push_back(fd);
  }
  for (const Leaving& one : leaving) {
    if (one.link >= 0) all.push_back(one.link);
  }
  return all;
}

}  // namespace sluice::process
