// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/plan_text.h"

#include <algorithm>
#include <utility>

#include "cli/json_diff.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kMask = "[masked]";
constexpr std::string_view kChangedMask = "[masked, changed]";
constexpr std::string_view kRedacted = "***";  // until it is said whether it changed
constexpr std::size_t kShortest = 4;           // shorter values are masked only where they are the whole text

std::string_view verb(Action action) {
  switch (action) {
    case Action::Create:
      return "creating";
    case Action::Update:
      return "updating";
    case Action::Delete:
      break;
  }
  return "deleting";
}

void mask_values(Json& value, const std::vector<std::string>& values) {
  if (value.is_object()) {
    for (auto& [name, member] : value.as_object()) mask_values(member, values);
  } else if (value.is_array()) {
    for (Json& element : value.as_array()) mask_values(element, values);
  } else if (!value.is_null()) {
    std::string text = value.is_string() ? value.as_string() : to_json(value);
    bool found = false;
    for (const std::string& secret : values) {
      if (text == secret) {
        value = kMask;
        return;
      }
      if (secret.size() < kShortest) continue;
      for (std::size_t at = text.find(secret); at != text.npos; at = text.find(secret, at + kMask.size())) {
        text.replace(at, secret.size(), kMask);
        found = true;
      }
    }
    if (found) value = std::move(text);
  }
}

/// What the store encrypts, wherever it stands.
void hide_secrets(const schema::EntityBase& type, Json& document) {
  type.visit_secrets(document, [](std::string& secret) { secret = kRedacted; });
}

/// Where `redacted` hides something, says whether the hidden value is the one that `other` has at the same place.
void mark_secrets(Json& redacted, const Json& original, const Json* other) {
  if (redacted.is_string() && redacted.as_string() == kRedacted && !(original == redacted)) {
    redacted = other != nullptr && !other->is_null() && !(*other == original) ? kChangedMask : kMask;
  } else if (redacted.is_object()) {
    for (auto& [name, member] : redacted.as_object()) {
      mark_secrets(member, *original.find(name), other != nullptr ? other->find(name) : nullptr);
    }
  } else if (redacted.is_array()) {
    const bool alike = other != nullptr && other->is_array();
    for (std::size_t i = 0; i < redacted.as_array().size(); ++i) {
      const bool has = alike && i < other->as_array().size();
      mark_secrets(redacted.as_array()[i], original.as_array()[i], has ? &other->as_array()[i] : nullptr);
    }
  }
}

/// What is unset, and timestamps, are of no interest to a reader.
Json shortened(const Json& value, bool top = true) {
  if (!value.is_object()) return value;
  Json::Object out;
  for (const auto& [name, member] : value.as_object()) {
    const bool stamp = top && (name == "created_at" || name == "updated_at");
    if (!stamp && !member.is_null()) out.append(name, shortened(member, false));
  }
  return Json(std::move(out));
}

std::string paint(std::string_view text, Action action) {
  const char* colour = action == Action::Create ? "\x1b[32m" : action == Action::Update ? "\x1b[33m" : "\x1b[31m";
  return std::string(colour).append(text) + "\x1b[0m";
}

}  // namespace

Json masked(const schema::EntityBase& type, const Json& document, const Json& other, const PlanView& view) {
  Json shown = document;
  if (shown.is_object() && !view.show_secrets) {
    hide_secrets(type, shown);
    mark_secrets(shown, document, other.is_object() ? &other : nullptr);
  }
  mask_values(shown, view.environment_values);
  return shortened(shown);
}

std::string plan_text(const Plan& plan, const PlanView& view) {
  std::string text;
  for (const Change& change : plan.changes) {
    const std::string head = std::string(verb(change.action)) + " " + change.kind + " " + change.name;
    text += view.colour ? paint(head, change.action) : head;
    if (change.action == Action::Update && view.details) {
      // Only one side says that a secret changed; otherwise both would say the same.
      const Json before = masked(*change.type, change.before, change.before, view);
      const Json after = masked(*change.type, change.after, change.before, view);
      std::string diff = json_diff(before, after);
      text += view.colour ? coloured_diff(diff) : diff;
    } else {
      text += '\n';
    }
  }
  return text;
}

std::string summary_text(const Plan& plan) {
  return "Summary:\n  Created: " + std::to_string(plan.count(Action::Create)) +
         "\n  Updated: " + std::to_string(plan.count(Action::Update)) +
         "\n  Deleted: " + std::to_string(plan.count(Action::Delete)) + "\n";
}

Json plan_json(const Plan& plan, const PlanView& view, const std::vector<std::string>& errors) {
  Json::Array lists[3];
  for (const Change& change : plan.changes) {
    Json::Object body;
    body.append("old", masked(*change.type, change.before, change.before, view));
    body.append("new", masked(*change.type, change.after, change.before, view));
    lists[static_cast<int>(change.action)].push_back(
        Json::Object{{"kind", change.kind}, {"name", change.name}, {"body", std::move(body)}});
  }
  Json::Object summary{{"creating", plan.count(Action::Create)},
                       {"updating", plan.count(Action::Update)},
                       {"deleting", plan.count(Action::Delete)},
                       {"total", plan.changes.size()}};
  Json::Array problems(errors.begin(), errors.end());
  return Json::Object{{"changes", Json::Object{{"creating", std::move(lists[0])},
                                               {"updating", std::move(lists[1])},
                                               {"deleting", std::move(lists[2])}}},
                      {"summary", std::move(summary)},
                      {"warnings", Json::array()},
                      {"errors", std::move(problems)}};
}

}  // namespace sluice::cli
