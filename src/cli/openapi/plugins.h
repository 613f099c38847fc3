// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "cli/openapi/references.h"

namespace sluice::cli::openapi {

/// The plugins that one level of a document asks for, by name: each is what stands under `x-kong-plugin-<name>`.
using Plugins = std::map<std::string, Json::Object>;

/// Those of `level` over those of `outer`.
Result<Plugins> plugins_of(const ReferencesView& references, const Json& level, Plugins outer = {});

/// The openid-connect plugin that an operation's `security` (else the document's) asks for; nothing added when there is
/// none. Several requirements or schemes of another type are an error.
Result<> add_security(const ReferencesView& references, const Json& document, const Json& operation, Plugins& plugins);

}  // namespace sluice::cli::openapi
