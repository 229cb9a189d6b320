// Names of C++ types for people who call functions from any language: "string", "[int]",
// "{string: float}", "bytes"; a type of the program's own by its C++ name.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libruntime/value.hpp"

namespace troupe {

std::string demangle(const char* mangled);

namespace detail {

template <class T>
struct type_namer {
  static std::string get() {
    if constexpr (std::is_void_v<T> || std::is_same_v<T, std::nullptr_t>) {
      return "nil";
    } else if constexpr (std::is_same_v<T, bool>) {
      return "bool";
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      return "int";
    } else if constexpr (std::is_floating_point_v<T>) {
      return "float";
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
      return "string";
    } else if constexpr (std::is_same_v<T, value>) {
      return "any";
    } else {
      return demangle(typeid(T).name());
    }
  }
};

template <class T>
concept byte_like = std::same_as<T, char> || std::same_as<T, unsigned char> ||
                    std::same_as<T, std::byte>;

template <class T, class A>
struct type_namer<std::vector<T, A>> {
  static std::string get() {
    if constexpr (byte_like<T>) {
      return "bytes";
    } else {
      return "[" + type_namer<T>::get() + "]";
    }
  }
};
template <class T, std::size_t N>
struct type_namer<std::array<T, N>> {
  static std::string get() { return type_namer<std::vector<T>>::get(); }
};
template <class T>
struct type_namer<std::optional<T>> {
  static std::string get() { return type_namer<T>::get() + " or nil"; }
};
template <class K, class V>
struct map_type_name {
  static std::string get() {
    return "{" + type_namer<K>::get() + ": " + type_namer<V>::get() + "}";
  }
};
template <class K, class V, class C, class A>
struct type_namer<std::map<K, V, C, A>> : map_type_name<K, V> {};
template <class K, class V, class H, class E, class A>
struct type_namer<std::unordered_map<K, V, H, E, A>> : map_type_name<K, V> {};
template <class... T>
struct list_type_name {
  static std::string get() {
    std::string out;
    ((out += (out.empty() ? "" : ", ") + type_namer<T>::get()), ...);
    return "(" + out + ")";
  }
};
template <class... T>
struct type_namer<std::tuple<T...>> : list_type_name<T...> {};
template <class A, class B>
struct type_namer<std::pair<A, B>> : list_type_name<A, B> {};

}  // namespace detail

template <class T>
std::string type_name() {
  return detail::type_namer<std::remove_cvref_t<T>>::get();
}

}  // namespace troupe
