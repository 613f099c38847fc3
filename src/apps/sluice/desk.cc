// SPDX-License-Identifier: Apache-2.0
#include "desk.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefix.h"

namespace sluice::apps {

int refuse(const Error& error) {
  fmt::print(stderr, "sluice: {}\n", error.what);
  return 1;
}

Desk open_desk(const SettingsArguments& arguments, Store wanted) {
  Desk desk;
  desk.settings = load_settings(arguments);
  if (!desk.settings) return desk;
  const bool is_file = desk.settings->database == settings::Database::Sqlite;
  if (const std::string file = sqlite_file(*desk.settings);
      is_file && wanted == Store::MustExist && ::access(file.c_str(), F_OK) != 0) {
    refuse({.what = "there is no store " + file + "; the first start makes it (-p says where the prefix is)"});
    return desk;
  }
  ::umask(static_cast<mode_t>(std::strtoul(desk.settings->umask.c_str(), nullptr, 8)));
  desk.vocabulary = std::make_unique<Vocabulary>(*desk.settings);
  auto made = make_prefix(*desk.settings);
  auto open = made ? open_store(*desk.settings, *desk.vocabulary->catalog) : std::unexpected(made.error());
  if (open) {
    desk.open = *std::move(open);
  } else {
    refuse(open.error());
  }
  return desk;
}

}  // namespace sluice::apps
