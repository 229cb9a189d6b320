// The functions that tasks may call, by name. Filled at the start of the program or by modules, then
// only read: invoke() may run in any number of threads at once, so registered functions must stand
// that too.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <msgpack.hpp>

#include "libruntime/failure.hpp"
#include "libruntime/task_context.hpp"
#include "libruntime/type_name.hpp"
#include "libruntime/value.hpp"

namespace troupe {

// A registered function without its types.
struct registered_function {
  std::vector<std::string> parameters;  // types, without the context
  std::string returns;
  // pre: as many arguments as parameters. Throws whatever the function throws, and bad_argument.
  std::function<result<value>(task_context&, const msgpack::object* arguments)> call;
};

// An argument is not of its parameter's type. Positions count from 0.
struct bad_argument {
  std::size_t position;
};

namespace detail {

template <class R>
struct is_result : std::false_type {};
template <class T>
struct is_result<result<T>> : std::true_type {
  using value_type = T;
};

template <class T>
T take_argument(const msgpack::object* arguments, std::size_t position) {
  try {
    return arguments[position].as<T>();
  } catch (const msgpack::type_error&) {
    throw bad_argument{position};
  }
}

// What the function returned, as a value.
template <class Call>
result<value> value_from(Call&& call) {
  using R = std::invoke_result_t<Call>;
  if constexpr (std::is_void_v<R>) {
    call();
    return value{};
  } else if constexpr (std::is_same_v<R, value> || std::is_same_v<R, result<value>>) {
    return call();
  } else if constexpr (is_result<R>::value) {
    auto r = call();
    if (!r) return tl::unexpected{std::move(r.error())};
    if constexpr (std::is_void_v<typename is_result<R>::value_type>) {
      return value{};
    } else {
      return value::of(*r);
    }
  } else {
    return value::of(call());
  }
}

template <class R>
std::string result_type_name() {
  if constexpr (is_result<R>::value) {
    return type_name<typename is_result<R>::value_type>();
  } else {
    return type_name<R>();
  }
}

template <bool with_context, class R, class... Args, class F>
registered_function make_function(F f) {
  static_assert(((std::is_same_v<Args, std::remove_cvref_t<Args>> ||
                  std::is_same_v<Args, const std::remove_cvref_t<Args>&> ||
                  std::is_rvalue_reference_v<Args>)&&...),
                "parameters are values or const references (and task_context& as the first)");
  registered_function out;
  (out.parameters.push_back(type_name<Args>()), ...);
  out.returns = result_type_name<R>();
  out.call = [f = std::move(f)](task_context& context, const msgpack::object* arguments) mutable {
    (void)context, (void)arguments;
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      // Braces: the arguments are converted from the first to the last.
      std::tuple<std::remove_cvref_t<Args>...> converted{
          take_argument<std::remove_cvref_t<Args>>(arguments, I)...};
      (void)converted;
      return value_from([&]() -> R {
        if constexpr (with_context) {
          return std::invoke(f, context, static_cast<Args&&>(std::get<I>(converted))...);
        } else {
          return std::invoke(f, static_cast<Args&&>(std::get<I>(converted))...);
        }
      });
    }(std::index_sequence_for<Args...>{});
  };
  return out;
}

// Takes the signature apart; whether the first parameter is a context is seen here.
template <class Signature>
struct function_maker;
template <class R, class... Args>
struct function_maker<R(Args...)> {
  template <class F>
  static registered_function make(F f) {
    return make_function<false, R, Args...>(std::move(f));
  }
};
template <class R, class... Args>
struct function_maker<R(task_context&, Args...)> {
  template <class F>
  static registered_function make(F f) {
    return make_function<true, R, Args...>(std::move(f));
  }
};

template <class R, class... Args>
auto signature_of(const std::function<R(Args...)>&) -> R (*)(Args...);

}  // namespace detail

class function_registry {
 public:
  // Registers a function pointer, lambda or function object (not a template or an overload set:
  // its parameter types must be known). Parameters and result are of types that msgpack-cxx has
  // adaptors for; a first parameter task_context& is optional; void gives nil; result<T> may be
  // returned to fail without throwing.
  // Throws std::invalid_argument for a name that is taken or isn't letters, digits, '.', '_', '-',
  // ':' and '/'.
  template <class F>
  void add(std::string name, F f) {
    using pointer = decltype(detail::signature_of(std::function{f}));
    using signature = std::remove_pointer_t<pointer>;
    insert(std::move(name), detail::function_maker<signature>::make(std::move(f)));
  }

  // Runs the function on a MessagePack array of arguments (nil: none). Failures: unknown_function;
  // invalid_argument when number or types of the arguments don't fit; task_error with the exception's
  // type for what the function throws; cancelled or timed_out for a cancelled_error.
  result<value> invoke(std::string_view name, task_context& context, const value& arguments) const {
    return invoke(name, find(name), context, arguments);
  }
  // For who calls it often: `f` is what find(name) gave.
  static result<value> invoke(std::string_view name, const registered_function* f,
                              task_context& context, const value& arguments);

  const registered_function* find(std::string_view name) const;  // nullptr: there is none
  std::vector<std::string> names() const;                        // sorted
  bool empty() const { return functions_.empty(); }
  // "wordcount.count(string, int) -> {string: int}"; "" for an unknown name.
  std::string signature(std::string_view name) const;

 private:
  void insert(std::string name, registered_function f);

  std::map<std::string, registered_function, std::less<>> functions_;
};

// What an exception says: its type and text, cut at 16 KiB; for use in a catch block.
failure current_failure();

}  // namespace troupe
