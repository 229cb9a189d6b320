// Which C++ types an option can have and how each is read and written, and the builders that bind
// an option to a member. Included by options.hpp. An enum becomes an option type with
//   template <> struct option_words<colour> {
//     static constexpr std::array words{option_word{colour::red, "like a rose"}, …}; };
// and a to_string(colour) beside it.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>

#include "libruntime/options.hpp"
#include "libruntime/resources.hpp"
#include "libruntime/units.hpp"

namespace troupe {

// Why a text is not a value of a type.
enum class option_refusal : std::uint8_t { malformed, too_small, too_large };

template <class T>
using option_parsed = tl::expected<T, option_refusal>;

// ---- values that are one text ----
template <class T>
struct option_scalar;  // kind, parse, format

template <>
struct option_scalar<bool> {
  static constexpr auto kind = option_kind::boolean;
  static option_parsed<bool> parse(std::string_view text);
  static std::string format(bool b) { return b ? "true" : "false"; }
};

template <>
struct option_scalar<double> {
  static constexpr auto kind = option_kind::number;
  static option_parsed<double> parse(std::string_view text);
  static std::string format(double d);  // the shortest text that reads back as the same number
};

template <>
struct option_scalar<std::string> {
  static constexpr auto kind = option_kind::text;
  static constexpr std::size_t longest = 4096;
  static option_parsed<std::string> parse(std::string_view text);
  static std::string format(const std::string& s) { return s; }
};

template <>
struct option_scalar<duration> {
  static constexpr auto kind = option_kind::duration;
  static option_parsed<duration> parse(std::string_view text);
  static std::string format(duration d) { return format_duration(d); }
};

template <>
struct option_scalar<byte_count> {
  static constexpr auto kind = option_kind::bytes;
  static option_parsed<byte_count> parse(std::string_view text);
  static std::string format(byte_count n) { return format_bytes(n); }
};

template <>
struct option_scalar<host_port> {
  static constexpr auto kind = option_kind::endpoint;
  static option_parsed<host_port> parse(std::string_view text);
  static std::string format(const host_port& h) { return to_string(h); }
};

template <std::integral T>
struct option_scalar<T> {
  static constexpr auto kind = option_kind::integer;
  static option_parsed<T> parse(std::string_view text) {
    T number{};
    bool negative = text.starts_with('-');
    if (text.starts_with('+')) return tl::unexpected(option_refusal::malformed);
    auto digits = std::is_unsigned_v<T> && negative ? text.substr(1) : text;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
      return tl::unexpected(option_refusal::malformed);
    }
    if (error != std::errc{} || (std::is_unsigned_v<T> && negative && number != 0)) {
      return tl::unexpected(negative ? option_refusal::too_small : option_refusal::too_large);
    }
    return number;
  }
  static std::string format(T n) { return std::to_string(n); }
};

template <class E>
struct option_word {
  E value;
  std::string_view text;
};

// Needed by clang before 17, which deduces nothing for aggregates.
template <class E>
option_word(E, std::string_view) -> option_word<E>;

template <class E>
struct option_words;

template <class E>
requires std::is_enum_v<E>
struct option_scalar<E> {
  static constexpr auto kind = option_kind::choice;
  static option_parsed<E> parse(std::string_view text) {
    for (const auto& w : option_words<E>::words) {
      if (to_string(w.value) == text) return w.value;
    }
    return tl::unexpected(option_refusal::malformed);
  }
  static std::string format(E e) { return std::string{to_string(e)}; }
};

// Reads one text; reports and returns nothing if it can't be a T or is out of bounds.
template <class T>
std::optional<T> read_scalar(const option_value& in, const option_info& info, option_reader& r,
                             const std::optional<T>& low, const std::optional<T>& high);
// What the non-template half of it does: whether the text may be looked at, and how to refuse it.
bool expect_scalar(const option_value& in, const option_info& info, option_reader& r);
void refuse_scalar(const option_value& in, const option_info& info, option_reader& r,
                   option_refusal why);

// ---- values of several texts ----
template <class T>
struct option_compound;  // kind, read, write

template <>
struct option_compound<std::vector<std::string>> {
  static constexpr auto kind = option_kind::text_list;
  using type = std::vector<std::string>;
  static void read(const option_value& in, const option_info& info, option_reader& r, type& out);
  static option_value write(const type& list);
};

template <>
struct option_compound<std::map<std::string, std::string>> {
  static constexpr auto kind = option_kind::text_map;
  using type = std::map<std::string, std::string>;
  static void read(const option_value& in, const option_info& info, option_reader& r, type& out);
  static option_value write(const type& map);
};

template <>
struct option_compound<resource_set> {
  static constexpr auto kind = option_kind::resources;
  static void read(const option_value& in, const option_info& info, option_reader& r,
                   resource_set& out);
  static option_value write(const resource_set& resources);
};

template <class T>
concept option_compound_type = requires {
  option_compound<T>::kind;
};

template <class T>
struct option_value_type {
  using type = T;
  static constexpr bool optional = false;
};
template <class T>
struct option_value_type<std::optional<T>> {
  using type = T;
  static constexpr bool optional = true;
};

// ---- builders ----
// What all of them can say. `Self` is the builder, so that calls chain.
template <class Self>
class option_words_for_people {
 public:
  Self& text(std::string t) {
    return set([&] { info_.text = std::move(t); });
  }
  Self& required() {
    return set([&] { info_.required = true; });
  }
  Self& secret() {
    return set([&] { info_.secret = true; });
  }
  // For a feature that does not exist yet.
  Self& no_effect() {
    return set([&] {
      info_.no_effect = true;
      info_.text += " Has no effect yet.";
    });
  }
  Self& live() {
    return set([&] { info_.live = true; });
  }
  Self& form(text_form f) {
    return set([&] { info_.form = f; });
  }
  Self& path(path_rule rule) {
    return set([&] { info_.path = rule; });
  }
  // The word for an optional value that is not there; also accepted in the file.
  Self& absent(std::string word) {
    return set([&] { info_.absent = std::move(word); });
  }

 protected:
  template <class F>
  Self& set(F change) {
    change();
    return static_cast<Self&>(*this);
  }
  option_info info_;
};

template <class S, class T>
class option_builder : public option_words_for_people<option_builder<S, T>> {
  using base = option_words_for_people<option_builder<S, T>>;
  using base::info_;
  using value_type = typename option_value_type<T>::type;
  static constexpr bool optional = option_value_type<T>::optional;

 public:
  option_builder(std::string name, T S::*member) : member_(member) {
    info_.name = std::move(name);
    info_.optional = optional;
    if constexpr (option_compound_type<value_type>) {
      info_.kind = option_compound<value_type>::kind;
    } else {
      info_.kind = option_scalar<value_type>::kind;
    }
    if constexpr (std::is_enum_v<value_type>) {
      for (const auto& w : option_words<value_type>::words) {
        info_.choices.push_back({std::string{to_string(w.value)}, std::string{w.text}});
      }
    }
    if constexpr (std::unsigned_integral<value_type> && !std::same_as<value_type, bool>) {
      at_least(0);
    }
  }

  option_builder& at_least(value_type low) {
    info_.low = option_scalar<value_type>::format(low);
    low_ = std::move(low);
    return *this;
  }
  option_builder& at_most(value_type high) {
    info_.high = option_scalar<value_type>::format(high);
    high_ = std::move(high);
    return *this;
  }

  operator option_of<S>() const {
    option_of<S> made;
    made.info = info_;
    made.read = [info = info_, member = member_, low = low_, high = high_](
                    const option_value& in, void* s, option_reader& r) {
      read(in, info, static_cast<S*>(s)->*member, r, low, high);
    };
    made.write = [member = member_](const void* s) {
      return write(static_cast<const S*>(s)->*member);
    };
    return made;
  }

 private:
  // Bounds of compound types are never set; `char` merely gives the member a type.
  using bound =
      std::optional<std::conditional_t<option_compound_type<value_type>, char, value_type>>;

  static void read(const option_value& in, const option_info& info, T& member, option_reader& r,
                   const bound& low, const bound& high) {
    if constexpr (option_compound_type<value_type>) {
      option_compound<value_type>::read(in, info, r, member);
    } else {
      if constexpr (optional) {
        bool none = in.is == option_value::shape::nothing ||
                    (in.is == option_value::shape::scalar && !info.absent.empty() &&
                     in.text == info.absent);
        if (none) {
          member.reset();
          return;
        }
      }
      if (auto v = read_scalar<value_type>(in, info, r, low, high)) member = std::move(*v);
    }
  }

  static option_value write(const T& member) {
    if constexpr (option_compound_type<value_type>) {
      return option_compound<value_type>::write(member);
    } else if constexpr (optional) {
      if (!member) return {};
      return option_value::scalar(option_scalar<value_type>::format(*member));
    } else {
      return option_value::scalar(option_scalar<value_type>::format(member));
    }
  }

  T S::*member_;
  bound low_, high_;
};

template <class T>
std::optional<T> read_scalar(const option_value& in, const option_info& info, option_reader& r,
                             const std::optional<T>& low, const std::optional<T>& high) {
  if (!expect_scalar(in, info, r)) return std::nullopt;
  auto parsed = option_scalar<T>::parse(in.text);
  if (!parsed) {
    refuse_scalar(in, info, r, parsed.error());
    return std::nullopt;
  }
  // Written so that only operator< is needed, and only by types that have bounds.
  if constexpr (requires(T a, T b) { a < b; }) {
    if (low && *parsed < *low) {
      refuse_scalar(in, info, r, option_refusal::too_small);
      return std::nullopt;
    }
    if (high && *high < *parsed) {
      refuse_scalar(in, info, r, option_refusal::too_large);
      return std::nullopt;
    }
  }
  return std::move(*parsed);
}

// An option with one value.
template <class S, class T>
option_builder<S, T> option(std::string name, T S::*member) {
  return {std::move(name), member};
}

}  // namespace troupe

#include "libruntime/option_sections.hpp"
