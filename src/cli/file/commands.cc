// SPDX-License-Identifier: Apache-2.0
#include "cli/file/commands.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command_group.h"
#include "cli/environment.h"
#include "cli/file/edit.h"
#include "cli/files.h"
#include "cli/gateway/state.h"
#include "cli/lint/ruleset.h"
#include "cli/openapi/convert.h"
#include "cli/state_file.h"

namespace sluice::cli {
namespace {

/// What the command line says to the `file` commands.
struct Arguments {
  std::vector<std::string> inputs;  // files given by position
  std::string state = "-";
  std::string output = "-";
  std::string format = "yaml";
  std::vector<std::string> selectors;
  std::vector<std::string> values;
  bool overwrite = false;
  bool keep_empty = false;
  bool all_but = false;
  bool history = false;
  bool populate_environment = false;
  bool json_output = false;
  std::string from;
  std::string to;
  std::string fail_severity = "error";
  bool only_failures = false;
  openapi::ConvertOptions openapi;
  bool no_ids = false;
};

Result<int> write(const Arguments& arguments, Json document, std::string_view command, Json::Object details) {
  if (arguments.history) append_history(document, command, std::move(details));
  const Format format = arguments.format == "json" ? Format::Json : Format::Yaml;
  TRY(write_output(arguments.output, print_document(document, format)));
  return 0;
}

Json strings(const std::vector<std::string>& list) {
  return Json(Json::Array(list.begin(), list.end()));
}

std::vector<std::string> or_standard_input(const std::vector<std::string>& inputs) {
  return inputs.empty() ? std::vector<std::string>{"-"} : inputs;
}

// The commands
// -------------------------------------------------------------------------------------------------------------------

Result<int> validate(const Arguments& arguments, const MakeCatalog& make_catalog) {
  TRY(const auto inputs, read_inputs(or_standard_input(arguments.inputs)));
  const auto variables = arguments.populate_environment ? Variables::Required : Variables::Mocked;
  TRY(StateFile file, read_state_file(inputs, process_environment(), variables));
  const auto catalog = make_catalog(Dialect{});
  TRY(check_state_file(*catalog, std::move(file)));
  if (arguments.json_output) fmt::print("{{\"valid\": true}}\n");
  return 0;
}

Result<int> convert(const Arguments& arguments, const MakeCatalog&) {
  TRY(Json document, read_document(arguments.state));
  TRY(Conversion conversion, convert_document(std::move(document), arguments.from, arguments.to));
  for (const std::string& warning : conversion.warnings) fmt::print(stderr, "Warning: {}\n", warning);
  return write(arguments, std::move(conversion.document), "convert", {{"from", arguments.from}, {"to", arguments.to}});
}

Result<int> merge(const Arguments& arguments, const MakeCatalog&) {
  TRY(const auto inputs, read_inputs(or_standard_input(arguments.inputs)));
  std::vector<Json> documents;
  std::vector<std::string> names;
  for (const Input& input : inputs) {
    TRY(Json document, parse_input(input));
    documents.push_back(std::move(document));
    names.push_back(input.name);
  }
  TRY(Json merged, merge_documents(std::move(documents), names));
  return write(arguments, std::move(merged), "merge", {{"input", strings(names)}});
}

/// As a sync would see it, in one file; variables are mocked unless asked for.
Result<int> render(const Arguments& arguments, const MakeCatalog&) {
  TRY(const auto inputs, read_inputs(or_standard_input(arguments.inputs)));
  const auto variables = arguments.populate_environment ? Variables::Required : Variables::Mocked;
  TRY(StateFile file, read_state_file(inputs, process_environment(), variables));
  return write(arguments, std::move(file.document), "render", {{"input", strings(arguments.inputs)}});
}

Result<int> patch(const Arguments& arguments, const MakeCatalog&) {
  TRY(Json document, read_document(arguments.state));
  std::vector<Patch> patches;
  if (!arguments.values.empty()) {
    TRY(Patch own, patch_of(arguments.selectors, arguments.values));
    patches.push_back(std::move(own));
  }
  for (const std::string& name : arguments.inputs) {
    TRY(const Json file, read_document(name));
    auto read = read_patches(file);
    if (!read) return fail(name + ": ", read.error());
    std::ranges::move(*read, std::back_inserter(patches));
  }
  if (patches.empty()) return fail(Errc::Invalid, "nothing to do: give --value or a patch file");
  for (const Patch& one : patches) {
    TRY(apply_patch(document, one));
  }
  return write(arguments, std::move(document), "patch", {{"patchfiles", strings(arguments.inputs)}});
}

Result<int> edit_tags(const Arguments& arguments, TagEdit edit, std::string_view command) {
  TRY(Json document, read_document(arguments.state));
  TagChange change{edit, arguments.selectors, arguments.inputs, arguments.all_but, arguments.keep_empty};
  TRY(change_tags(document, change));
  return write(arguments, std::move(document), command, {{"tags", strings(arguments.inputs)}});
}

Result<int> add_tags(const Arguments& arguments, const MakeCatalog&) {
  return edit_tags(arguments, TagEdit::Add, "add-tags");
}

Result<int> remove_tags(const Arguments& arguments, const MakeCatalog&) {
  return edit_tags(arguments, TagEdit::Remove, "remove-tags");
}

Result<int> print_tags(const Arguments& arguments, const MakeCatalog&) {
  TRY(Json document, read_document(arguments.state));
  TRY(const auto tags, list_tags(document, arguments.selectors));
  std::string text;
  for (const std::string& tag : tags) text += tag + "\n";
  if (arguments.format == "json") text = to_pretty_json(strings(tags)) + "\n";
  TRY(write_output(arguments.output, text));
  return 0;
}

Result<int> add_plugins(const Arguments& arguments, const MakeCatalog&) {
  TRY(Json document, read_document(arguments.state));
  std::vector<PluginAddition> additions;
  if (!arguments.values.empty()) {
    PluginAddition own{arguments.selectors, {}, arguments.overwrite};
    for (const std::string& text : arguments.values) {
      auto plugin = parse_json(text);
      if (!plugin || !plugin->is_object()) return fail(Errc::Invalid, "--config: expected a plugin as a JSON object");
      own.plugins.push_back(*std::move(plugin));
    }
    additions.push_back(std::move(own));
  }
  for (const std::string& name : arguments.inputs) {
    TRY(const Json file, read_document(name));
    auto read = read_plugin_additions(file);
    if (!read) return fail(name + ": ", read.error());
    std::ranges::move(*read, std::back_inserter(additions));
  }
  if (additions.empty()) return fail(Errc::Invalid, "nothing to do: give --config or a plugin file");
  for (const PluginAddition& addition : additions) {
    TRY(cli::add_plugins(document, addition));
  }
  return write(arguments, std::move(document), "add-plugins", {{"pluginfiles", strings(arguments.inputs)}});
}

Result<int> lint(const Arguments& arguments, const MakeCatalog&) {
  TRY(const lint::Severity limit, lint::parse_severity(Json(arguments.fail_severity)));
  TRY(const lint::Ruleset ruleset, lint::Ruleset::load(arguments.inputs.front()));
  TRY(Json document, read_document(arguments.state));
  const auto findings = ruleset.lint(document);
  const auto failures = std::ranges::count_if(findings, [&](const auto& one) { return one.severity <= limit; });
  Json::Array results;
  std::string text;
  for (const lint::Finding& finding : findings) {
    if (arguments.only_failures && finding.severity > limit) continue;
    results.push_back(Json::Object{{"rule", finding.rule},
                                   {"severity", lint::to_string(finding.severity)},
                                   {"path", finding.where},
                                   {"message", finding.message}});
    text += fmt::format("[{}][{}] {}: {}\n", lint::to_string(finding.severity), finding.where, finding.rule,
                        finding.message);
  }
  if (arguments.format != "plain") {
    const Json report =
        Json::Object{{"total_count", findings.size()}, {"fail_count", failures}, {"results", std::move(results)}};
    text = print_document(report, arguments.format == "json" ? Format::Json : Format::Yaml);
  } else if (!findings.empty()) {
    text = fmt::format("Linting Violations: {}\nFailures: {}\n\n", findings.size(), failures) + text;
  }
  TRY(write_output(arguments.output, text));
  return failures > 0 ? 1 : 0;
}

Result<int> openapi2kong(const Arguments& arguments, const MakeCatalog&) {
  TRY(const Json document, read_document(arguments.state));
  openapi::ConvertOptions options = arguments.openapi;
  options.ids = !arguments.no_ids;
  auto converted = openapi::convert(document, options);
  if (!converted) return fail(arguments.state + ": ", converted.error());
  return write(arguments, *std::move(converted), "openapi2kong", {{"input", arguments.state}});
}

// Their options
// -------------------------------------------------------------------------------------------------------------------

using Commands = CommandGroup<Arguments>;

void add_output_options(CLI::App& command, Arguments& arguments) {
  command.add_option("-o,--output-file", arguments.output, "Where to; - is standard output")->capture_default_str();
  command.add_option("--format", arguments.format, "yaml or json")
      ->check(CLI::IsMember({"yaml", "json"}))
      ->capture_default_str();
  command.add_flag("--history", arguments.history, "Note under _ignore what was done to the file");
}

void add_state_option(CLI::App& command, Arguments& arguments) {
  command.add_option("-s,--state", arguments.state, "State file; - is standard input")->capture_default_str();
}

void add_selector_option(CLI::App& command, Arguments& arguments) {
  command.add_option("--selector", arguments.selectors, "JSONPath of what is meant; may be repeated")
      ->allow_extra_args(false);
}

void add_environment_option(CLI::App& command, Arguments& arguments) {
  command.add_flag("--populate-env-vars", arguments.populate_environment,
                   "Read environment variables instead of putting something in their place");
}

void add_whole_file_commands(Commands& commands) {
  const auto [validate_command, validate_arguments] =
      commands.add("validate", "Check state files, references included, without a gateway", validate);
  validate_command->add_option("files", validate_arguments->inputs, "State files, folders of them, or - (the default)");
  validate_command->add_flag("--json-output", validate_arguments->json_output, "Answer in JSON");
  add_environment_option(*validate_command, *validate_arguments);

  const auto [convert_command, convert_arguments] =
      commands.add("convert", "Make a file for one Kong release fit a later one", convert);
  convert_command->add_option("--from", convert_arguments->from, "kong-gateway-2.x, -2.8.x, -3.4.x or -3.10.x")
      ->required();
  convert_command->add_option("--to", convert_arguments->to, "kong-gateway-3.x, -3.4.x, -3.10.x or -3.14.x")
      ->required();
  convert_command->add_option("-i,--input-file,-s,--state", convert_arguments->state, "State file; - is standard input")
      ->capture_default_str();
  add_output_options(*convert_command, *convert_arguments);

  const auto [merge_command, merge_arguments] = commands.add("merge", "Put the lists of several files together", merge);
  merge_command->add_option("files", merge_arguments->inputs, "Files, folders of them, or -");
  add_output_options(*merge_command, *merge_arguments);

  const auto [render_command, render_arguments] =
      commands.add("render", "Show files as one, with environment variables filled in", render);
  render_command->add_option("files", render_arguments->inputs, "State files, folders of them, or - (the default)");
  add_environment_option(*render_command, *render_arguments);
  add_output_options(*render_command, *render_arguments);
}

void add_editing_commands(Commands& commands) {
  const auto [patch_command, patch_arguments] = commands.add("patch", "Set, remove and append values", patch);
  add_state_option(*patch_command, *patch_arguments);
  add_selector_option(*patch_command, *patch_arguments);
  patch_command->add_option("--value", patch_arguments->values, "key:json sets, key: removes, [json, ...] appends")
      ->allow_extra_args(false);
  patch_command->add_option("patch-files", patch_arguments->inputs, "Files with patches");
  add_output_options(*patch_command, *patch_arguments);

  const auto [plugins_command, plugins_arguments] =
      commands.add("add-plugins", "Add plugins to what selectors name", add_plugins);
  add_state_option(*plugins_command, *plugins_arguments);
  add_selector_option(*plugins_command, *plugins_arguments);
  plugins_command->add_option("--config", plugins_arguments->values, "A plugin as JSON; may be repeated")
      ->allow_extra_args(false);
  plugins_command->add_flag("--overwrite", plugins_arguments->overwrite, "Replace plugins of the same name");
  plugins_command->add_option("plugin-files", plugins_arguments->inputs, "Files with plugins and selectors");
  add_output_options(*plugins_command, *plugins_arguments);
}

void add_tag_commands(Commands& commands) {
  const auto [add_command, add_arguments] = commands.add("add-tags", "Add tags to entities", add_tags);
  add_state_option(*add_command, *add_arguments);
  add_selector_option(*add_command, *add_arguments);
  add_command->add_option("tags", add_arguments->inputs, "Tags")->required();
  add_output_options(*add_command, *add_arguments);

  const auto [remove_command, remove_arguments] = commands.add("remove-tags", "Remove tags from entities", remove_tags);
  add_state_option(*remove_command, *remove_arguments);
  add_selector_option(*remove_command, *remove_arguments);
  remove_command->add_option("tags", remove_arguments->inputs, "Tags; without any, all are removed");
  remove_command->add_flag("--keep-only", remove_arguments->all_but, "Remove all but the tags given");
  remove_command->add_flag("--keep-empty-array", remove_arguments->keep_empty, "Leave `tags: []` where none is left");
  add_output_options(*remove_command, *remove_arguments);

  const auto [list_command, list_arguments] =
      commands.add("list-tags", "Print the tags that entities have", print_tags);
  add_state_option(*list_command, *list_arguments);
  add_selector_option(*list_command, *list_arguments);
  add_output_options(*list_command, *list_arguments);
}

void add_lint_command(Commands& commands) {
  const auto [command, arguments] = commands.add("lint", "Judge a file by rules in Spectral's form", lint);
  arguments->format = "plain";
  command->add_option("ruleset", arguments->inputs, "File with rules")->required()->expected(1);
  add_state_option(*command, *arguments);
  command
      ->add_option("-F,--fail-severity", arguments->fail_severity, "error, warn, info or hint: from where on it fails")
      ->capture_default_str();
  command->add_flag("-D,--display-only-failures", arguments->only_failures, "Leave out what does not make it fail");
  command->add_option("-o,--output-file", arguments->output, "Where to; - is standard output")->capture_default_str();
  command->add_option("--format", arguments->format, "plain, yaml or json")
      ->check(CLI::IsMember({"plain", "yaml", "json"}))
      ->capture_default_str();
}

void add_openapi_command(Commands& commands) {
  const auto [command, arguments] =
      commands.add("openapi2kong", "Make services, routes and plugins of an OpenAPI 3 document", openapi2kong);
  command->add_option("-s,--spec", arguments->state, "OpenAPI document; - is standard input")->capture_default_str();
  openapi::ConvertOptions& options = arguments->openapi;
  command->add_option("--uuid-base", options.base_name, "Name to derive names and ids from, instead of the title");
  command->add_option("--select-tag", options.select_tags, "Tag of everything made, instead of x-kong-tags")
      ->allow_extra_args(false);
  command->add_flag("--no-id", arguments->no_ids, "No ids");
  command->add_flag("-i,--inso-compatible", options.inso_compatible, "Names as inso made them, and no ids");
  command->add_flag("--skip-route-by-header", options.skip_route_by_header, "No route per value of a required header");
  command->add_flag("--reuse-services", options.reuse_services, "One service for equal servers");
  command->add_flag("--ignore-circular-refs", options.ignore_circular,
                    "No validator where schemas refer to themselves");
  command->add_flag("--generate-security", options.generate_security, "openid-connect from security schemes");
  add_output_options(*command, *arguments);
}

}  // namespace

void add_file_commands(CLI::App& app, int& exit_code, MakeCatalog make_catalog) {
  CLI::App* group = app.add_subcommand("file", "Make, check and change state files, without a gateway");
  group->require_subcommand(1);
  Commands commands(*group, exit_code, std::move(make_catalog));
  add_whole_file_commands(commands);
  add_editing_commands(commands);
  add_tag_commands(commands);
  add_lint_command(commands);
  add_openapi_command(commands);
}

}  // namespace sluice::cli
