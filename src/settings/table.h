// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "settings/settings.h"

namespace sluice::settings {

/// Whether a running node takes a new value on SIGHUP.
enum class Reload : std::uint8_t { Live, Restart };

/// All that is known about one setting.
struct Setting {
  std::string_view name;
  std::string_view fallback;  // the default, as one would write it
  Reload reload;
  std::string_view doc;  // one or two sentences
  std::string_view type;
  std::span<const std::string_view> choices = {};
  std::string_view alias = {};  // another name from kong.conf that means the same
  std::uint64_t least = 0;      // bounds of numbers
  std::uint64_t most = UINT32_MAX;
  bool secret = false;
  bool bare_millis = false;  // a time without a unit counts milliseconds, not seconds
  Result<> (*read)(const Setting&, std::string_view text, Settings&) = nullptr;
  Json (*write)(const Setting&, const Settings&) = nullptr;  // unmasked
  void (*copy)(const Settings& from, Settings& to) = nullptr;
};

/// All settings in the order of the documentation.
std::span<const Setting> describe_all();

/// By name or alias; null if there is none.
const Setting* find_setting(std::string_view name);

/// Whether kong.conf knows a name that has no meaning here.
bool is_foreign_kong_name(std::string_view name);

/// What differs between two sets of settings, for SIGHUP.
struct Change {
  std::string_view name;
  Reload reload;
};
std::vector<Change> changes(const Settings& before, const Settings& after);
/// Copies what a running node takes over from `fresh` into `running`; returns everything that differed.
std::vector<Change> take_live(Settings& running, const Settings& fresh);

/// The reference page, in Markdown.
std::string reference_page();

}  // namespace sluice::settings
