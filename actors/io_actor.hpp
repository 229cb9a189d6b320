// Actors that run on an io thread: for those that mostly move bytes between a link and another actor.
// A wake-up between threads costs more than what such an actor does, so it lives where its link does.
// Its handlers must not block, like everything on an io thread.
//
// CAF's own brokers are made the same way: an execution unit of their own, which passes on whatever is
// not theirs.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <caf/all.hpp>

#include "libruntime/time.hpp"

namespace troupe::actors {

// Runs `fn` on the io thread, or drops it when the io is stopping.
using io_post = std::function<void(std::function<void()> fn)>;

class io_unit final : public caf::execution_unit, public std::enable_shared_from_this<io_unit> {
 public:
  io_unit(caf::actor_system& system, io_post post)
      : caf::execution_unit(&system), post_(std::move(post)) {}
  void exec_later(caf::resumable* job) override;

 private:
  void run(caf::resumable* job);

  io_post post_;
};

// `Base` is a stateful, event-based actor, as behaviour functions take it.
template <class Base>
class io_actor final : public Base {
 public:
  using behavior_type = typename Base::behavior_type;
  using behavior_function = std::function<behavior_type(Base*)>;

  io_actor(caf::actor_config& config, std::shared_ptr<io_unit> unit, behavior_function behavior)
      : Base(config), unit_(std::move(unit)), behavior_(std::move(behavior)) {}

  using Base::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    Base::enqueue(std::move(what), unit_.get());
  }
  void launch(caf::execution_unit*, bool lazy, bool hide) override {
    Base::launch(unit_.get(), lazy, hide);
  }
  caf::resumable::subtype_t subtype() const override { return caf::resumable::io_actor; }

 protected:
  behavior_type make_behavior() override { return std::exchange(behavior_, nullptr)(this); }

 private:
  std::shared_ptr<io_unit> unit_;
  behavior_function behavior_;
};

// As caf::actor_system::spawn, for functions `Handle::behavior_type f(Handle::stateful_pointer<State>)`.
template <class Handle, class State, class F>
Handle spawn_on_io(caf::actor_system& system, io_post post, F behavior) {
  using base = std::remove_pointer_t<typename Handle::template stateful_pointer<State>>;
  return system.spawn<io_actor<base>>(std::make_shared<io_unit>(system, std::move(post)),
                                      typename io_actor<base>::behavior_function{std::move(behavior)});
}

}  // namespace troupe::actors
