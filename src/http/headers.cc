// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <algorithm>
#include <cstring>

namespace sluice::http {

Field* Headers::find(Known field) const {
  if (!may_have(field)) return nullptr;
  for (std::size_t i = 0; i < size_; ++i) {
    if (fields_[i].known == field) return &fields_[i];
  }
  return nullptr;
}

Field* Headers::find(std::string_view name) const {
  for (std::size_t i = 0; i < size_; ++i) {
    if (fields_[i].name.size() == name.size() && same_name(fields_[i].name, name)) return &fields_[i];
  }
  return nullptr;
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  const Field* field = find(name);
  return field != nullptr ? std::optional(field->value) : std::nullopt;
}

std::optional<std::string_view> Headers::get(Known field) const {
  const Field* found = find(field);
  return found != nullptr ? std::optional(found->value) : std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [&](const Field& f) { return same_name(f.name, name); }));
}

std::size_t Headers::count(Known field) const {
  if (!may_have(field)) return 0;
  return static_cast<std::size_t>(std::count_if(begin(), end(), [&](const Field& f) { return f.known == field; }));
}

void Headers::grow() {
  std::uint32_t capacity = capacity_ == 0 ? 24 : capacity_ * 2;
  auto* fields = static_cast<Field*>(arena_->alloc(capacity * sizeof(Field), alignof(Field)));
  std::copy(begin(), end(), fields);
  fields_ = fields;
  capacity_ = capacity;
}

void Headers::add_view(std::string_view name, std::string_view value, Known known) {
  if (size_ == capacity_) grow();
  fields_[size_++] = Field{name, value, known};
  maybe_ |= bit(known);
}

void Headers::add(std::string_view name, std::string_view value) {
  Known known = known_field(name);
  add_view(known != Known::None && spelling(known) == name ? spelling(known) : arena_->copy(name), arena_->copy(value),
           known);
}

void Headers::set_view(std::string_view name, std::string_view value, Known known) {
  Field* first = known != Known::None ? find(known) : find(name);
  if (first == nullptr) {
    add_view(name, value, known);
    return;
  }
  *first = Field{name, value, known};
  maybe_ |= bit(known);
  std::size_t place = static_cast<std::size_t>(first - fields_);
  std::size_t index = 0;
  remove_if([&](const Field& field) { return index++ > place && same_name(field.name, name); });
}

void Headers::set(std::string_view name, std::string_view value) {
  set_view(arena_->copy(name), arena_->copy(value), known_field(name));
}

std::size_t Headers::remove(std::string_view name) {
  return find(name) == nullptr ? 0 : remove_if([&](const Field& field) { return same_name(field.name, name); });
}

std::size_t Headers::remove(Known known) {
  return find(known) == nullptr ? 0 : remove_if([&](const Field& field) { return field.known == known; });
}

bool list_has(std::string_view list, std::string_view token) {
  bool found = false;
  for_each_token(list, [&](std::string_view member) { found = found || same_name(member, token); });
  return found;
}

}  // namespace sluice::http
