// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "commands.h"
#include "control/iam/token_book.h"
#include "control/publish/restoration.h"
#include "desk.h"
#include "prefix.h"
#include "storage.h"

// Commands on the store itself. A gateway that runs on it meanwhile sees what they did within a second.

namespace sluice::apps {
namespace {

using control::iam::Token;
using control::iam::TokenBook;

std::string meta_name(std::string_view token) {
  return std::string(TokenBook::kMetaPrefix).append(token);
}

bool is_token_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kOthers = "-_.@";
  return !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOthers.contains(c);
  });
}

/// A new version like an older one; somebody else's change that comes in between is undone as well.
Result<store::Version> go_back(store::DurableStore& store, const store::Version& wanted) {
  constexpr unsigned kMaxAttempts = 16;
  for (unsigned attempt = 0;; ++attempt) {
    TRY(const auto head, store.head());
    TRY(auto change, store.changes_back_to(wanted));
    change.author = "sluice restore --to " + to_string(wanted);
    change.note = control::publish::restored_from(wanted);
    const auto made = store.commit(head, std::span(&change, 1));
    if (made) return *made;
    const bool again = made.error().failure == store::CommitFailure::Conflict && attempt < kMaxAttempts;
    if (!again) return std::unexpected(made.error().error);
  }
}

int reseal(const Desk& desk) {
  const auto rows = desk.store().reseal();
  if (!rows) {
    Error error = rows.error();
    error.what += "; what is not sealed anew still opens under its old key: run `sluice keys reseal` later";
    return refuse(error);
  }
  fmt::print("{} {} sealed anew under key {}\n", *rows, *rows == 1 ? "row" : "rows", desk.open.keyring->active());
  return 0;
}

int reseal_under_new_key(const Desk& desk) {
  const store::Keyring& keyring = *desk.open.keyring;
  fmt::print(stderr, "{}: key {} is active now. Keep a copy; older backups need the older keys in it.\n",
             keyring.file(), keyring.active());
  if (desk.store().shared()) {
    fmt::print(stderr, "Control planes with a copy of the file of their own need the new one now; docs/store.md.\n");
  }
  return reseal(desk);
}

/// The keys alone, without the store; makes nothing.
Result<store::Keyring> find_keyring(const SettingsArguments& arguments) {
  const auto settings = load_settings(arguments);
  if (!settings) return fail(Errc::Invalid, "the settings are not valid");
  const std::string file = settings::below_prefix(*settings, settings->keyring_path);
  TRY(auto keyring, store::Keyring::open(file));
  if (keyring.empty()) {
    return fail(Errc::NotFound, "there is no keyring " + file +
                                    "; the first start with a store makes it (-p says where the prefix is)");
  }
  return keyring;
}

}  // namespace

int backup(const SettingsArguments& arguments, const BackupArguments& wanted) {
  const Desk desk = open_desk(arguments);
  if (!desk.open.store) return 1;
  const auto key = wanted.with_key ? store::WithKey::Yes : store::WithKey::No;
  if (auto done = desk.store().backup(wanted.file, key); !done) return refuse(done.error());
  fmt::print("{}\n", wanted.file);
  if (!wanted.with_key) {
    fmt::print(stderr, "Secrets in it are sealed: keep a copy of {} elsewhere.\n", desk.open.keyring->file());
  }
  return 0;
}

int restore(const SettingsArguments& arguments, const RestoreArguments& wanted) {
  if (wanted.file.empty() == wanted.version.empty()) {
    return refuse({.what = "restore: name a file, or --to with a version"});
  }
  if (!wanted.file.empty() && ::access(wanted.file.c_str(), R_OK) != 0) {
    return refuse({.what = "restore: cannot read " + wanted.file + ": " + std::strerror(errno)});
  }
  const Desk desk = open_desk(arguments, wanted.file.empty() ? Store::MustExist : Store::MayBeMade);
  if (!desk.open.store) return 1;
  auto done = [&]() -> Result<store::Version> {
    if (!wanted.file.empty()) return desk.store().restore(wanted.file);
    TRY(const auto version, store::parse_version(wanted.version));
    return go_back(desk.store(), version);
  }();
  if (!done) return refuse(done.error());
  fmt::print("{}\n", to_string(*done));
  return 0;
}

int token_create(const SettingsArguments& arguments, const TokenArguments& wanted) {
  auto role = control::iam::parse_role(wanted.role);
  if (!role) return refuse(role.error());
  if (!wanted.name.empty() && !is_token_name(wanted.name)) {
    return refuse({.what = "token: a name is up to 64 letters, digits and -_.@"});
  }
  const Desk desk = open_desk(arguments, Store::MayBeMade);
  if (!desk.open.store) return 1;
  auto made = control::iam::make_token(wanted.name, *role);
  if (wanted.name.empty()) {
    constexpr std::size_t kDigits = 8;
    made.token.name = wanted.role + "-" + made.token.digest.substr(0, kDigits);
  }
  const std::string name = meta_name(made.token.name);
  auto known = desk.store().meta(name);
  if (!known) return refuse(known.error());
  if (*known) return refuse({.what = "token: there is one named " + made.token.name + " already"});
  if (auto kept = desk.store().set_meta(name, made.token.to_text()); !kept) return refuse(kept.error());
  fmt::print("{}\n", made.text);
  fmt::print(stderr, "Token {} ({}). It is not shown again.\n", made.token.name, wanted.role);
  return 0;
}

int token_list(const SettingsArguments& arguments) {
  const Desk desk = open_desk(arguments);
  if (!desk.open.store) return 1;
  auto kept = desk.store().metas(TokenBook::kMetaPrefix);
  if (!kept) return refuse(kept.error());
  for (const auto& [name, text] : *kept) {
    auto token = Token::parse(text);
    if (!token) return refuse({.what = name + ": " + token.error().what});
    constexpr std::int64_t kMillis = 1000;
    fmt::print("{:<24} {:<10} {}\n", token->name, control::iam::to_string(token->role),
               format_rfc3339(token->created_at * kMillis));
  }
  return 0;
}

int token_revoke(const SettingsArguments& arguments, const std::string& name) {
  const Desk desk = open_desk(arguments);
  if (!desk.open.store) return 1;
  auto known = desk.store().meta(meta_name(name));
  if (!known) return refuse(known.error());
  if (!*known) return refuse({.what = "token: there is none named " + name});
  if (auto done = desk.store().erase_meta(meta_name(name)); !done) return refuse(done.error());
  return 0;
}

int keys_list(const SettingsArguments& arguments) {
  const auto keyring = find_keyring(arguments);
  if (!keyring) return refuse(keyring.error());
  for (const std::string& name : keyring->names()) {
    fmt::print("{}{}\n", name, name == keyring->active() ? "  active" : "");
  }
  return 0;
}

int keys_rotate(const SettingsArguments& arguments, const KeyArguments& wanted) {
  auto keyring = find_keyring(arguments);
  if (!keyring) return refuse(keyring.error());
  if (wanted.inactive) {
    const auto added = keyring->add();
    if (!added) return refuse(added.error());
    fmt::print("{}\n", *added);
    fmt::print(stderr, "Copy {} to every control plane of this store, then run `sluice keys activate {}`.\n",
               keyring->file(), *added);
    return 0;
  }
  const Desk desk = open_desk(arguments);
  if (!desk.open.store) return 1;
  if (auto done = desk.store().rotate_key(); !done) return refuse(done.error());
  return reseal_under_new_key(desk);
}

int keys_activate(const SettingsArguments& arguments, const KeyArguments& wanted) {
  auto keyring = find_keyring(arguments);
  if (!keyring) return refuse(keyring.error());
  if (auto done = keyring->activate(wanted.name); !done) return refuse(done.error());
  const Desk desk = open_desk(arguments);
  return desk.open.store ? reseal_under_new_key(desk) : 1;
}

int keys_reseal(const SettingsArguments& arguments) {
  if (const auto keyring = find_keyring(arguments); !keyring) return refuse(keyring.error());
  const Desk desk = open_desk(arguments);
  return desk.open.store ? reseal(desk) : 1;
}

}  // namespace sluice::apps
