#include "libruntime/function_registry.hpp"

#include <map>
#include <optional>

#include "libruntime/arguments.hpp"
#include "tests/libruntime/fake_task.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using troupe::testing::fake_task;

namespace {

int add(int a, int b) { return a + b; }
std::map<std::string, std::uint64_t> count(const std::string& text, int times) {
  return {{text, static_cast<std::uint64_t>(times)}};
}
std::string where(task_context& context, const std::string& prefix) {
  return prefix + to_string(context.task());
}
void nothing() noexcept {}

struct strange_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct multiplier {
  int by;
  int operator()(int x) const { return x * by; }
};

result<value> run(const function_registry& functions, std::string_view name, const value& args) {
  fake_task task;
  return functions.invoke(name, task.context, args);
}

template <class F>
failure failure_of(F f, const value& args = {}) {
  function_registry functions;
  functions.add("f", std::move(f));
  auto r = run(functions, "f", args);
  REQUIRE(!r.has_value());
  return r.error();
}

}  // namespace

TEST_CASE("functions of any shape are called with their arguments") {
  function_registry functions;
  functions.add("add", &add);
  functions.add("count", &count);
  functions.add("where", &where);
  functions.add("nothing", &nothing);
  functions.add("triple", multiplier{3});
  int calls = 0;
  functions.add("lambda", [&calls](std::optional<int> x) mutable { return ++calls, x.value_or(-1); });
  functions.add("sum", [](std::vector<double> v, std::pair<int, std::string>&& p) {
    double s = p.first;
    for (double x : v) s += x;
    return s;
  });

  CHECK(run(functions, "add", pack_arguments(2, 3))->as<int>() == 5);
  CHECK(run(functions, "count", pack_arguments("a", 2))->as<std::map<std::string, int>>() ==
        std::map<std::string, int>{{"a", 2}});
  CHECK(run(functions, "where", pack_arguments("at "))->as<std::string>() == "at 12.3");
  CHECK(run(functions, "nothing", pack_arguments())->is_nil());
  CHECK(run(functions, "nothing", value{})->is_nil());
  CHECK(run(functions, "triple", pack_arguments(5))->as<int>() == 15);
  CHECK(run(functions, "lambda", pack_arguments(msgpack::type::nil_t{}))->as<int>() == -1);
  CHECK(calls == 1);
  CHECK(run(functions, "sum", pack_arguments(std::vector<int>{1, 2}, std::make_pair(3, "x")))
            ->as<double>() == 6);
}

TEST_CASE("values pass through a function unopened") {
  function_registry functions;
  functions.add("same", [](value v) { return v; });
  auto v = value::of(std::map<std::string, int>{{"x", 1}});
  CHECK(*run(functions, "same", pack_arguments(v)) == v);
}

TEST_CASE("a function may fail without throwing") {
  auto f = failure_of([]() -> result<int> { return fail(errc::not_found, "no file"); });
  CHECK(f == failure{errc::not_found, "no file", ""});
  function_registry functions;
  functions.add("fine", []() -> result<int> { return 4; });
  functions.add("done", []() -> result<void> { return {}; });
  CHECK(run(functions, "fine", {})->as<int>() == 4);
  CHECK(run(functions, "done", {})->is_nil());
}

TEST_CASE("a wrong number of arguments is refused in words") {
  auto f = failure_of(&count, pack_arguments("a"));
  CHECK(f.code == errc::invalid_argument);
  CHECK(f.message == "f takes 2 arguments (string, int), got 1");
  CHECK(failure_of(&nothing, pack_arguments(1)).message == "f takes no arguments, got 1");
  CHECK(failure_of(multiplier{1}, value{}).message == "f takes 1 argument (int), got 0");
}

TEST_CASE("an argument of the wrong type is refused by its position") {
  CHECK(failure_of(&count, pack_arguments("a", "b")).message ==
        "f: argument 2 must be int, got string");
  CHECK(failure_of(&count, pack_arguments(1, 2)).message ==
        "f: argument 1 must be string, got int");
  CHECK(failure_of(&add, value::of(3)).message == "f: arguments must be one array, got int");
  CHECK(failure_of([](std::uint8_t x) { return x; }, pack_arguments(300)).code ==
        errc::invalid_argument);
}

TEST_CASE("what a function throws becomes its task's error, with the type") {
  auto f = failure_of([]() -> int { throw strange_error{"no such luck"}; });
  CHECK(f.code == errc::task_error);
  CHECK(f.message == "no such luck");
  CHECK(f.type.find("strange_error") != std::string::npos);
  CHECK(failure_of([]() -> int { throw 42; }).type == "int");
  CHECK(failure_of([](std::string s) -> int { throw std::runtime_error{s}; },
                   pack_arguments(std::string(100'000, 'x')))
            .message.size() < 17'000);
  // msgpack's own exceptions, thrown inside, are the function's and not its arguments'
  CHECK(failure_of([] { return value::of("x").as<int>(); }).code == errc::task_error);
}

TEST_CASE("a function that lets cancellation through ends as cancelled or timed out") {
  function_registry functions;
  functions.add("long", [](task_context& context) { context.check_cancelled(); });
  for (auto [why, code] : {std::pair{stop_reason::cancelled, errc::cancelled},
                           std::pair{stop_reason::timed_out, errc::timed_out}}) {
    fake_task task;
    task.stop.request(why);
    CHECK(functions.invoke("long", task.context, {}).error().code == code);
  }
}

TEST_CASE("names are unique, well-formed and listed in order with their signatures") {
  function_registry functions;
  CHECK(functions.empty());
  functions.add("z.where", &where);
  functions.add("a.count", &count);
  CHECK_THROWS_AS(functions.add("a.count", &add), std::invalid_argument);
  CHECK_THROWS_AS(functions.add("", &add), std::invalid_argument);
  CHECK_THROWS_AS(functions.add("two words", &add), std::invalid_argument);
  CHECK(functions.names() == std::vector<std::string>{"a.count", "z.where"});
  CHECK(functions.signature("a.count") == "a.count(string, int) -> {string: int}");
  CHECK(functions.signature("z.where") == "z.where(string) -> string");
  CHECK(functions.signature("none").empty());
  CHECK(functions.find("none") == nullptr);
  CHECK(run(functions, "none", {}).error().code == errc::unknown_function);
}

TEST_CASE("types are named as people of any language would") {
  CHECK(type_name<std::vector<std::vector<int>>>() == "[[int]]");
  CHECK(type_name<std::vector<char>>() == "bytes");
  CHECK(type_name<const std::optional<std::string>&>() == "string or nil");
  CHECK(type_name<std::tuple<bool, double>>() == "(bool, float)");
  CHECK(type_name<value>() == "any");
  CHECK(type_name<void>() == "nil");
}
