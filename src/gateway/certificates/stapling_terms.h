// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sluice::gateway {

/// Whether authorities are asked about our certificates.
struct StaplingTerms {
  bool on = false;
  std::string responder;  // an http URL, in place of the one that each certificate names; empty: none
};

}  // namespace sluice::gateway
