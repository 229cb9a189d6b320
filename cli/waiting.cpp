// See waiting.hpp.
#include "cli/waiting.hpp"

#include <algorithm>

#include "cli/text.hpp"

namespace troupe::cli {
namespace {

// How long a Ctrl-C may go unnoticed.
constexpr duration attention = std::chrono::milliseconds{100};
constexpr std::size_t failures_shown = 10;

std::string text_of(const json& object, const char* key) {
  auto i = object.find(key);
  return i != object.end() && i->is_string() ? i->get<std::string>() : "";
}

std::uint64_t number_of(const json& object, const char* key) {
  auto i = object.find(key);
  return i != object.end() && i->is_number_unsigned() ? i->get<std::uint64_t>() : 0;
}

double seconds_of(const json& object, const char* key) {
  auto i = object.find(key);
  return i != object.end() && i->is_number() ? i->get<double>() : 0;
}

json failed_tasks(context& c, const std::string& id, const std::string& state) {
  auto answer = c.ask("tasks", {{"job", id}, {"state", state}, {"limit", failures_shown}});
  return answer.value("tasks", json::array());
}

void name_failures(context& c, const job_summary& s) {
  auto rows = failed_tasks(c, s.id, s.failed > 0 ? "failed" : "cancelled");
  for (const auto& t : rows) {
    auto error = t.value("error", json());
    auto why = error.is_object() ? text_of(error, "message") : "";
    if (error.is_object()) why += " (" + text_of(error, "code") + ")";
    auto label = text_of(t, "label");
    c.out.note("  " + text_of(t, "id") + (label.empty() ? "" : " \"" + one_line(label) + "\"") +
               ": " + one_line(why));
  }
  if (s.failed > rows.size()) c.out.note("  … and " + human_count(s.failed - rows.size()) + " more");
  if (!rows.empty() && s.failed > 0)
    c.out.note("  more about one: troupe logs " + text_of(rows[0], "id"));
}

}  // namespace

job_waiter::job_waiter(context& c, job_handle& job, on_interrupt what)
    : context_(c), job_(job), on_interrupt_(what) {}

void job_waiter::until(const std::function<bool(duration)>& over,
                       const std::function<void()>& tick) {
  try {
    while (!over(attention)) {
      look_for_interrupts();
      show_progress();
      if (tick) tick();
    }
  } catch (const troupe::error& e) {
    throw_failure(e.why());
  }
}

void job_waiter::whole_job(const std::function<void()>& tick) {
  until([&](duration d) { return job_.wait_for(d); }, tick);
  context_.out.clear_progress();
}

double job_waiter::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void job_waiter::look_for_interrupts() {
  auto seen = interrupts::count();
  if (seen == handled_) return;
  auto id = job_.id();
  bool first = handled_ == 0;
  handled_ = seen;
  // Two that came before we looked are a first and a second one.
  if (first && on_interrupt_ == on_interrupt::cancel_job) {
    context_.out.note("Cancelling job " + id + " … (Ctrl-C again leaves without waiting)");
    job_.cancel("cancelled by Ctrl-C");
    if (seen == 1) return;
  }
  auto words = on_interrupt_ == on_interrupt::cancel_job
                   ? "left before job " + id + " was over; see: troupe jobs"
                   : "job " + id + " goes on; to end it: troupe cancel " + id;
  throw command_error(exit_code::interrupted, words);
}

void job_waiter::show_progress() {
  if (!context_.out.where().err_is_terminal) return;
  context_.out.progress({job_.size(), job_.ended(), job_.failed(), elapsed()});
}

job_summary summary_of(const json& job) {
  auto tasks = job.value("tasks", json::object());
  return {text_of(job, "id"),           text_of(job, "name"),         text_of(job, "state"),
          number_of(tasks, "finished"), number_of(tasks, "failed"), number_of(tasks, "cancelled"),
          std::max(0.0, seconds_of(job, "ended_at") - seconds_of(job, "submitted_at"))};
}

exit_code report_end(context& c, const std::string& id) {
  auto job = c.ask("job", {{"id", id}});
  auto s = summary_of(job);
  bool good = s.failed == 0 && s.cancelled == 0 && s.state != "refused";
  if (c.out.is_json()) {
    json shown{{"job", s.id}, {"name", s.name}, {"state", s.state}, {"tasks", job["tasks"]}};
    json errors = json::array();
    if (s.failed > 0)
      for (auto& t : failed_tasks(c, s.id, "failed"))
        errors.push_back({{"id", t["id"]}, {"label", t["label"]}, {"error", t["error"]}});
    shown["failed"] = std::move(errors);
    c.out.print_json(shown);
  } else if (c.out.is_quiet()) {
    c.out.line(s.id);
  } else {
    std::string words = "Job " + s.id + " " +
                        c.out.paint(s.state, good ? style::green : style::red) + " after " +
                        human_seconds(s.took) + ": " + human_count(s.succeeded) + " finished";
    if (s.failed > 0) words += ", " + human_count(s.failed) + " failed";
    if (s.cancelled > 0) words += ", " + human_count(s.cancelled) + " cancelled";
    if (auto error = job.value("error", json()); s.state == "refused" && error.is_object())
      words = "Job " + s.id + " was " + c.out.paint(s.state, style::red) + ": " +
              text_of(error, "message");
    c.out.line(words);
  }
  if (!good && !c.out.is_json()) name_failures(c, s);
  return good ? exit_code::done : exit_code::failed;
}

}  // namespace troupe::cli
