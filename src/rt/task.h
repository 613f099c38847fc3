// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "rt/frame_pool.h"

namespace sluice::rt {

template <class T = void>
class Task;

namespace detail {

struct FinalAwaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    return frame.promise().continuation;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr exception;
  bool started = false;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { release_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (exception) std::rethrow_exception(exception);
  }
};

struct Nothing {};

}  // namespace detail

/// A computation that starts when it is awaited and owns its frame. Destroying a suspended task cancels it: whatever
/// it waits for is deregistered by destructors, so clean-up is RAII and there is no other path.
///
/// A task may be born ready (`return Next{};` from a function that is no coroutine): then there is no frame and no
/// allocation, and awaiting it does not suspend. A task stays on the thread that made it.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Frame = std::coroutine_handle<promise_type>;
  using Stored = std::conditional_t<std::is_void_v<T>, detail::Nothing, T>;

  /// Born ready.
  template <class U>
    requires(!std::is_void_v<T> && std::is_constructible_v<Stored, U &&> &&
             !std::is_same_v<std::remove_cvref_t<U>, Task> && !std::is_same_v<std::remove_cvref_t<U>, Frame>)
  Task(U&& value)
      : value_(std::in_place, std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor): reads as a value

  static Task done()
    requires std::is_void_v<T>
  {
    Task task{Frame{}};
    task.value_.emplace();
    return task;
  }

  explicit Task(Frame frame) noexcept : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})), value_(std::move(other.value_)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      frame_ = std::exchange(other.frame_, {});
      value_ = std::move(other.value_);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  /// True when awaiting will not suspend.
  [[nodiscard]] bool ready() const { return value_.has_value() || (frame_ && frame_.done()); }

  /// Runs a task that is not awaited until its first suspension. Its owner polls ready() or gives a continuation.
  void start() {
    if (frame_ && !frame_.promise().started) {
      frame_.promise().started = true;
      frame_.resume();
    }
  }

  /// Whoever is resumed when the task ends. For owners that start() a task instead of awaiting it.
  void on_done(std::coroutine_handle<> continuation) {
    if (frame_) frame_.promise().continuation = continuation;
  }

  /// The result; requires ready().
  T take() {
    if (value_) {
      if constexpr (std::is_void_v<T>) {
        return;
      } else {
        return std::move(*value_);
      }
    }
    return frame_.promise().take();
  }

  /// Cancels: destroys the frame and with it everything that it holds.
  void reset() noexcept {
    if (frame_) std::exchange(frame_, {}).destroy();
    value_.reset();
  }

  [[nodiscard]] bool valid() const { return frame_ || value_.has_value(); }

  struct Awaiter {
    Task& task;
    [[nodiscard]] bool await_ready() const { return task.ready(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
      auto& promise = task.frame_.promise();
      promise.continuation = caller;
      if (std::exchange(promise.started, true)) return std::noop_coroutine();  // it runs already: it will call
      return task.frame_;
    }
    T await_resume() { return task.take(); }
  };
  Awaiter operator co_await() & { return {*this}; }
  Awaiter operator co_await() && { return {*this}; }

 private:
  Frame frame_;
  std::optional<Stored> value_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace sluice::rt

namespace sluice {
using rt::Task;
}
