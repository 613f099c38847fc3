// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/operations.h"

#include <algorithm>
#include <cstddef>

namespace sluice::plugins {

PairView PairView::split(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == text.npos) return {text, {}};
  std::size_t value = std::min(text.find_first_not_of(':', colon), text.size());
  return {text.substr(0, colon), text.substr(value)};
}

Operations::Operations(const Texts& texts) {
  for (const std::string& text : texts.remove) remove_.emplace_back(PairView::split(text).name);
  auto compile = [](Compiled& out, const std::vector<std::string>& pairs) {
    for (const std::string& text : pairs) {
      PairView pair = PairView::split(text);
      out.emplace_back(pair.name, Template::compile(pair.value));
    }
  };
  compile(rename_, texts.rename);
  compile(replace_, texts.replace);
  compile(add_, texts.add);
  compile(append_, texts.append);
}

bool Operations::empty() const {
  return remove_.empty() && rename_.empty() && replace_.empty() && add_.empty() && append_.empty();
}

Result<RenderedOperationsView> Operations::render(TemplateEnvironment& environment, Arena& arena) const {
  RenderedOperationsView rendered;
  rendered.remove.assign(remove_.begin(), remove_.end());
  auto fill = [&](RenderedOperationsView::Pairs& out, const Compiled& compiled) -> Result<> {
    for (const auto& [name, value] : compiled) {
      TRY(std::string_view text, value.render(environment, arena));
      out.push_back({name, text});
    }
    return {};
  };
  TRY(fill(rendered.rename, rename_));
  TRY(fill(rendered.replace, replace_));
  TRY(fill(rendered.add, add_));
  TRY(fill(rendered.append, append_));
  return rendered;
}

}  // namespace sluice::plugins
