// SPDX-License-Identifier: Apache-2.0
#include "gateway/exchange.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "rt/memory_gauge.h"

namespace sluice::gateway {

namespace {

/// What has been read already, and then the rest: the caller of read_body may decide to let long content pass.
class RejoinedBody final : public http::BodyReader {
 public:
  RejoinedBody(std::string_view begun, bool ended, http::BodyReader& rest)
      : begun_(begun), ended_(ended), rest_(rest) {}

  Task<Result<http::Chunk>> read() override {
    if (!begun_.empty()) return Result<http::Chunk>(http::Chunk{std::exchange(begun_, {}), ended_});
    return rest_.read();
  }
  [[nodiscard]] const http::Headers* trailers() const override { return rest_.trailers(); }

 private:
  std::string_view begun_;  // of the exchange
  const bool ended_;
  http::BodyReader& rest_;
};

/// Memory can be gone sooner than the shard looks at it again, within one turn of its loop: whoever takes much of it
/// asks first.
Result<> leave_to_grow(rt::MemoryGauge* memory, std::size_t octets) {
  if (memory == nullptr) return {};
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  if (memory->take(octets, std::chrono::duration_cast<std::chrono::milliseconds>(now).count())) return {};
  return fail(Errc::Unavailable, "memory is short", Blame::System, Retry::Safe);
}

}  // namespace

Exchange::~Exchange() {
  for (Owned* owned = owned_; owned != nullptr; owned = owned->next) owned->destroy(owned->object);
}

void Exchange::own(void* object, void (*destroy)(void*)) {
  owned_ = &arena.make<Owned>(owned_, object, destroy);
}

void* Exchange::find_slot(const void* key) const {
  for (const Slot* slot = slots_; slot != nullptr; slot = slot->next) {
    if (slot->key == key) return slot->object;
  }
  return nullptr;
}

void Exchange::add_slot(const void* key, void* object) {
  slots_ = &arena.make<Slot>(slots_, key, object);
}

void Exchange::authenticate(const Consumer& consumer, const Credential* credential, std::string_view identifier) {
  authenticated.consumer = &consumer;
  authenticated.has_credential = credential != nullptr;
  authenticated.credential_id = credential != nullptr ? std::string_view(credential->id_text) : std::string_view{};
  authenticated.credential_identifier = identifier;

  http::Headers& headers = request.headers;
  auto set_or_remove = [&](std::string_view name, std::string_view value) {
    if (value.empty()) {
      headers.remove(name);
    } else {
      headers.set_view(name, arena.copy(value), http::Known::None);
    }
  };
  set_or_remove("X-Consumer-ID", consumer.id_text);
  set_or_remove("X-Consumer-Custom-ID", consumer.custom_id);
  set_or_remove("X-Consumer-Username", consumer.username);
  set_or_remove("X-Credential-Identifier", credential != nullptr ? identifier : std::string_view{});
  set_or_remove("X-Anonymous-Consumer", credential != nullptr ? std::string_view{} : "true");
}

Task<Result<std::string_view>> Exchange::read_body(std::size_t limit) {
  constexpr std::size_t kCopies = 2;  // parsed, and written anew
  if (request.body == nullptr) co_return std::string_view{};
  if (auto announced = request.body->remaining(); announced && *announced > limit) {
    co_return fail(Errc::TooLarge, "request content larger than the buffer limit", Blame::Client);
  }
  auto& content = *make<std::string>();
  // What is announced and never sent costs nothing: memory that is not touched is none.
  if (auto announced = request.body->remaining()) content.reserve(static_cast<std::size_t>(*announced));
  for (bool last = false; !last;) {
    CO_TRY(http::Chunk chunk, co_await request.body->read());
    CO_TRY(leave_to_grow(memory, chunk.bytes.size()));
    content.append(chunk.bytes);
    last = chunk.last;
    if (content.size() > limit) {
      request.body = make<RejoinedBody>(content, last, *request.body);
      co_return fail(Errc::TooLarge, "request content larger than the buffer limit", Blame::Client);
    }
  }
  CO_TRY(leave_to_grow(memory, kCopies * content.size()));  // for what is done with it now
  replace_body(content);
  co_return std::string_view(content);
}

void Exchange::replace_body(std::string_view bytes) {
  request.body = make<http::MemoryBody>(bytes);
  request.body_length = bytes.size();
}

void Exchange::replace_response_body(std::string_view bytes) {
  response.body = make<http::MemoryBody>(bytes);
  response.head.framing = {http::Framing::Kind::Length, bytes.size()};
  response.headers.remove(http::Known::ContentLength);
}

}  // namespace sluice::gateway
