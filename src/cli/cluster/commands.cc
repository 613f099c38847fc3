// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/commands.h"

#include <CLI/CLI.hpp>

#include "cli/cluster/join_command.h"
#include "cli/cluster/nodes_command.h"
#include "cli/command_group.h"

namespace sluice::cli {
namespace {

void add_nodes_command(CLI::App& app, int& exit_code) {
  CommandGroup<NodesArguments> commands(app, exit_code, {});
  const auto [command, arguments] =
      commands.add("nodes", "Show the data planes of a control plane and what each of them serves",
                   [](const NodesArguments& given, const MakeCatalog&) { return show_nodes(given); });
  add_platform_options(*command, arguments->platform);
  CLI::Option* watch =
      command->add_flag("-w,--watch", arguments->watch, "Refresh every second; so on a terminal anyway");
  command->add_flag("--once", arguments->once, "Print it once, on a terminal too")->excludes(watch);
  command->add_flag("--json,--json-output", arguments->as_json, "As JSON, once");
  command->add_flag("--no-color", arguments->no_colour, "No colours, on a terminal either");
}

void add_join_options(CLI::App& command, JoinArguments& arguments) {
  command.add_option("--for", arguments.host, "What runs the data plane: docker, systemd, kubernetes or shell")
      ->required()
      ->check(CLI::IsMember({"docker", "systemd", "kubernetes", "shell"}));
  command.add_option("--address", arguments.address,
                     "host:port of the cluster endpoint, as the data plane reaches it; the control plane is asked "
                     "otherwise");
  command.add_option("--server-name", arguments.server_name,
                     "Name that the control plane's certificate has, with --mtls pki; the control plane is asked "
                     "otherwise");
  command.add_option("--mtls", arguments.mtls, "shared or pki; pki with --new-certificate, else shared")
      ->check(CLI::IsMember({"shared", "pki"}));
  command.add_option("--cert", arguments.certificate_file, "Certificate of the data plane (PEM)");
  command.add_option("--key", arguments.key_file, "Its key (PEM)");
  command.add_flag("--new-certificate", arguments.new_certificate,
                   "Make a key and a certificate, and have the control plane accept it");
  command.add_option("--days", arguments.days, "How long a new certificate is valid")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  command.add_option("--ca", arguments.authority_file,
                     "Authority that vouches for the control plane's certificate (PEM); the system's otherwise");
  command.add_option("--label", arguments.labels, "Label of the data plane, key:value; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--name", arguments.name, "Of the container, the deployment, the folder")->capture_default_str();
  command.add_option("--image", arguments.image, "Container image")->capture_default_str();
  command.add_option("--namespace", arguments.space, "Of Kubernetes")->capture_default_str();
  command.add_option("--out", arguments.folder, "Folder to write the files into, instead of printing everything");
}

void add_join_command(CLI::App& app, int& exit_code) {
  CLI::App* group = app.add_subcommand("dp", "Data planes");
  group->require_subcommand(1);
  CommandGroup<JoinArguments> commands(*group, exit_code, {});
  const auto [command, arguments] =
      commands.add("join", "Print all that is to be pasted where a data plane is to join a control plane",
                   [](const JoinArguments& given, const MakeCatalog&) { return join_data_plane(given); });
  add_join_options(*command, *arguments);
  add_platform_options(*command, arguments->platform);

  CommandGroup<UnpinArguments> others(*group, exit_code, {});
  const auto [unpin, unpinned] =
      others.add("unpin", "Let nobody in any more by a certificate that is pinned at a control plane",
                 [](const UnpinArguments& given, const MakeCatalog&) { return unpin_certificate(given); });
  unpin->add_option("certificate", unpinned->certificate, "Its id, as `dp join` printed it")->required();
  add_platform_options(*unpin, unpinned->platform);
}

}  // namespace

void add_cluster_commands(CLI::App& app, int& exit_code) {
  add_nodes_command(app, exit_code);
  add_join_command(app, exit_code);
}

}  // namespace sluice::cli
