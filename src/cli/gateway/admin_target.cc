// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/admin_target.h"

#include <cstdlib>
#include <initializer_list>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/strings.h"

namespace sluice::cli {
namespace {

std::string first_set(std::initializer_list<const char*> variables, std::string fallback) {
  for (const char* name : variables) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return fallback;
}

}  // namespace

void add_admin_options(CLI::App& command, GatewayArguments& arguments) {
  command.add_option("--admin,--admin-url,--kong-addr", arguments.address,
                     "Address of the Admin API (or SLUICE_ADMIN_URL, DECK_KONG_ADDR; http://localhost:8001)");
  add_talk_options(command, arguments);
}

void add_talk_options(CLI::App& command, GatewayArguments& arguments) {
  command
      .add_option("--headers", arguments.headers,
                  "Header of every request to it, Name:value (or SLUICE_ADMIN_HEADERS, DECK_HEADERS)")
      ->allow_extra_args(false);
  command.add_option("--token", arguments.token, "Sent as Kong-Admin-Token (or SLUICE_ADMIN_TOKEN)");
  command.add_flag("--tls-skip-verify", arguments.tls_skip_verify, "Trust any certificate");
  command.add_option("--ca-cert-file", arguments.ca_file, "Certificates to trust instead of the system's (PEM)");
  command.add_option("--timeout", arguments.timeout_s, "Seconds for one request")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
}

Result<AdminTarget> admin_target(const GatewayArguments& arguments) {
  AdminTarget target;
  target.url = !arguments.address.empty() ? arguments.address
                                          : first_set({"SLUICE_ADMIN_URL", "DECK_KONG_ADDR"}, std::move(target.url));
  std::vector<std::string> headers = arguments.headers;
  if (const std::string given = first_set({"SLUICE_ADMIN_HEADERS", "DECK_HEADERS"}, {}); headers.empty()) {
    for (std::string_view header : split_list(given)) headers.emplace_back(header);
  }
  for (const std::string& header : headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      return fail(Errc::Invalid, "--headers: expected Name:value, not '" + header + "'");
    }
    target.headers.emplace_back(trim(header.substr(0, colon)), trim(header.substr(colon + 1)));
  }
  const std::string token = !arguments.token.empty() ? arguments.token : first_set({"SLUICE_ADMIN_TOKEN"}, {});
  if (!token.empty()) target.headers.emplace_back("Kong-Admin-Token", token);
  target.verify_tls = !arguments.tls_skip_verify;
  target.ca_file = arguments.ca_file;
  target.timeout_ms = arguments.timeout_s * 1000;
  return target;
}

}  // namespace sluice::cli
