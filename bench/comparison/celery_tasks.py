"""The tasks of celery_driver.py, as its worker loads them. BENCH_REDIS says where Redis is."""

import os

import celery

import driver

app = celery.Celery("celery_tasks", broker=os.environ["BENCH_REDIS"], backend=os.environ["BENCH_REDIS"])
app.conf.update(broker_connection_retry_on_startup=True)
noop = app.task(driver.noop, name="noop")
run_true = app.task(driver.run_true, name="run_true")
