#include "tests/worker/executor_world.hpp"
#include "worker/modules.hpp"

using namespace troupe;
using namespace troupe::worker;
using namespace std::chrono_literals;

namespace {

std::string module(const char* name) { return std::string{TEST_MODULES} + "/lib" + name + ".so"; }

std::string load_error(const std::string& path) {
  function_registry functions;
  auto loaded = load_modules({path}, functions);
  REQUIRE_FALSE(loaded);
  return loaded.error().message;
}

failure describe_error(const std::string& path, duration patience = 30s) {
  auto d = describe({TEST_HOST}, {path}, patience);
  REQUIRE_FALSE(d);
  return d.error();
}

bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a module's functions can be called once it is loaded") {
  auto functions = std::make_shared<function_registry>();
  REQUIRE(load_modules({module("good_module")}, *functions));
  CHECK(functions->signature("module.twice") == "module.twice(int) -> int");
}

TEST_CASE("a module that cannot be loaded is named, with the reason") {
  CHECK(contains(load_error("/no/such.so"), "module \"/no/such.so\" does not exist"));
  CHECK(contains(load_error("/etc/passwd"), "\"/etc/passwd\" cannot be loaded: "));
  CHECK(contains(load_error(module("empty_module")), "does not export \"troupe_register\""));
  CHECK(contains(load_error(module("throwing_module")), "licence expired"));
  function_registry functions;
  auto twice = load_modules({module("good_module"), module("good_module")}, functions);
  REQUIRE_FALSE(twice);
  CHECK(contains(twice.error().message, "\"module.twice\" is registered twice"));
}

TEST_CASE("a program and its modules are described by a child process") {
  auto d = describe({TEST_HOST}, {module("good_module")}, 30s);
  INFO((d ? std::string{} : to_string(d.error())));
  REQUIRE(d);
  auto names = d->function_names();
  CHECK(std::find(names.begin(), names.end(), "noop") != names.end());
  CHECK(std::find(names.begin(), names.end(), "module.twice") != names.end());
  CHECK(d->resources.get("cpus") >= one_unit);
  for (const auto& f : d->functions)
    if (f.name == "module.twice") CHECK(f.signature == "module.twice(int) -> int");
}

TEST_CASE("a module that crashes, hangs or fails costs an error message") {
  auto f = describe_error(module("crashing_module"));
  CHECK(contains(f.message, "loading module " + module("crashing_module")));
  f = describe_error(module("hanging_module"), 500ms);
  CHECK(f.code == errc::timed_out);
  CHECK(contains(f.message, "did not say within 500ms"));
  CHECK(contains(f.message, "loading module " + module("hanging_module")));
  CHECK(contains(describe_error(module("throwing_module")).message, "licence expired"));
}

TEST_CASE("a program that is no worker says so") {
  auto d = describe({"/bin/echo", "hello"}, {});
  REQUIRE_FALSE(d);
  CHECK(contains(d.error().message, "does its main call troupe::worker_main first?"));
  CHECK(contains(describe({"/no/such/program"}, {}).error().message, "/no/such/program"));
}

TEST_CASE("isolated calls find the functions of modules") {
  executor_world w{1, [](executor_settings& s) {
                     s.tasks.call_host = {TEST_HOST};
                     s.tasks.call_host_env = call_host_environment({module("good_module")});
                   }};
  task_options o;
  o.isolated = isolation::process;
  auto f = w.outcome(w.call("module.twice", pack_arguments(21), o));
  REQUIRE(f.outcome == protocol::outcome::succeeded);
  CHECK(f.result.as<int>() == 42);
}
