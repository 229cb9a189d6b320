#include "autoscaler/simulator/load.hpp"

namespace troupe::simulator {

namespace {

class replayed_load final : public load {
 public:
  explicit replayed_load(std::shared_ptr<const recorded_load> what) : what_(std::move(what)) {}

  const std::vector<work_kind>& kinds() const override { return what_->kinds; }
  std::optional<submission> next() override {
    if (position_ == what_->submissions.size()) return {};
    return what_->submissions[position_++];
  }

 private:
  std::shared_ptr<const recorded_load> what_;
  std::size_t position_ = 0;
};

}  // namespace

std::uint64_t recorded_load::tasks() const {
  std::uint64_t n = 0;
  for (const auto& s : submissions) n += s.tasks.size();
  return n;
}

std::unique_ptr<load> replay(std::shared_ptr<const recorded_load> what) {
  return std::make_unique<replayed_load>(std::move(what));
}

}  // namespace troupe::simulator
