// For what is rarely there, in structs of which there are very many: one pointer wide, and memory of
// its own only where there is something. Messages of a batch are written, read and freed once each, so
// their size is their cost.
#pragma once

#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace troupe {

// As std::optional<T>, copied deep.
template <class T>
class boxed {
 public:
  boxed() noexcept = default;
  boxed(T x) : held_(std::make_unique<T>(std::move(x))) {}
  boxed(const boxed& other) : held_(other.held_ ? std::make_unique<T>(*other.held_) : nullptr) {}
  boxed(boxed&&) noexcept = default;
  boxed& operator=(boxed other) noexcept {
    held_.swap(other.held_);
    return *this;
  }

  bool has_value() const noexcept { return held_ != nullptr; }
  explicit operator bool() const noexcept { return has_value(); }
  // pre: has_value()
  T& operator*() noexcept { return *held_; }
  const T& operator*() const noexcept { return *held_; }
  T* operator->() noexcept { return held_.get(); }
  const T* operator->() const noexcept { return held_.get(); }

  T value_or(T otherwise) const { return held_ ? *held_ : std::move(otherwise); }
  T& emplace() {
    held_ = std::make_unique<T>();
    return *held_;
  }
  void reset() noexcept { held_.reset(); }

 private:
  std::unique_ptr<T> held_;
};

// As std::vector<T>, for lists that are mostly empty.
template <class T>
class boxed_vector {
 public:
  boxed_vector() noexcept = default;
  boxed_vector(std::vector<T> items) {
    if (!items.empty()) held_ = boxed<std::vector<T>>(std::move(items));
  }
  boxed_vector(std::initializer_list<T> items) : boxed_vector(std::vector<T>(items)) {}

  // Valid until the list changes.
  operator const std::vector<T>&() const noexcept {
    static const std::vector<T> nothing;
    return held_ ? *held_ : nothing;
  }
  bool empty() const noexcept { return !held_ || held_->empty(); }
  std::size_t size() const noexcept { return held_ ? held_->size() : 0; }
  const T* begin() const noexcept { return held_ ? held_->data() : nullptr; }
  const T* end() const noexcept { return begin() + size(); }
  T* begin() noexcept { return held_ ? held_->data() : nullptr; }
  T* end() noexcept { return begin() + size(); }
  T& operator[](std::size_t i) noexcept { return (*held_)[i]; }
  const T& operator[](std::size_t i) const noexcept { return (*held_)[i]; }

  void push_back(T x) { own().push_back(std::move(x)); }
  void resize(std::size_t n) {
    if (n != size()) own().resize(n);
  }
  void clear() noexcept { held_.reset(); }

 private:
  std::vector<T>& own() { return held_ ? *held_ : held_.emplace(); }

  boxed<std::vector<T>> held_;
};

}  // namespace troupe
