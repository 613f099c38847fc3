// SPDX-License-Identifier: Apache-2.0
#include "cli/files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "base/strings.h"
#include "base/yaml.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

bool is_state_file(const fs::path& path) {
  const std::string suffix = to_lower(path.extension().string());
  return suffix == ".yaml" || suffix == ".yml" || suffix == ".json";
}

Result<std::vector<std::string>> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file() && is_state_file(at->path())) files.push_back(at->path().string());
  }
  if (error) return fail(Errc::Io, "cannot read folder " + folder + ": " + error.message());
  if (files.empty()) return fail(Errc::NotFound, "there is no .yaml, .yml or .json file in " + folder);
  std::ranges::sort(files);
  return files;
}

/// Nobody else may read a file that `flags` make: state files hold keys and credentials.
std::error_code write_file(const std::string& path, int flags, std::string_view text) {
  const auto failure = [] { return std::error_code(errno, std::generic_category()); };
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0600);
  if (file < 0) return failure();
  std::error_code error;
  while (!text.empty() && !error) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error = failure();
    }
  }
  if (::close(file) != 0 && !error) error = failure();
  return error;
}

}  // namespace

Result<Input> read_input(const std::string& path) {
  if (path == "-") return Input{"standard input", std::string(std::istreambuf_iterator<char>(std::cin), {})};
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::NotFound, "cannot read " + path + ": " + std::strerror(errno));
  return Input{path, std::string(std::istreambuf_iterator<char>(in), {})};
}

Result<std::vector<Input>> read_inputs(const std::vector<std::string>& paths) {
  std::vector<Input> inputs;
  for (const std::string& path : paths) {
    std::vector<std::string> files = {path};
    std::error_code error;
    if (path != "-" && fs::is_directory(path, error)) {
      TRY(files, files_below(path));
    }
    for (const std::string& file : files) {
      TRY(Input input, read_input(file));
      inputs.push_back(std::move(input));
    }
  }
  return inputs;
}

Result<Json> parse_input(const Input& input) {
  const std::string_view text = trim(input.text);
  auto parsed = text.starts_with('{') || text.starts_with('[') ? parse_json(input.text) : parse_yaml(input.text);
  // A flow mapping of YAML begins like JSON.
  if (!parsed && text.starts_with('{')) {
    if (auto flow = parse_yaml(input.text)) return flow;
  }
  if (!parsed) return fail(input.name + ": ", parsed.error());
  return parsed;
}

Result<Json> read_document(const std::string& path) {
  TRY(const Input input, read_input(path));
  TRY(Json document, parse_input(input));
  if (!document.is_object()) return fail(Errc::Invalid, input.name + ": expected an object");
  return document;
}

std::string print_document(const Json& document, Format format) {
  if (format == Format::Json) return to_pretty_json(document) + "\n";
  std::string text = to_yaml(document);
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

Result<> write_output(const std::string& path, std::string_view text) {
  if (path == "-" || path.empty()) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written ? Result<>{} : fail(Errc::Io, "cannot write to standard output");
  }
  std::error_code error;
  std::error_code ignored;
  if (fs::exists(path, ignored) && fs::is_other(path, ignored)) {
    error = write_file(path, 0, text);  // /dev/null and the like stay what they are
  } else {
    const std::string part = path + ".part";
    fs::remove(part, ignored);  // left behind by a run that was killed, perhaps with another mode
    error = write_file(part, O_CREAT | O_EXCL, text);
    if (!error) fs::rename(part, path, error);
    if (error) fs::remove(part, ignored);
  }
  if (!error) return {};
  return fail(Errc::Io, "cannot write " + path + ": " + error.message());
}

void append_history(Json& document, std::string_view command, Json::Object details) {
  if (!document.is_object()) return;
  Json& history = document.as_object()["_ignore"];
  if (!history.is_array()) history = Json::array();
  Json::Object entry{{"command", command}};
  for (auto& [name, value] : details) entry.set(name, std::move(value));
  history.as_array().emplace_back(std::move(entry));
}

}  // namespace sluice::cli
