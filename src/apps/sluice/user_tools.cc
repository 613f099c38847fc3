// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

#include "base/time.h"
#include "commands.h"
#include "control/iam/accounts.h"
#include "control/iam/front_door.h"
#include "control/iam/password.h"
#include "desk.h"
#include "first_account.h"

// Accounts from the shell: for the first one, and for who is locked out. Whoever reads the store owns it.

namespace sluice::apps {
namespace {

using control::iam::AccountLedger;
using control::iam::AccountState;
using control::iam::User;

constexpr const char* kAuthor = "sluice user";

/// The accounts of a store, open.
struct AccountDesk {
  Desk desk;
  std::unique_ptr<store::DurableStore> rows;
  std::unique_ptr<AccountLedger> ledger;
  [[nodiscard]] const AccountState& state() const { return ledger->state(); }
};

Result<AccountDesk> open_accounts(Desk desk) {
  AccountDesk open{std::move(desk), nullptr, nullptr};
  TRY(open.rows, open.desk.store().another(std::string(AccountState::kStore)));
  open.ledger = std::make_unique<AccountLedger>(*open.rows);
  TRY(open.ledger->load());
  return open;
}

/// Keeps what is typed off the screen, as long as it lives.
class Silence {
 public:
  Silence() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    fmt::print(stderr, "\n");
  }

 private:
  termios before_{};
  bool changed_ = false;
};

/// The first line of standard input, asked for on a terminal. Never an argument: those are for all to see.
std::string read_password() {
  std::string line;
  if (::isatty(STDIN_FILENO) == 0) {
    std::getline(std::cin, line);
    return line;
  }
  fmt::print(stderr, "Password: ");
  const Silence silence;
  std::getline(std::cin, line);
  return line;
}

Result<std::string> new_hash(const std::string& email) {
  const std::string password = read_password();
  if (const auto wrong = control::iam::password_problem(password, email); !wrong.empty()) {
    return fail(Errc::Invalid, "the password " + wrong);
  }
  return control::iam::hash_password(password);
}

/// A link with which the user chooses a password.
Result<> give_link(AccountDesk& open, const Uuid& user) {
  const auto made = control::iam::make_link(user, unix_millis());
  TRY(open.ledger->change([&](const AccountState& state) { return add_link(state, made.link); }, kAuthor));
  fmt::print("{}/set-up#{}\n", console_url(*open.desk.settings), made.text);
  fmt::print(stderr, "Follow it within 24 hours to choose a password; it works once.\n");
  return {};
}

Result<> create(AccountDesk& open, const UserArguments& wanted) {
  TRY(const auto role, control::iam::parse_role(wanted.role));
  if (const auto wrong = control::iam::email_problem(wanted.email); !wrong.empty()) {
    return fail(Errc::Invalid, "the e-mail address " + wrong);
  }
  User user{.id = Uuid::random(),
            .email = wanted.email,
            .full_name = wanted.name,
            .preferred_name = {},
            .role = role,
            .password = {},
            .created_ms = unix_millis(),
            .updated_ms = unix_millis()};
  if (wanted.with_password) {
    TRY(user.password, new_hash(user.email));
  }
  TRY(open.ledger->change([&](const AccountState& state) { return add_user(state, user); }, kAuthor));
  if (!wanted.with_password) return give_link(open, user.id);
  fmt::print("{}\n", user.id.to_string());
  return {};
}

Result<> reset(AccountDesk& open, const UserArguments& wanted) {
  const User* user = open.state().find_user(wanted.email);
  if (user == nullptr) return fail(Errc::NotFound, "there is no user " + wanted.email);
  const Uuid id = user->id;
  const bool shut_out = !user->active;  // and not only locked out
  std::string hash;
  if (wanted.with_password) {
    TRY(hash, new_hash(wanted.email));
  }
  const auto set = [&](const AccountState& state) {
    return shut_out ? let_in_again(state, id, hash, unix_millis())
                    : set_password(state, id, hash, unix_millis(), std::nullopt);
  };
  if (shut_out || wanted.with_password) TRY(open.ledger->change(set, kAuthor));
  return wanted.with_password ? Result<>{} : give_link(open, id);
}

Result<> remove(AccountDesk& open, const UserArguments& wanted) {
  const User* user = open.state().find_user(wanted.email);
  if (user == nullptr) return fail(Errc::NotFound, "there is no user " + wanted.email);
  const auto strike = [id = user->id](const AccountState& state) { return remove_user(state, id, unix_millis()); };
  return open.ledger->change(strike, kAuthor);
}

Result<> list(AccountDesk& open, const UserArguments& /*wanted*/) {
  std::map<std::string_view, const control::iam::User*> by_address;
  for (const auto& [id, user] : open.state().users()) by_address.emplace(user.email, &user);
  for (const auto& [email, user] : by_address) {
    const char* state = !user->active ? "shut out" : user->password.empty() ? "no password" : "active";
    fmt::print("{:<32} {:<10} {:<12} {}\n", email, control::iam::to_string(user->role), state,
               format_rfc3339(user->created_ms));
  }
  return {};
}

using Command = Result<> (*)(AccountDesk& open, const UserArguments& wanted);

int run(const SettingsArguments& arguments, const UserArguments& wanted, Command command, Store store) {
  Desk desk = open_desk(arguments, store);
  if (!desk.open.store) return 1;
  auto open = open_accounts(std::move(desk));
  if (!open) return refuse(open.error());
  const auto done = command(*open, wanted);
  return done ? 0 : refuse({.what = "user: " + done.error().what});
}

}  // namespace

int user_create(const SettingsArguments& arguments, const UserArguments& wanted) {
  return run(arguments, wanted, create, Store::MayBeMade);
}

int user_list(const SettingsArguments& arguments) {
  return run(arguments, {}, list, Store::MustExist);
}

int user_reset_password(const SettingsArguments& arguments, const UserArguments& wanted) {
  return run(arguments, wanted, reset, Store::MustExist);
}

int user_remove(const SettingsArguments& arguments, const UserArguments& wanted) {
  return run(arguments, wanted, remove, Store::MustExist);
}

}  // namespace sluice::apps
