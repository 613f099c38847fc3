// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/commands.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "base/random.h"
#include "base/strings.h"
#include "cli/command_group.h"
#include "cli/gateway/admin_target.h"
#include "cli/gateway/arguments.h"
#include "cli/gateway/export.h"
#include "cli/gateway/session.h"

namespace sluice::cli {
namespace {

enum class Mode : std::uint8_t { Diff, Sync, Apply, Reset };

constexpr int kMaxTries = 5;
constexpr std::uint64_t kFirstPauseMs = 25;  // at most; doubled each time

PlanView view_of(const GatewayArguments& arguments, std::vector<std::string> environment_values) {
  PlanView view;
  view.colour = !arguments.no_colour && ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  view.show_secrets = arguments.show_secrets;
  if (!arguments.show_environment) view.environment_values = std::move(environment_values);
  return view;
}

/// Files and what they ask for, before anybody is asked.
Result<StateFile> read_files(const GatewayArguments& arguments) {
  TRY(const auto inputs, read_inputs(arguments.files.empty() ? std::vector<std::string>{"-"} : arguments.files));
  TRY(StateFile file, read_state_file(inputs, process_environment()));
  if (arguments.select_tags.empty()) return file;
  if (arguments.select_tags.size() > 5) return fail(Errc::Invalid, "--select-tag: at most 5 tags can be selected by");
  auto tags = arguments.select_tags;
  std::ranges::sort(tags);
  if (!file.select_tags.empty() && file.select_tags != tags) {
    return fail(Errc::Invalid, "--select-tag and _info.select_tags differ");
  }
  file.select_tags = std::move(tags);
  return file;
}

/// Prints what is planned; text goes out before the change is made, JSON once it is known how it ended.
void show(const GatewayArguments& arguments, const Plan& plan, const PlanView& view) {
  if (arguments.json_output) return;
  if (!arguments.silent) fmt::print("{}", plan_text(plan, view));
  fmt::print("{}", summary_text(plan));
  std::fflush(stdout);
}

/// Reading the configuration and writing it back would make "***" of every secret.
Result<> refuse_hidden_secrets(const State& state, std::string_view who_has_them, std::string_view why) {
  const StateEntity* hidden = find_hidden_secret(state);
  if (hidden == nullptr) return {};
  return fail(Errc::Forbidden,
              fmt::format("{} *** instead of secrets, of a {} first: {}", who_has_them, kind_of(*hidden->type), why));
}
Result<> refuse_hidden_secrets(const CurrentState& current) {
  return refuse_hidden_secrets(current.managed, "the Admin API shows",
                               "an administrator's token is needed (see --token)");
}

struct Outcome {
  Plan plan;
  Result<> applied;
};
using MakePlan = std::function<Result<Plan>(const CurrentState& current)>;

/// Reads, plans, shows and carries out. From the start, a few times, when somebody else was faster: a plan made from
/// what was there before would undo their change.
Result<Outcome> carry_out(Session& session, const GatewayArguments& arguments, const ReadOptions& options,
                          const PlanView& view, const MakePlan& planned, Mode mode) {
  for (int tries = 1;; ++tries) {
    TRY(const CurrentState current, session.read(options));
    TRY(Plan plan, planned(current));
    session.client().progress().clear();
    show(arguments, plan, view);
    Result<> applied;
    if (mode != Mode::Diff) applied = session.apply(plan, current, arguments.dry_run);
    session.client().progress().clear();
    const bool overtaken = !applied && applied.error().code == Errc::Conflict;
    if (!overtaken) return Outcome{std::move(plan), std::move(applied)};
    if (tries == kMaxTries) {
      applied = fail("nothing was changed, after " + std::to_string(tries) + " tries: ", std::move(applied.error()));
      return Outcome{std::move(plan), std::move(applied)};
    }
    fmt::print(stderr, "The configuration was changed by somebody else meanwhile: comparing again\n");
    // Several that started together would else go on getting in each other's way.
    std::this_thread::sleep_for(std::chrono::milliseconds(random_u64() % (kFirstPauseMs << tries)));
  }
}

Result<int> reconcile(const GatewayArguments& arguments, const MakeCatalog& make_catalog, Mode mode) {
  TRY(StateFile file, read_files(arguments));
  Session session(arguments, make_catalog);
  TRY(session.connect());
  TRY(session.choose_workspace(file.workspace));
  const PlanView view = view_of(arguments, file.environment_values);
  const auto planned = [&](const CurrentState& current) -> Result<Plan> {
    if (mode != Mode::Diff) TRY(refuse_hidden_secrets(current));
    TRY(const State wanted, wanted_state(session.catalog(), file, current));
    if (mode != Mode::Diff) {
      TRY(refuse_hidden_secrets(wanted, "the files have", "they were dumped without an administrator's token"));
    }
    Plan plan = make_plan(current.managed, wanted, mode == Mode::Apply ? Deletions::Leave : Deletions::Carry);
    plan.transform = file.transform;
    return plan;
  };
  TRY(const Outcome outcome, carry_out(session, arguments, {file.select_tags, file.lookup_tags}, view, planned, mode));
  const auto& [plan, applied] = outcome;
  if (arguments.json_output) {
    std::vector<std::string> errors;
    if (!applied) errors.push_back(applied.error().what);
    fmt::print("{}\n", to_pretty_json(plan_json(plan, view, errors)));
  }
  if (!applied) return std::unexpected(applied.error());
  const bool pending = mode == Mode::Diff || arguments.dry_run;
  return arguments.non_zero && pending && !plan.empty() ? 2 : 0;
}

Result<int> ping(const GatewayArguments& arguments, const MakeCatalog& make_catalog) {
  Session session(arguments, make_catalog);
  TRY(session.connect());
  const Json* ours = session.root().find("sluice");
  const Json* version = ours != nullptr ? ours->find("version") : nullptr;
  const Json* kong = session.root().find("version");
  if (kong == nullptr) {  // a control plane among several says nothing of the node
    fmt::print("{}\n", arguments.json_output ? to_pretty_json(Json::Object{{"address", session.client().target().url}})
                                             : "Successfully connected to " + session.client().target().url);
    return 0;
  }
  if (arguments.json_output) {
    Json::Object answer{{"address", session.client().target().url}, {"version", *kong}};
    if (ours != nullptr) answer.append("sluice", *ours);
    fmt::print("{}\n", to_pretty_json(Json(std::move(answer))));
    return 0;
  }
  fmt::print("Successfully connected to {}\n", session.client().target().url);
  if (version != nullptr && version->is_string()) fmt::print("Sluice version: {}\n", version->as_string());
  fmt::print("Kong version:   {}\n", kong->as_string());
  return 0;
}

Result<int> dump(const GatewayArguments& arguments, const MakeCatalog& make_catalog) {
  Session session(arguments, make_catalog);
  TRY(session.connect());
  TRY(session.choose_workspace({}));
  TRY(const CurrentState current, session.read({arguments.select_tags, {}}));
  TRY(refuse_hidden_secrets(current));
  ExportOptions options;
  options.select_tags = arguments.select_tags;
  options.workspace = arguments.workspace;
  options.with_ids = arguments.with_ids;
  options.skip_defaults = arguments.skip_defaults;
  const Json file = export_state(session.catalog(), current.managed, options);
  const Format format = arguments.format == "json" ? Format::Json : Format::Yaml;
  session.client().progress().clear();
  TRY(write_output(arguments.output, print_document(file, format)));
  return 0;
}

/// By the file's own rules first, then by the server's: what a sync would be told.
Result<int> validate(const GatewayArguments& arguments, const MakeCatalog& make_catalog) {
  TRY(StateFile file, read_files(arguments));
  Session session(arguments, make_catalog);
  TRY(session.connect());
  TRY(session.choose_workspace(file.workspace));
  TRY(const CurrentState current, session.read({file.select_tags, file.lookup_tags}));
  const bool transform = file.transform;
  TRY(const State wanted, wanted_state(session.catalog(), std::move(file), current));
  Plan plan = make_plan(current.managed, wanted, Deletions::Carry);
  plan.transform = transform;
  TRY(session.apply(plan, current, true));
  session.client().progress().clear();
  if (!arguments.silent) fmt::print("valid\n");
  return 0;
}

bool confirmed() {
  if (::isatty(STDIN_FILENO) != 1) return false;
  fmt::print("This deletes all configuration. Type 'yes' to go on: ");
  std::fflush(stdout);
  char answer[8] = {};
  return std::fgets(answer, sizeof answer, stdin) != nullptr && std::string_view(answer) == "yes\n";
}

Result<int> reset(const GatewayArguments& arguments, const MakeCatalog& make_catalog) {
  Session session(arguments, make_catalog);
  TRY(session.connect());
  TRY(session.choose_workspace({}));
  if (!arguments.force && !arguments.dry_run && !confirmed()) {
    return fail(Errc::Forbidden, "nothing was deleted: say --force, or 'yes' on a terminal");
  }
  const PlanView view = view_of(arguments, {});
  const auto planned = [](const CurrentState& current) -> Result<Plan> {
    return make_plan(current.managed, {}, Deletions::Carry);
  };
  TRY(const Outcome outcome, carry_out(session, arguments, {arguments.select_tags, {}}, view, planned, Mode::Reset));
  TRY(outcome.applied);
  if (arguments.json_output) fmt::print("{}\n", to_pretty_json(plan_json(outcome.plan, view)));
  return 0;
}

// Options
// -------------------------------------------------------------------------------------------------------------------

using Run = std::function<Result<int>(const GatewayArguments& arguments)>;

void add_connection_options(CLI::App& command, GatewayArguments& arguments) {
  add_admin_options(command, arguments);
  CLI::Option* plane = command.add_option("--control-plane", arguments.control_plane,
                                          "Name or id of a control plane of the platform API, instead of --admin");
  command
      .add_option("--platform,--platform-url", arguments.platform_address,
                  "Address of the platform API (or SLUICE_PLATFORM_URL; http://127.0.0.1:8002)")
      ->needs(plane);
  plane->excludes("--admin");
  command.add_option("-w,--workspace", arguments.workspace, "Workspace; a file's _workspace otherwise");
  command.add_flag("--json-output", arguments.json_output, "Answer in JSON");
}

void add_selection_options(CLI::App& command, GatewayArguments& arguments) {
  command.add_option("--select-tag", arguments.select_tags, "Only entities with this tag; may be repeated")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_flag("--skip-consumers", arguments.skip_consumers, "Leave consumers and what belongs to them alone");
}

void add_file_options(CLI::App& command, GatewayArguments& arguments) {
  command.add_option("files,-s,--state", arguments.files, "State files, folders of them, or - (the default)");
}

void add_plan_options(CLI::App& command, GatewayArguments& arguments) {
  command.add_flag("--non-zero-exit-code", arguments.non_zero, "Exit with 2 when something differs (diff, --dry-run)");
  command.add_flag("--no-color", arguments.no_colour, "No colours, on a terminal either");
  command.add_flag("--silence-events", arguments.silent, "Only the summary");
  command.add_flag("--show-secrets", arguments.show_secrets, "Show passwords, keys and tokens in differences");
  command.add_flag("--no-mask-deck-env-vars-value", arguments.show_environment,
                   "Show values that came from the environment in differences");
}

class Commands : public CommandGroup<GatewayArguments> {
 public:
  using CommandGroup::CommandGroup;

  std::pair<CLI::App*, GatewayArguments*> add(const char* name, const char* description, Body body) {
    const auto [command, arguments] = CommandGroup::add(name, description, body);
    add_connection_options(*command, *arguments);
    return {command, arguments};
  }
};

/// `--select-tag` may come as DECK_SELECT_TAG, and so on. Where the API is, admin_target() asks the environment itself.
void read_environment(CLI::App& group) {
  for (CLI::App* command : group.get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) {
      const auto& names = option->get_lnames();
      constexpr std::string_view kOthers[] = {"admin",    "headers", "token",   "control-plane",
                                              "platform", "help",    "help-all"};
      if (names.empty() || std::ranges::find(kOthers, names.front()) != std::end(kOthers)) continue;
      std::string variable = "DECK_" + to_upper(names.front());
      std::ranges::replace(variable, '-', '_');
      option->envname(variable);
    }
  }
}

template <Mode mode>
Result<int> reconcile_as(const GatewayArguments& arguments, const MakeCatalog& make_catalog) {
  return reconcile(arguments, make_catalog, mode);
}

}  // namespace

void add_gateway_commands(CLI::App& app, int& exit_code, MakeCatalog make_catalog) {
  CLI::App* group = app.add_subcommand("gateway", "Configure a running gateway from state files");
  group->require_subcommand(1);
  Commands commands(*group, exit_code, std::move(make_catalog));
  commands.add("ping", "Say whether the Admin API answers, and its version", ping);

  const auto [dump_command, dump_arguments] = commands.add("dump", "Write the configuration as a state file", dump);
  add_selection_options(*dump_command, *dump_arguments);
  dump_command->add_option("-o,--output-file", dump_arguments->output, "Where to; - is standard output")
      ->capture_default_str();
  dump_command->add_option("--format", dump_arguments->format, "yaml or json")
      ->check(CLI::IsMember({"yaml", "json"}))
      ->capture_default_str();
  dump_command->add_flag("--with-id", dump_arguments->with_ids, "With the ids of all entities");
  dump_command->add_flag("--skip-defaults", dump_arguments->skip_defaults, "Without what has its default value");

  const auto add_reconciling = [&](const char* name, const char* description, Commands::Body body, bool changes) {
    const auto [command, arguments] = commands.add(name, description, body);
    add_file_options(*command, *arguments);
    add_selection_options(*command, *arguments);
    add_plan_options(*command, *arguments);
    if (changes) command->add_flag("--dry-run", arguments->dry_run, "Have the server check the change, and stop there");
  };
  add_reconciling("diff", "Show what a sync would change", reconcile_as<Mode::Diff>, false);
  add_reconciling("sync", "Make the configuration what the files say, as one change", reconcile_as<Mode::Sync>, true);
  add_reconciling("apply", "The same, but nothing is deleted", reconcile_as<Mode::Apply>, true);
  add_reconciling("validate", "Have the server check the files", validate, false);

  const auto [reset_command, reset_arguments] = commands.add("reset", "Delete all configuration", reset);
  add_selection_options(*reset_command, *reset_arguments);
  add_plan_options(*reset_command, *reset_arguments);
  reset_command->add_flag("-f,--force", reset_arguments->force, "Do not ask");
  reset_command->add_flag("--dry-run", reset_arguments->dry_run, "Only show it");
  read_environment(*group);
}

}  // namespace sluice::cli
