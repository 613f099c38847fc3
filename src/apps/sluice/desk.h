// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "configuration.h"
#include "settings/settings.h"
#include "storage.h"

namespace sluice::apps {

/// What commands on the store need, from settings. One that runs on it meanwhile sees what they did within a second.
struct Desk {
  std::unique_ptr<settings::Settings> settings;
  std::unique_ptr<Vocabulary> vocabulary;
  OpenStore open;
  [[nodiscard]] store::DurableStore& store() const { return *open.store; }
};

enum class Store : std::uint8_t { MustExist, MayBeMade };

/// Prints what is wrong; then there is no store in it.
Desk open_desk(const SettingsArguments& arguments, Store wanted = Store::MustExist);

/// Prints an error; the exit code to end with.
int refuse(const Error& error);

}  // namespace sluice::apps
