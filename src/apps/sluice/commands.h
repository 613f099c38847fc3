// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/gateway/arguments.h"
#include "configuration.h"

namespace sluice::apps {

// Each command returns the exit code of the process.

int start(const SettingsArguments& arguments);
/// The process that serves, started by start() below its supervisor. `handover` is a descriptor.
int worker(int handover);
/// What the supervisor becomes by an upgrade. `estate` is a descriptor; a trial only says whether it could.
int supervise(int estate, bool trial);
/// Has the gateway of a prefix replaced by the version that stands at its program's path now; waits for the outcome.
int upgrade(const SettingsArguments& arguments);
int echo(const std::string& listen);
int config_parse(const SettingsArguments& arguments, const std::string& file);
int check(const std::string& file);
int print_version(bool as_json);
int health(const SettingsArguments& arguments);

// On the store that settings name, whether the gateway runs or not.
struct BackupArguments {
  std::string file;
  bool with_key = false;
};
int backup(const SettingsArguments& arguments, const BackupArguments& wanted);
struct RestoreArguments {
  std::string file;
  std::string version;  // instead of a file
};
int restore(const SettingsArguments& arguments, const RestoreArguments& wanted);
struct TokenArguments {
  std::string name;
  std::string role;
};
int token_create(const SettingsArguments& arguments, const TokenArguments& wanted);
int token_list(const SettingsArguments& arguments);
int token_revoke(const SettingsArguments& arguments, const std::string& name);
struct UserArguments {
  std::string email;
  std::string name;
  std::string role = "admin";
  bool with_password = false;  // read from standard input; else a link is printed
};
int user_create(const SettingsArguments& arguments, const UserArguments& wanted);
int user_list(const SettingsArguments& arguments);
int user_reset_password(const SettingsArguments& arguments, const UserArguments& wanted);
int user_remove(const SettingsArguments& arguments, const UserArguments& wanted);
int keys_list(const SettingsArguments& arguments);
struct KeyArguments {
  bool inactive = false;  // of rotate: adds a key and no more
  std::string name;       // of activate
};
/// Makes a new key active and seals everything under it.
int keys_rotate(const SettingsArguments& arguments, const KeyArguments& wanted);
/// The second half after `inactive`: makes a key of the keyring active and seals everything under it.
int keys_activate(const SettingsArguments& arguments, const KeyArguments& wanted);
/// Seals everything under the active key: after a rotation that was interrupted, or a restored backup.
int keys_reseal(const SettingsArguments& arguments);

struct GenCertArguments {
  std::string certificate = "cluster.crt";
  std::string key = "cluster.key";
  int days = 1095;
};
/// A certificate that a control plane and its data planes share.
int hybrid_gen_cert(const GenCertArguments& wanted);

struct ExplainArguments {
  std::string method;                // of a stream: its URL
  std::string url;                   // of a stream: empty
  std::string sni;                   // of a stream over TLS
  std::vector<std::string> headers;  // "Name: value"
  std::string client_ip = "127.0.0.1";
  bool as_json = false;
  cli::GatewayArguments gateway;  // which one is asked, unless `arguments` name a file
};
// Exit codes besides 0: a route matches.
inline constexpr int kExplainNoRoute = 1;
inline constexpr int kExplainNotAsked = 2;  // bad arguments, a bad file, no gateway: nothing is known of the request
int explain(const SettingsArguments& arguments, const ExplainArguments& request);

}  // namespace sluice::apps
