// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/gateway/admin_target.h"
#include "commands.h"

namespace {

using namespace sluice::apps;

/// The options that say where settings come from.
void add_settings_options(CLI::App& command, SettingsArguments& arguments) {
  command.add_option("-c,--conf", arguments.file, "File with settings (`name = value`), such as sluice.conf");
  command.add_option("-p,--prefix", arguments.prefix, "Working folder for logs, sockets and secrets");
}

void add_key_commands(CLI::App& app, SettingsArguments& settings, KeyArguments& key, int& code) {
  CLI::App* group = app.add_subcommand("keys", "Keys that secrets in the store are sealed under");
  group->require_subcommand(1);
  const auto add = [&](const char* name, const char* description, const auto& command) {
    CLI::App* added = group->add_subcommand(name, description);
    add_settings_options(*added, settings);
    added->callback([&code, command] { code = command(); });
    return added;
  };
  add("list", "Names of the keys in the keyring, and which one is active", [&] { return keys_list(settings); });
  CLI::App* rotate = add("rotate", "Make a new key and seal everything under it, also while a gateway runs",
                         [&] { return keys_rotate(settings, key); });
  rotate->add_flag("--inactive", key.inactive, "Only add the key: copy the keyring to all hosts, then `keys activate`");
  rotate->footer(
      "A gateway that runs with the same keyring file seals under the new key from its next write on. Control planes\n"
      "with copies of the file cannot read what is sealed under a key that their copy lacks: use --inactive with "
      "them.\n"
      "Older keys stay in the file, since older backups need them.");
  add("activate", "Seal everything under a key of the keyring, from now on and what is stored",
      [&] { return keys_activate(settings, key); })
      ->add_option("key", key.name, "As `keys list` shows it")
      ->required();
  add("reseal", "Seal everything under the active key: after a rotation that was cut short, or a restore",
      [&] { return keys_reseal(settings); });
}

void add_user_commands(CLI::App& app, SettingsArguments& settings, UserArguments& user, int& code) {
  CLI::App* group = app.add_subcommand("user", "Accounts of the console; also for who is locked out");
  group->require_subcommand(1);
  const auto add = [&](const char* name, const char* description, const auto& command) {
    CLI::App* added = group->add_subcommand(name, description);
    add_settings_options(*added, settings);
    added->callback([&code, command] { code = command(); });
    return added;
  };
  const auto takes_password = [&](CLI::App* command) {
    command->add_option("email", user.email, "Whose account")->required();
    command->add_flag("--password", user.with_password,
                      "Read the password from standard input; without it a link to choose one is printed");
  };
  CLI::App* create = add("create", "Make an account", [&] { return user_create(settings, user); });
  takes_password(create);
  create->add_option("--name", user.name, "What the person is called");
  create->add_option("--role", user.role, "admin or read-only")->capture_default_str();
  add("list", "Addresses, roles and states of all accounts", [&] { return user_list(settings); });
  takes_password(add("reset-password", "Let somebody in again", [&] { return user_reset_password(settings, user); }));
  add("delete", "Delete an account with its tokens and sessions", [&] { return user_remove(settings, user); })
      ->add_option("email", user.email, "Whose account")
      ->required();
}

void add_hybrid_commands(CLI::App& app, GenCertArguments& wanted, int& code) {
  CLI::App* group = app.add_subcommand("hybrid", "Control plane and data planes");
  group->require_subcommand(1);
  CLI::App* command = group->add_subcommand("gen_cert", "Make a certificate that all nodes of a cluster share");
  command->add_option("certificate", wanted.certificate, "File to make")->capture_default_str();
  command->add_option("key", wanted.key, "File to make, to be guarded")->capture_default_str();
  command->add_option("-d,--days", wanted.days, "How long it is valid")
      ->capture_default_str()
      ->check(CLI::Range(1, 36'500));
  command->callback([&] { code = hybrid_gen_cert(wanted); });
}

void add_explain_command(CLI::App& app, SettingsArguments& settings, ExplainArguments& request, int& code) {
  CLI::App* command =
      app.add_subcommand("explain", "Say which route a request would match and why, which plugins run, where it goes");
  command->footer(
      "Nothing is sent anywhere but the question: to the Admin API of a running gateway, or with --declarative to no\n"
      "gateway at all. The exit code is 0 when a route matches, 1 when none does (or the request is refused), 2 when "
      "the\n"
      "arguments are wrong or nobody could be asked.\n\n"
      "  sluice explain GET http://shop.example/orders\n"
      "  sluice explain POST https://shop.example/orders -H 'X-Canary: yes' --admin http://10.0.0.7:8001\n"
      "  sluice explain GET http://shop.example/orders --declarative gateway.yaml\n"
      "  sluice explain tls://10.0.0.7:9443 --sni db.example\n"
      "  sluice explain udp://10.0.0.7:5353 --client-ip 192.0.2.1");
  command->add_option("method", request.method, "GET, POST, ...; left out for tcp://, tls:// and udp://")->required();
  command->add_option("url", request.url, "http://host/path?query");
  command->add_option("--sni", request.sni, "Name that the client of a tls:// stream asks for");
  command->add_option("-H,--header", request.headers, "Header of the request, `Name: value`")->allow_extra_args(false);
  command->add_option("--client-ip", request.client_ip, "Address that the request would come from")
      ->capture_default_str();
  command->add_flag("--json,--json-output", request.as_json, "As JSON, with ids");
  sluice::cli::add_admin_options(*command, request.gateway);
  CLI::Option* file = command->add_option("--declarative", settings.declarative, "Explain this file, not a gateway");
  file->excludes("--admin");
  add_settings_options(*command, settings);
  command->get_option("--conf")->needs(file);
  command->get_option("--prefix")->needs(file);
  command->callback([&settings, &request, &code] { code = explain(settings, request); });
}

bool knows(const CLI::App& app, std::string_view command) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(commands.begin(), commands.end(),
                     [&](const CLI::App* known) { return known->get_name() == command; });
}

/// What the client commands know of entities and plugins: all that this build has.
std::unique_ptr<const sluice::entity::Catalog> make_catalog(const sluice::cli::Dialect& dialect) {
  sluice::settings::Settings settings;
  settings.plugins = {"bundled"};
  settings.compat_version = dialect.version;
  switch (dialect.flavor) {
    case sluice::entity::RouterFlavor::Traditional:
      settings.router_flavor = sluice::settings::RouterFlavor::Traditional;
      break;
    case sluice::entity::RouterFlavor::TraditionalCompatible:
      settings.router_flavor = sluice::settings::RouterFlavor::TraditionalCompatible;
      break;
    case sluice::entity::RouterFlavor::Expressions:
      settings.router_flavor = sluice::settings::RouterFlavor::Expressions;
      break;
  }
  return std::move(Vocabulary(settings).catalog);
}

/// What the command line says that no command knows; the nearest one, where there is one.
int refuse_command(const CLI::App& app, const std::string& given) {
  std::vector<std::string_view> known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) known.emplace_back(command->get_name());
  }
  const auto meant = sluice::nearest_word(given, known);
  fmt::print(stderr, "sluice: unknown command: {}{}\nRun sluice --help for the list.\n", given,
             meant ? fmt::format("; did you mean {}?", *meant) : "");
  return 1;
}

void add_help_command(CLI::App& app, std::vector<std::string>& words, int& code) {
  CLI::App* command = app.add_subcommand("help", "Help of a command, or this list");
  command->add_option("command", words, "Such as: gateway sync");
  command->callback([&app, &words, &code] {
    const CLI::App* at = &app;
    for (const std::string& word : words) {
      const CLI::App* next = knows(*at, word) ? at->get_subcommand(word) : nullptr;
      if (next == nullptr) {
        code = refuse_command(*at, word);
        return;
      }
      at = next;
    }
    const std::string name = words.empty() ? "sluice" : fmt::format("sluice {}", fmt::join(words, " "));
    fmt::print("{}", at->help(name));
  });
}

int run(int argc, char** argv) {
  CLI::App app{"Sluice: an API gateway. Start with:\n  sluice start --prefix ./sluice"};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Help of every command");
  app.set_version_flag("--version", std::string("sluice ") + SLUICE_VERSION, "Print the version");
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    return "sluice: " + CLI::FailureMessage::simple(failed, error);
  });
  SettingsArguments settings;
  int code = 0;

  CLI::App* start_command =
      app.add_subcommand("start", "Run the gateway, with its store and Admin API, in the foreground");
  add_settings_options(*start_command, settings);
  start_command->add_option("--declarative", settings.declarative,
                            "Declarative configuration (YAML or JSON); no database is used");
  start_command->callback([&] { code = start(settings); });

  int handover = -1;
  CLI::App* worker_command = app.add_subcommand("worker", "What `start` runs below its supervisor")->group("");
  worker_command->add_option("--handover", handover, "Descriptor with the orders")->required();
  worker_command->callback([&] { code = worker(handover); });

  int estate = -1;
  bool trial = false;
  CLI::App* supervise_command = app.add_subcommand("supervise", "What a supervisor becomes by an upgrade")->group("");
  supervise_command->add_option("--estate", estate, "Descriptor with what the supervisor before has left")->required();
  supervise_command->add_flag("--trial", trial, "Only say whether it could");
  supervise_command->callback([&] { code = supervise(estate, trial); });

  CLI::App* upgrade_command = app.add_subcommand(
      "upgrade", "Replace the running gateway of a prefix by the program and settings that are installed now");
  add_settings_options(*upgrade_command, settings);
  upgrade_command->footer(
      "No connection is refused or dropped: the new process takes over the listeners, the old one finishes what it "
      "has\n"
      "begun. When the new one does not start, the old one goes on, and the exit code is 1.");
  upgrade_command->callback([&] { code = upgrade(settings); });

  std::string listen = "127.0.0.1:9000";
  CLI::App* echo_command = app.add_subcommand("echo", "Run an upstream that answers with what it received, as JSON");
  echo_command->add_option("--listen", listen, "Address and port")->capture_default_str();
  echo_command->callback([&] { code = echo(listen); });

  CLI::App* config_command = app.add_subcommand("config", "Work with declarative configurations");
  config_command->require_subcommand(1);
  std::string file;
  CLI::App* parse_command =
      config_command->add_subcommand("parse", "Check a file and list everything that is wrong with it");
  add_settings_options(*parse_command, settings);
  parse_command->add_option("file", file, "YAML or JSON file")->required();
  parse_command->callback([&] { code = config_parse(settings, file); });

  CLI::App* check_command = app.add_subcommand("check", "Check a settings file");
  check_command->add_option("file", file, "Settings file")->required();
  check_command->callback([&] { code = check(file); });

  bool as_json = false;
  CLI::App* version_command = app.add_subcommand("version", "Print the version");
  version_command->add_flag("--json", as_json, "As JSON, with the features of this build");
  version_command->callback([&] { code = print_version(as_json); });

  CLI::App* health_command = app.add_subcommand("health", "Ask the gateway of a prefix whether it runs");
  add_settings_options(*health_command, settings);
  health_command->callback([&] { code = health(settings); });

  BackupArguments to_keep;
  CLI::App* backup_command = app.add_subcommand("backup", "Write all that the store holds into a file");
  add_settings_options(*backup_command, settings);
  backup_command->add_option("file", to_keep.file, "File to make")->required();
  backup_command->add_flag("--with-key", to_keep.with_key, "With the keys that open its secrets");
  backup_command->callback([&] { code = backup(settings, to_keep); });

  RestoreArguments to_restore;
  CLI::App* restore_command =
      app.add_subcommand("restore", "Replace all that the store holds by a backup, or go back to a version");
  add_settings_options(*restore_command, settings);
  CLI::Option* backup_file = restore_command->add_option("file", to_restore.file, "File that `backup` made");
  restore_command->add_option("--to", to_restore.version, "Version to go back to, such as 1.42")->excludes(backup_file);
  restore_command->callback([&] { code = restore(settings, to_restore); });

  CLI::App* token_command = app.add_subcommand("token", "Tokens that open the Admin API with admin_auth=token");
  token_command->require_subcommand(1);
  TokenArguments token;
  CLI::App* create_command = token_command->add_subcommand("create", "Make a token and print it, once");
  add_settings_options(*create_command, settings);
  create_command->add_option("--role", token.role, "admin or read-only")->required();
  create_command->add_option("--name", token.name, "How it is listed and revoked; made up if not given");
  create_command->callback([&] { code = token_create(settings, token); });
  CLI::App* list_command = token_command->add_subcommand("list", "Names, roles and ages of all tokens");
  add_settings_options(*list_command, settings);
  list_command->callback([&] { code = token_list(settings); });
  CLI::App* revoke_command = token_command->add_subcommand("revoke", "Make a token worthless");
  add_settings_options(*revoke_command, settings);
  revoke_command->add_option("name", token.name, "As `token list` shows it")->required();
  revoke_command->callback([&] { code = token_revoke(settings, token.name); });

  KeyArguments key;
  add_key_commands(app, settings, key, code);

  UserArguments user;
  add_user_commands(app, settings, user, code);

  GenCertArguments certificate;
  add_hybrid_commands(app, certificate, code);

  ExplainArguments request;
  add_explain_command(app, settings, request, code);

  sluice::cli::add_commands(app, code, make_catalog);

  std::vector<std::string> helped;
  add_help_command(app, helped, code);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && argv[1][0] != '-' && !knows(app, argv[1])) {
      return refuse_command(app, argv[1]);
    }
    int wanted = app.exit(error);
    const int wrong = app.got_subcommand("explain") ? kExplainNotAsked : 1;
    return wanted == 0 ? 0 : wrong;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice: {}\n", error.what());
    return 1;
  }
}
