// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schema/rule.h"

// Rules for the texts that the transformers are configured with.
namespace sluice::plugins {

/// `name:value` with a value.
schema::Rule pair_entry();
/// The same for a header: its name must be one.
schema::Rule header_pair_entry();
/// `old:new`, both names of headers; the new one may be a template.
schema::Rule header_rename_entry();
/// The name of a header.
schema::Rule header_entry();

}  // namespace sluice::plugins
