// Functions that tests call, in slots' threads and in processes of their own.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "libruntime/function_registry.hpp"

namespace troupe::worker {

inline std::shared_ptr<const function_registry> test_functions() {
  using namespace std::chrono_literals;
  auto out = std::make_shared<function_registry>();
  out->add("noop", [] {});
  out->add("add", [](int a, int b) { return a + b; });
  out->add("throw", []() -> int { throw std::runtime_error{"no luck"}; });
  out->add("sleep_ms", [](int n) { std::this_thread::sleep_for(std::chrono::milliseconds{n}); });
  out->add("wait_for_stop", [](task_context& c) {
    while (!c.stop_requested()) std::this_thread::sleep_for(1ms);
    c.check_cancelled();
  });
  out->add("wait_until_stop_or", [](task_context& c, bool at_once) {
    while (!at_once && !c.stop_requested()) std::this_thread::sleep_for(1ms);
    c.check_cancelled();
  });
  // Its stop callback takes until the file appears.
  out->add("hang_in_stop_callback", [](task_context& c, std::string until) {
    std::stop_callback slow{c.stop_token(), [&] {
                              while (access(until.c_str(), F_OK) != 0) std::this_thread::sleep_for(1ms);
                            }};
    while (!c.stop_requested()) std::this_thread::sleep_for(1ms);
    c.check_cancelled();
  });
  // Ends when the file appears, whatever it is asked.
  out->add("ignore_stop", [](std::string until) {
    while (access(until.c_str(), F_OK) != 0) std::this_thread::sleep_for(1ms);
  });
  out->add("log_and_progress", [](task_context& c) {
    c.log(log_level::warning, "a word");
    c.progress(0.5, "half");
    std::ofstream{c.scratch() / "file"} << "x";
    return c.scratch().string();
  });
  out->add("indexes", [](task_context& c) { return c.indexes("GPU"); });
  out->add("thread", [] { return std::hash<std::thread::id>{}(std::this_thread::get_id()); });
  out->add("getpid", [] { return static_cast<int>(::getpid()); });
  out->add("print", [](std::string text) { std::printf("%s\n", text.c_str()); });
  out->add("segfault", [] { ::raise(SIGSEGV); });
  out->add("exit", [](int code) { ::_exit(code); });
  out->add("echo", [](std::vector<char> bytes) { return bytes; });
  out->add("getenv", [](std::string name) {
    const char* text = ::getenv(name.c_str());
    return std::string{text ? text : "(unset)"};
  });
  out->add("eat_memory", [](std::uint64_t bytes) {
    std::vector<char> eaten(bytes, 'x');
    return eaten.back() == 'x';
  });
  out->add("leave_child", [](std::string mark) {
    if (::fork() == 0) {
      ::execlp("sh", "sh", "-c", ("trap '' TERM; : " + mark + "; sleep 600").c_str(), nullptr);
      ::_exit(1);
    }
  });
  return out;
}

}  // namespace troupe::worker
