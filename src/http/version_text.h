// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "http/message.h"

namespace sluice::http {

/// As request lines and logs spell it: "HTTP/1.1", "HTTP/2.0".
constexpr std::string_view version_text(Version version) {
  switch (version) {
    case Version::Http10:
      return "HTTP/1.0";
    case Version::Http11:
      return "HTTP/1.1";
    case Version::Http2:
      return "HTTP/2.0";
    case Version::Http3:
      return "HTTP/3.0";
  }
  return "HTTP/1.1";
}

}  // namespace sluice::http
