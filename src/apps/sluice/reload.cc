// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "rt/offload.h"
#include "settings/table.h"
#include "worker.h"

// SIGHUP: settings and declarative file again, all or nothing. Everything is read and checked before anything changes;
// the configuration goes first, since only the gateway's builder can say whether it can be served.

namespace sluice::apps {

/// A reload that is known to be possible.
struct Worker::Prepared {
  std::optional<std::string> text;  // of the settings file
  settings::Settings settings;
  std::vector<settings::Change> changes;
  Materials materials;
  LiveSet live;
  std::string declarative;
  std::optional<sync::Delta> configuration;
};

/// Several signals during a reload are one more reload, not several.
void Worker::on_hangup() {
  if (stopping_ || release_ != Release::None) return;  // the next version has got the signal too
  if (reloading_) {
    reload_again_ = true;
    return;
  }
  reloading_ = true;
  tasks_.spawn(reload());
}

Task<void> Worker::reload() {
  struct End {
    bool& reloading;
    ~End() { reloading = false; }
  };
  const End end{reloading_};
  do {
    reload_again_ = false;
    co_await reload_once();
  } while (reload_again_);
}

Task<void> Worker::reload_once() {
  static_cast<void>(log::reopen());
  files_.reopen_all();
  // Nothing that it reads changes meanwhile: only a reload does that. Waiting for the thread is part of our end.
  auto prepared = co_await rt::offload(blocking_, control_, [this] { return try_prepare_reload(); });
  if (stopping_) co_return;
  if (!prepared) {
    log::error("config.reload_failed", {{"error", prepared.error()}});
    co_return;
  }
  const std::string declarative = std::move(prepared->declarative);
  std::string hash;
  if (prepared->configuration) {
    hash = prepared->configuration->hash;
    const std::string problems = co_await admin_->replace(*std::move(prepared->configuration));
    if (!problems.empty()) {
      log::error("config.reload_failed", {{"error", problems}});
      co_return;
    }
  }
  take_settings(*std::move(prepared));
  // Unless a write has come in between; leave_keepsake() follows with all that is served.
  if (!hash.empty() && hash == node_->status().hash) leave_text(declarative);
}

/// On a thread that may take its time, where an exception would end the process.
std::expected<Worker::Prepared, std::string> Worker::try_prepare_reload() const {
  try {
    return prepare_reload();
  } catch (const std::exception& error) {
    return std::unexpected(std::string(error.what()));
  }
}

std::expected<Worker::Prepared, std::string> Worker::prepare_reload() const {
  Prepared prepared;
  SettingsArguments arguments = arguments_;
  if (!arguments.file.empty()) {
    auto text = read_file(arguments.file);
    if (!text) return std::unexpected(text.error());
    prepared.text = arguments.text = *std::move(text);
  }
  auto fresh = read_settings(arguments);
  if (!fresh) return std::unexpected(fresh.error());
  prepared.settings = settings_;
  prepared.changes = settings::take_live(prepared.settings, fresh->settings);
  const HeldView held{settings_, materials_};
  auto materials = read_materials(prepared.settings, &held);
  if (!materials) return std::unexpected(materials.error().what);
  prepared.materials = *std::move(materials);
  auto live = make_live_set(prepared.settings, prepared.materials, ticket_keys_);
  if (!live) return std::unexpected(live.error().what);
  prepared.live = *std::move(live);
  prepared.live.gateway.options.node_id = node_id_;

  auto declarative = declarative_text(prepared.settings);
  if (!declarative) return std::unexpected(declarative.error());
  prepared.declarative = *std::move(declarative);
  if (!prepared.declarative.empty()) {
    auto delta = load_configuration(vocabulary_, prepared.declarative);
    if (!delta) return std::unexpected(prepared.settings.declarative_config + ": " + delta.error());
    prepared.configuration = *std::move(delta);
  }
  return prepared;
}

void Worker::take_settings(Prepared prepared) {
  std::vector<std::string_view> taken, waiting;
  for (const settings::Change& change : prepared.changes) {
    (change.reload == settings::Reload::Live ? taken : waiting).push_back(change.name);
  }
  settings_ = std::move(prepared.settings);
  settings_text_ = std::move(prepared.text);
  settings_kept_ = false;
  materials_ = std::move(prepared.materials);
  log::set_level(settings_.log_level);
  // Also without a changed setting: the files that settings name may have changed.
  node_->reconfigure(std::move(prepared.live.gateway));
  if (data_plane_) {
    data_plane_->reconfigure(std::move(prepared.live.admin));
  } else {
    admin_->reconfigure(std::move(prepared.live.admin));
  }
  reconfigure_cluster();
  log::info("config.reloaded", {{"file", settings_.declarative_config}, {"settings", join(taken, ", ")}});
  if (!waiting.empty()) log::warn("config.needs_restart", {{"settings", join(waiting, ", ")}});
}

/// Links that are there stay; data planes that come later see the new certificate.
void Worker::reconfigure_cluster() {
  if (!cluster_) return;
  if (const auto done = cluster_->reconfigure(materials_); !done) {
    log::error("cluster.certificate_unusable", {{"error", done.error()}});
  }
}

std::uint64_t Worker::generation_to_keep() const {
  const bool stored = settings_.database != settings::Database::Off || data_plane_ != nullptr;
  return stored ? 0 : node_->status().generation;
}

/// Whether the supervisor holds what there is.
bool Worker::keepsake_is_left() const {
  return generation_to_keep() == kept_generation_ && settings_kept_ && ticket_keys_->rotated_at_s() == kept_tickets_s_;
}

/// What is served may stand in no file by the time that this process dies (POST /config, a file that somebody edits).
/// The supervisor keeps a copy, in memory, for the next one.
void Worker::leave_keepsake() {
  if (!link_.is_open() || stopping_) return;
  const std::uint64_t generation = generation_to_keep();
  const std::int64_t began = control_.clock().mono_ms();
  if (keepsake_is_left() || began < next_keepsake_ms_) return;
  leave(keepsake_of_store(settings_text_, ticket_keys_->save(), generation == 0 ? nullptr : &admin_->store()),
        generation);
  control_.clock().refresh();
  // A large configuration that changes all the time must not keep this thread busy: one part in fifty at most.
  const std::int64_t now = control_.clock().mono_ms();
  next_keepsake_ms_ = now + 50 * (now - began);
}

/// The same, at once, for a configuration that was just taken from its author's text.
void Worker::leave_text(const std::string& declarative) {
  if (!link_.is_open()) return;
  leave(keepsake_of_text(settings_text_, ticket_keys_->save(), declarative), node_->status().generation);
}

/// What cannot be sent now is tried again a second later.
void Worker::leave(Result<int> keepsake, std::uint64_t generation) {
  if (!keepsake) {
    log::warn("keepsake.failed", {{"error", keepsake.error()}});
    return;
  }
  if (link_.send(process::Notice::Keepsake, *keepsake)) {
    kept_generation_ = generation;
    settings_kept_ = true;
    kept_tickets_s_ = ticket_keys_->rotated_at_s();
  }
  ::close(*keepsake);
}

}  // namespace sluice::apps
