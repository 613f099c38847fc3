// SPDX-License-Identifier: Apache-2.0
#include "first_account.h"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

#include "apps/process/replace_file.h"
#include "base/log.h"
#include "control/iam/front_door.h"
#include "control/iam/password.h"

namespace sluice::apps {
namespace {

using control::iam::Accounts;
using control::iam::AccountState;
using control::iam::User;

constexpr const char* kFile = "secrets/set-up-link";
constexpr mode_t kOwnerOnly = 0600;

/// The account of the settings, which have been checked. Another replica may have been first.
Result<> make_account(const settings::Settings& settings, Accounts& accounts) {
  const std::string& password = settings.admin_password.reveal();
  const std::string& email = settings.admin_email;
  const User user{.id = Uuid::random(),
                  .email = email,
                  .full_name = {},
                  .preferred_name = {},
                  .password = control::iam::hash_password(password),
                  .created_ms = accounts.now(),
                  .updated_ms = accounts.now()};
  const auto made =
      accounts.change_now([&](const AccountState& state) { return add_first_user(state, user, ""); }, "admin_password");
  if (!made) {
    TRY(accounts.open_now());
    if (accounts.state().closed()) return {};
    return std::unexpected(made.error());
  }
  log::info("accounts.first_made", {{"email", email}});
  return {};
}

/// The link of the start before, if it is still good: a worker that comes after another does not spoil it.
std::string kept_link(const std::string& path, const Accounts& accounts) {
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::size_t begin = text.find('#');
  if (begin == text.npos) return {};
  const std::string secret = text.substr(begin + 1, text.find('\n', begin) - begin - 1);
  const auto* link = accounts.state().find_link(secret);
  const bool good = link != nullptr && link->user.is_nil() && link->expires_ms > accounts.now() &&
                    link->epoch == accounts.state().version().epoch;
  return good ? secret : std::string();
}

/// Where the secret stands behind '#', a browser keeps it to itself.
Result<std::string> make_link(const settings::Settings& settings, Accounts& accounts) {
  const std::string path = settings::below_prefix(settings, kFile);
  const std::string base = console_url(settings) + "/set-up#";
  if (const std::string secret = kept_link(path, accounts); !secret.empty()) return base + secret;
  const auto made = control::iam::make_link({}, accounts.now());
  TRY(accounts.change_now([&](const AccountState& state) { return add_link(state, made.link); }, "start"));
  TRY(process::replace_file(settings.prefix, kFile, base + made.text + "\n", kOwnerOnly));
  return base + made.text;
}

/// Whoever reads a log is not to become the administrator: only a terminal gets the link itself.
void show(const settings::Settings& settings, const std::string& link) {
  const std::string file = settings::below_prefix(settings, kFile);
  if (::isatty(STDERR_FILENO) != 0) {
    fmt::print(stderr, "Make the first account, within 24 hours:\n  {}\n", link);
  } else {
    fmt::print(stderr, "Make the first account, within 24 hours: the link is in {}\n", file);
  }
  log::info("accounts.set_up_link", {{"file", file}});
}

}  // namespace

std::string console_url(const settings::Settings& settings) {
  if (!settings.admin_gui_url.empty()) {
    std::string url = settings.admin_gui_url.front();
    while (url.ends_with('/')) url.pop_back();
    return url;
  }
  if (settings.admin_gui_listen.empty()) return {};
  const settings::Listener& first = settings.admin_gui_listen.front();
  const bool anywhere = first.ip.to_string() == "0.0.0.0" || first.ip.to_string() == "::";
  return std::string(first.ssl ? "https://" : "http://") +
         (anywhere ? "localhost:" + std::to_string(first.port) : first.address());
}

void offer_first_account(const settings::Settings& settings, Accounts& accounts) {
  const std::string path = settings::below_prefix(settings, kFile);
  if (accounts.state().closed()) {
    ::unlink(path.c_str());
    return;
  }
  if (!settings.admin_password.empty()) {
    const auto made = make_account(settings, accounts);
    if (!made) throw std::runtime_error("the account of admin_password cannot be made: " + made.error().what);
    return;
  }
  if (settings.admin_gui_listen.empty()) return;
  const auto link = make_link(settings, accounts);
  if (link) {
    show(settings, *link);
  } else {
    log::warn("accounts.no_set_up_link", {{"error", link.error()}});
  }
}

}  // namespace sluice::apps
