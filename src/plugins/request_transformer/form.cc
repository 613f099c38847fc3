// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/form.h"

#include <algorithm>
#include <cstddef>

#include "base/strings.h"

namespace sluice::plugins {

Form Form::parse(std::string_view text) {
  Form form;
  for (std::string_view piece : split(text, '&')) {
    if (piece.empty()) continue;
    std::size_t equals = piece.find('=');
    Argument& argument = form.arguments_.emplace_back();
    argument.name = form_decode(piece.substr(0, equals));
    if (equals != piece.npos) argument.value = form_decode(piece.substr(equals + 1));
  }
  return form;
}

bool Form::has(std::string_view name) const {
  return std::any_of(arguments_.begin(), arguments_.end(), [&](const Argument& a) { return a.name == name; });
}

void Form::remove(std::string_view name) {
  std::erase_if(arguments_, [&](const Argument& a) { return a.name == name; });
}

/// In the place of the first argument of that name.
void Form::set(std::string_view name, std::string_view value) {
  auto first = std::find_if(arguments_.begin(), arguments_.end(), [&](const Argument& a) { return a.name == name; });
  if (first == arguments_.end()) {
    arguments_.push_back({std::string(name), std::string(value)});
    return;
  }
  first->value = value;
  arguments_.erase(std::remove_if(first + 1, arguments_.end(), [&](const Argument& a) { return a.name == name; }),
                   arguments_.end());
}

void Form::edit(const RenderedOperationsView& operations) {
  for (std::string_view name : operations.remove) remove(name);
  for (const auto& [name, new_name] : operations.rename) {
    if (name == new_name || !has(name)) continue;
    remove(new_name);
    for (Argument& argument : arguments_) {
      if (argument.name == name) argument.name = new_name;
    }
  }
  for (const auto& [name, value] : operations.replace) {
    if (has(name)) set(name, value);
  }
  for (const auto& [name, value] : operations.add) {
    if (!has(name)) set(name, value);
  }
  for (const auto& [name, value] : operations.append) arguments_.push_back({std::string(name), std::string(value)});
}

void Form::append(const Form& other) {
  arguments_.insert(arguments_.end(), other.arguments_.begin(), other.arguments_.end());
}

std::string Form::encode() const {
  std::string text;
  for (const Argument& argument : arguments_) {
    if (!text.empty()) text += '&';
    text += percent_encode(argument.name);
    if (argument.value) text.append("=").append(percent_encode(*argument.value));
  }
  return text;
}

}  // namespace sluice::plugins
