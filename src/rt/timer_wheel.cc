// SPDX-License-Identifier: Apache-2.0
#include "rt/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace sluice::rt {

void Timer::disarm() noexcept {
  if (prev_ == nullptr) return;
  *prev_ = next_;
  if (next_ != nullptr) next_->prev_ = prev_;
  next_ = nullptr;
  prev_ = nullptr;
}

void TimerWheel::arm(Timer& timer, std::int64_t at_ms) {
  timer.disarm();
  timer.at_ms_ = at_ms;
  place(timer);
}

/// The level is the highest digit (base 256) in which the due time differs from now.
void TimerWheel::place(Timer& timer) {
  std::int64_t at = std::max(timer.at_ms_, now_ms_ + 1);
  auto differing = static_cast<std::uint64_t>(at ^ now_ms_);
  int level = (63 - std::countl_zero(differing)) / kBits;
  if (level >= kLevels) {  // beyond the horizon: wait in the last slot of the top level
    level = kLevels - 1;
    at = now_ms_ | ((std::int64_t{1} << (kBits * kLevels)) - 1);
  }
  auto slot = static_cast<std::size_t>((at >> (kBits * level)) & (kSlots - 1));
  Level& wheel = levels_[static_cast<std::size_t>(level)];
  Timer*& head = wheel.slots[slot];
  timer.next_ = head;
  if (head != nullptr) head->prev_ = &timer.next_;
  timer.prev_ = &head;
  head = &timer;
  wheel.occupied[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void TimerWheel::advance(std::int64_t now_ms) {
  while (now_ms_ < now_ms) {
    // Jump over empty milliseconds: the next moment at which anything fires or cascades, or the goal.
    now_ms_ = std::min(now_ms, std::max(next_due_ms(), now_ms_ + 1));
    for (int level = 1; level < kLevels; ++level) {
      if ((now_ms_ & ((std::int64_t{1} << (kBits * level)) - 1)) != 0) break;
      cascade(level);
    }
    fire_slot(static_cast<std::size_t>(now_ms_ & (kSlots - 1)));
  }
}

void TimerWheel::cascade(int level) {
  Level& wheel = levels_[static_cast<std::size_t>(level)];
  auto slot = static_cast<std::size_t>((now_ms_ >> (kBits * level)) & (kSlots - 1));
  wheel.occupied[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  while (Timer* timer = wheel.slots[slot]) {
    timer->disarm();
    if (timer->at_ms_ <= now_ms_) {
      timer->expire();
    } else {
      place(*timer);
    }
  }
}

void TimerWheel::fire_slot(std::size_t slot) {
  Level& wheel = levels_[0];
  if (((wheel.occupied[slot / 64] >> (slot % 64)) & 1U) == 0) return;
  wheel.occupied[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  while (Timer* timer = wheel.slots[slot]) {
    timer->disarm();
    timer->expire();
  }
}

int TimerWheel::next_occupied(const Level& level, int after) {
  for (int slot = after + 1; slot < kSlots;) {
    std::uint64_t word = level.occupied[static_cast<std::size_t>(slot / 64)] >> (slot % 64);
    if (word != 0) return slot + std::countr_zero(word);
    slot = (slot / 64 + 1) * 64;
  }
  return -1;
}

std::int64_t TimerWheel::next_due_ms() const {
  for (int level = 0; level < kLevels; ++level) {
    int shift = kBits * level;
    int current = static_cast<int>((now_ms_ >> shift) & (kSlots - 1));
    int slot = next_occupied(levels_[static_cast<std::size_t>(level)], current);
    if (slot >= 0) {
      std::int64_t base = (now_ms_ >> (shift + kBits)) << (shift + kBits);
      return base + (std::int64_t{slot} << shift);
    }
  }
  return INT64_MAX;
}

}  // namespace sluice::rt
