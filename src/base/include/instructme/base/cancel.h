#pragma once

#include <atomic>

namespace instructme {

/// A request to stop, polled by long work between its steps. Copies share one flag, which its owner may
/// set from any thread or signal handler.
class CancelToken {
 public:
  /// A token that nobody can trigger.
  CancelToken() = default;
  explicit CancelToken(const std::atomic<bool>* flag) : flag_(flag) {}

  bool requested() const noexcept { return flag_ != nullptr && flag_->load(std::memory_order_relaxed); }
  /// Throws kCancelled when a stop was requested.
  void check() const;

 private:
  const std::atomic<bool>* flag_ = nullptr;
};

}  // namespace instructme
