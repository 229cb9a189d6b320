#!/usr/bin/env python3
"""Makes a workflow in WfFormat 1.5 with the shape of Montage, an astronomical mosaic: many images
are projected, overlapping pairs are compared, one model is fitted, every image is corrected, and
all are added into one. Run times are drawn from a seed, so the same arguments give the same file.

    examples/make_workflow.py [--images 20] [--seed 1] [-o WORKFLOW.json]
"""
import argparse
import json
import random
import sys


def montage_like(images, seed):
    """Tasks as {id: (seconds, parents)}, in no particular order of execution."""
    draw = random.Random(seed)
    tasks = {}

    def add(kind, seconds, parents):
        name = f"{kind}_ID{len(tasks) + 1:07d}"
        tasks[name] = (round(draw.uniform(0.5, 1.5) * seconds, 3), parents)
        return name

    projected = [add("mProject", 12, []) for _ in range(images)]
    pairs = [(i, j) for i in range(images) for j in (i + 1, i + 2) if j < images]
    differences = [add("mDiffFit", 1, [projected[i], projected[j]]) for i, j in pairs]
    fits = add("mConcatFit", 2, differences or projected)
    model = add("mBgModel", 3, [fits])
    corrected = [add("mBackground", 1, [image, model]) for image in projected]
    table = add("mImgtbl", 1, corrected)
    mosaic = add("mAdd", 5, [table] + corrected)
    add("mViewer", 2, [mosaic])
    return tasks


def as_wfformat(name, tasks):
    children = {task: [] for task in tasks}
    for task, (_, parents) in tasks.items():
        for parent in parents:
            children[parent].append(task)
    return {
        "name": name,
        "schemaVersion": "1.5",
        "workflow": {
            "specification": {
                "tasks": [
                    {"name": task, "id": task, "parents": parents, "children": children[task]}
                    for task, (_, parents) in tasks.items()
                ]
            },
            "execution": {
                "tasks": [
                    {"id": task, "runtimeInSeconds": seconds}
                    for task, (seconds, _) in tasks.items()
                ]
            },
        },
    }


def main():
    parser = argparse.ArgumentParser(description="Makes a Montage-like workflow in WfFormat 1.5.")
    parser.add_argument("--images", type=int, default=20, help="how many images (default 20)")
    parser.add_argument("--seed", type=int, default=1, help="for the run times (default 1)")
    parser.add_argument("-o", "--output", help="file to write (default: standard output)")
    options = parser.parse_args()
    if options.images < 1:
        parser.error("--images must be 1 or more")

    tasks = montage_like(options.images, options.seed)
    text = json.dumps(as_wfformat(f"montage-like-{options.images}", tasks), indent=1) + "\n"
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
