// A task_context with services that remember what was said.
#pragma once

#include <string>
#include <vector>

#include "libruntime/task_context.hpp"

namespace troupe::testing {

struct fake_services : task_services {
  void log(log_level level, std::string_view text) override {
    lines.push_back(std::string{to_string(level)} + ' ' + std::string{text});
  }
  void progress(double fraction, std::string_view) override { fractions.push_back(fraction); }
  std::filesystem::path scratch() override { return "/scratch/12.3"; }

  std::vector<std::string> lines;
  std::vector<double> fractions;
};

struct fake_task {
  stop_control stop;
  fake_services services;
  assigned_resources resources;
  task_context context{task_id{job_id{12}, 3}, 2, stop, services, resources};
};

}  // namespace troupe::testing
