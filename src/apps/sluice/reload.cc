// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <unistd.h>

#include "apps/process/memory_file.h"
#include "base/log.h"
#include "base/strings.h"
#include "keepsake.h"
#include "settings/table.h"
#include "worker.h"

// SIGHUP: settings and declarative file again, all or nothing. Everything is read and checked before anything changes;
// the configuration goes first, since only the gateway's builder can say whether it can be served.

namespace sluice::apps {

/// A reload that is known to be possible.
struct Worker::Prepared {
  settings::Settings settings;
  std::vector<settings::Change> changes;
  Materials materials;
  LiveSet live;
  std::optional<sync::Delta> configuration;
};

/// Several signals during a reload are one more reload, not several.
void Worker::on_hangup() {
  if (stopping_) return;
  if (reloading_) {
    reload_again_ = true;
    return;
  }
  reloading_ = true;
  tasks_.spawn(reload());
}

Task<void> Worker::reload() {
  do {
    reload_again_ = false;
    co_await reload_once();
  } while (reload_again_);
  reloading_ = false;
}

Task<void> Worker::reload_once() {
  static_cast<void>(log::reopen());
  files_.reopen_all();
  Prepared prepared;
  if (!prepare_reload(prepared)) co_return;
  if (prepared.configuration) {
    const std::string problems = co_await admin_->replace(*std::move(prepared.configuration));
    file_is_stale_ = !problems.empty();
    if (file_is_stale_) {
      static_cast<void>(reload_failed(problems));
      co_return;
    }
    file_generation_ = node_->status().generation;
  }
  take_settings(std::move(prepared));
}

/// Always false, for `return reload_failed(why)`.
bool Worker::reload_failed(const std::string& why) {
  log::error("config.reload_failed", {{"error", why}});
  return false;
}

bool Worker::prepare_reload(Prepared& prepared) {
  auto fresh = read_settings(arguments_);
  if (!fresh) return reload_failed(fresh.error());
  prepared.settings = settings_;
  prepared.changes = settings::take_live(prepared.settings, fresh->settings);
  auto materials = read_materials(prepared.settings);
  if (!materials) return reload_failed(materials.error().what);
  prepared.materials = *std::move(materials);
  auto live = make_live_set(prepared.settings, prepared.materials, ticket_keys_);
  if (!live) return reload_failed(live.error().what);
  prepared.live = *std::move(live);
  prepared.live.gateway.options.node_id = node_id_;

  auto text = declarative_text(prepared.settings);
  file_is_stale_ = true;
  if (!text) return reload_failed(text.error());
  if (!text->empty()) {
    auto delta = load_configuration(vocabulary_, *text);
    if (!delta) return reload_failed(prepared.settings.declarative_config + ": " + delta.error());
    prepared.configuration = *std::move(delta);
  }
  file_is_stale_ = false;
  return true;
}

void Worker::take_settings(Prepared prepared) {
  std::vector<std::string_view> taken, waiting;
  for (const settings::Change& change : prepared.changes) {
    (change.reload == settings::Reload::Live ? taken : waiting).push_back(change.name);
  }
  settings_ = std::move(prepared.settings);
  materials_ = std::move(prepared.materials);
  log::set_level(settings_.log_level);
  // Also without a changed setting: the files that settings name may have changed.
  node_->reconfigure(std::move(prepared.live.gateway));
  admin_->reconfigure(std::move(prepared.live.admin));
  log::info("config.reloaded", {{"file", settings_.declarative_config}, {"settings", join(taken, ", ")}});
  if (!waiting.empty()) log::warn("config.needs_restart", {{"settings", join(waiting, ", ")}});
}

/// What is served but stands in no file (POST /config, or a file that was broken since) would be lost with this
/// process. The supervisor keeps a copy, in memory, for the next one.
void Worker::leave_keepsake() {
  if (!link_.is_open() || stopping_ || settings_.database != settings::Database::Off) return;
  const std::uint64_t generation = node_->status().generation;
  if (generation == kept_generation_) return;
  if (generation == file_generation_ && !file_is_stale_) {
    if (std::exchange(kept_generation_, 0) != 0) static_cast<void>(link_.send(process::Notice::Keepsake));
    return;
  }
  const std::int64_t began = control_.clock().mono_ms();
  if (generation == 0 || began < next_keepsake_ms_) return;
  auto file = write_keepsake(admin_->store());
  control_.clock().refresh();
  // A large configuration that changes all the time must not keep this thread busy: one part in fifty at most.
  const std::int64_t now = control_.clock().mono_ms();
  next_keepsake_ms_ = now + 50 * (now - began);
  if (!file) {
    log::warn("keepsake.failed", {{"error", file.error()}});
    return;
  }
  if (link_.send(process::Notice::Keepsake, *file)) kept_generation_ = generation;
  ::close(*file);
}

}  // namespace sluice::apps
