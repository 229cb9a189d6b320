// A client that lives until its process ends: a static object, made before the threads that serve it.
// Submits TASKS detached tasks and returns from main; the system tests look at what became of both.
//
//   static_client ADDRESS TASKS
#include <iostream>
#include <string>

#include "troupe/troupe.hpp"

namespace {
troupe::client everybodys;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    everybodys = troupe::client::connect(argv[1]);
    troupe::job_draft draft;
    draft.name = "static";
    draft.count = static_cast<std::uint32_t>(std::stoul(argv[2]));
    draft.want_results = false;
    draft.templates.resize(1);
    draft.templates[0].kind = troupe::task_kind::exec;
    draft.templates[0].command.argv = {"true"};
    everybodys.submit_job(std::move(draft));
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "static_client: " << e.what() << std::endl;
    return 1;
  }
}
