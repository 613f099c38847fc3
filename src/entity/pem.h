// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::entity {

/// What is wrong with a PEM text, in the words of the Admin API; nothing when it is fine.
std::optional<std::string> check_certificate(std::string_view pem);
std::optional<std::string> check_private_key(std::string_view pem);
/// What keeps it from being the certificate of an authority, still valid, and only one.
std::optional<std::string> check_authority(std::string_view pem);

}  // namespace sluice::entity
