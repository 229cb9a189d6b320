// Everything that a program needs to submit work to Troupe, or to run it.
#pragma once

#include "troupe/client.hpp"
#include "troupe/cluster.hpp"
#include "troupe/error.hpp"
#include "troupe/future.hpp"
#include "libruntime/function_registry.hpp"
