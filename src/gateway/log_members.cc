// SPDX-License-Identifier: Apache-2.0
#include "gateway/log_members.h"

#include <cstdint>

#include "entity/route.h"
#include "entity/service.h"

namespace sluice::gateway {
namespace {

template <class E>
void append(std::string& out, const Directory* directory, const E& entity) {
  if (directory != nullptr && directory->append_document(out, entity)) return;
  struct Description {
    schema::Entity<E> entity;
    Description() { E::describe(entity); }
  };
  static const Description kDescription;
  append_json(out, kDescription.entity.write(entity));
}

}  // namespace

void append_tries(std::string& out, std::span<const telemetry::Try> tries) {
  constexpr std::int64_t kMilli = 1'000'000;
  out += '[';
  for (const telemetry::Try& attempt : tries) {
    if (out.back() != '[') out += ',';
    ObjectWriter members(out);
    members.number("balancer_start", attempt.started_wall_ns / kMilli);
    members.number("balancer_start_ns", attempt.started_wall_ns);
    members.number("balancer_latency", attempt.balancer_ns / kMilli);
    members.number("balancer_latency_ns", attempt.balancer_ns);
    members.text("ip", attempt.ip.to_string());
    members.number("port", attempt.port);
    if (!attempt.failed) continue;
    members.text("state", "failed");
    members.number("code", attempt.status);
  }
  out += ']';
}

void append_entity(std::string& out, const Directory* directory, const entity::Route& route) {
  append(out, directory, route);
}

void append_entity(std::string& out, const Directory* directory, const entity::Service& service) {
  append(out, directory, service);
}

}  // namespace sluice::gateway
