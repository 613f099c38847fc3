// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "entity/ca_certificate.h"
#include "entity/certificate.h"
#include "schema/entity.h"

namespace sluice::entity {

/// An application that requests are sent to: where it is and how to speak to it.
struct Service {
  static constexpr std::string_view kName = "services";

  schema::Id<Service> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  int retries = 5;
  std::string protocol = "http";
  std::string host;
  std::uint16_t port = 80;
  std::string path;  // empty: none
  Millis connect_timeout{60'000};
  Millis write_timeout{60'000};
  Millis read_timeout{60'000};
  std::vector<std::string> tags;
  schema::Ref<Certificate> client_certificate;
  std::optional<bool> tls_verify;
  std::optional<int> tls_verify_depth;
  std::vector<Uuid> ca_certificates;
  bool enabled = true;

  static void describe(schema::Entity<Service>& e);
};

/// Adds the protocols ws and wss, which only the enterprise edition of the ecosystem knows.
void add_websockets(schema::Entity<Service>& e);

}  // namespace sluice::entity
