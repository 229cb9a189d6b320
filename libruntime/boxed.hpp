// For what is rarely there, in structs of which there are very many: one pointer wide, and memory of
// its own only where there is something. Messages of a batch are written, read and freed once each, so
// their size is their cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
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

// As std::vector<T>, for lists that are mostly empty and short where they aren't: length and items share
// one piece of memory.
template <class T>
class boxed_vector {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a list that grows can't fail half-way");
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

 public:
  boxed_vector() noexcept = default;
  boxed_vector(std::vector<T> items) {
    reserve(items.size());
    for (auto& x : items) push_back(std::move(x));
  }
  boxed_vector(std::initializer_list<T> items) : boxed_vector(std::vector<T>(items)) {}
  boxed_vector(const boxed_vector& other) {
    reserve(other.size());
    for (const auto& x : other) push_back(x);
  }
  boxed_vector(boxed_vector&& other) noexcept = default;
  boxed_vector& operator=(boxed_vector other) noexcept {
    held_.swap(other.held_);
    return *this;
  }

  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return held_ ? held_->size : 0; }
  const T* begin() const noexcept { return empty() ? nullptr : items(); }
  const T* end() const noexcept { return begin() + size(); }
  T* begin() noexcept { return empty() ? nullptr : items(); }
  T* end() noexcept { return begin() + size(); }
  T& operator[](std::size_t i) noexcept { return items()[i]; }
  const T& operator[](std::size_t i) const noexcept { return items()[i]; }

  void push_back(T x) {
    if (auto n = size(); n == capacity()) reserve(n == 0 ? 1 : 2 * n);
    ::new (room_of(*held_) + held_->size) T(std::move(x));
    ++held_->size;
  }
  void reserve(std::size_t n) {
    if (n <= capacity()) return;
    if (n > UINT32_MAX) throw std::length_error{"a list of more than 4,294,967,295 items"};
    memory grown{static_cast<header*>(::operator new(items_at + n * sizeof(T)))};
    ::new (grown.get()) header{0, static_cast<std::uint32_t>(n)};
    auto* to = room_of(*grown);
    for (auto& x : *this) ::new (to + grown->size++) T(std::move(x));
    held_ = std::move(grown);
  }
  void resize(std::size_t n) {
    reserve(n);
    while (size() < n) push_back(T{});
    while (size() > n) items()[--held_->size].~T();
  }
  void clear() noexcept { held_.reset(); }

 private:
  struct header {
    std::uint32_t size, capacity;
  };
  static constexpr std::size_t items_at = (sizeof(header) + alignof(T) - 1) / alignof(T) * alignof(T);
  static T* room_of(header& h) noexcept {
    return reinterpret_cast<T*>(reinterpret_cast<std::byte*>(&h) + items_at);
  }
  struct release {
    void operator()(header* h) const noexcept {
      if (h->size > 0) std::destroy_n(std::launder(room_of(*h)), h->size);
      ::operator delete(h);
    }
  };
  using memory = std::unique_ptr<header, release>;

  // pre: there are any
  T* items() const noexcept { return std::launder(room_of(*held_)); }
  std::size_t capacity() const noexcept { return held_ ? held_->capacity : 0; }

  memory held_;
};

}  // namespace troupe
