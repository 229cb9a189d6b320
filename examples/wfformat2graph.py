#!/usr/bin/env python3
"""Turns a workflow execution in WfFormat (WfCommons, schema 1.5) into a graph file for `troupe run`.

    examples/wfformat2graph.py [--scale 0.01] [--call NAME] [-o GRAPH.yaml] WORKFLOW.json

Each task becomes a command that sleeps as long as the task ran, times the scale (or, with --call, a
call of a registered function with the seconds as its argument), after its parents. WfFormat says
dependencies twice, as parents and as children; both are read, and must name tasks that exist.
"""
import argparse
import json
import sys


def fail(message):
    sys.exit(f"wfformat2graph: {message}")


def read_workflow(path):
    """Name, tasks {id: run time in seconds}, parents {id: set of ids}."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")
    try:
        workflow = document["workflow"]
        specified = workflow["specification"]["tasks"]
        executed = workflow.get("execution", {}).get("tasks", [])
    except (KeyError, TypeError) as error:
        fail(f"{path}: not WfFormat 1.4 or later: {error!r} is missing")

    run_times = {task["id"]: float(task.get("runtimeInSeconds", 0)) for task in executed}
    parents = {task["id"]: set(task.get("parents", [])) for task in specified}
    for task in specified:
        for child in task.get("children", []):
            if child not in parents:
                fail(f'{path}: task "{task["id"]}" has a child "{child}" that is no task')
            parents[child].add(task["id"])
    for task, its in parents.items():
        for parent in its:
            if parent not in parents:
                fail(f'{path}: task "{task}" has a parent "{parent}" that is no task')
    return document.get("name", "workflow"), {t: run_times.get(t, 0.0) for t in parents}, parents


def quoted(text):
    """A YAML double-quoted scalar; JSON strings are a subset of them."""
    return json.dumps(text, ensure_ascii=False)


def graph_lines(name, seconds, parents, scale, function):
    yield f"# {len(parents)} tasks, {sum(map(len, parents.values()))} dependencies; run times x {scale:g}"
    yield f"name: {quoted(name)}"
    yield "tasks:"
    for task, run_time in seconds.items():
        duration = f"{max(0.0, run_time * scale):.6f}"
        if function:
            what = f"call: {quoted(function)}, args: [{duration}]"
        else:
            what = f"exec: [sleep, {quoted(duration)}]"
        after = ", ".join(quoted(parent) for parent in sorted(parents[task]))
        yield f"  - {{id: {quoted(task)}, {what}" + (f", after: [{after}]}}" if after else "}")


def main():
    parser = argparse.ArgumentParser(
        description="Turns a WfFormat 1.5 workflow into a graph file for troupe run.")
    parser.add_argument("workflow", help="WfFormat JSON file")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on run times (default 1)")
    parser.add_argument("--call", metavar="NAME", help="call this function(seconds), not sleep")
    parser.add_argument("-o", "--output", help="file to write (default: standard output)")
    options = parser.parse_args()
    if not options.scale >= 0:
        fail(f"--scale {options.scale}: must be 0 or more")

    name, seconds, parents = read_workflow(options.workflow)
    text = "\n".join(graph_lines(name, seconds, parents, options.scale, options.call)) + "\n"
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
