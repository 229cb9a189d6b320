// Control requests (docs/control.md): what scheduler_actor answers itself, and what it passes on to
// the autoscaler or to the log reader. Called by scheduler_actor, on its thread.
#pragma once

#include "actors/scheduler.hpp"

namespace troupe::actors {

using scheduler_self = scheduler_actor::stateful_pointer<scheduler_state>;

caf::result<value> answer_control(scheduler_self self, const control_query& q);
metrics_ptr metrics_of(const scheduler_state& s);

// Defined in scheduler.cpp: one more event for the core, handled with those that wait already.
void queue_event(scheduler_self self, scheduler::event e);

}  // namespace troupe::actors
