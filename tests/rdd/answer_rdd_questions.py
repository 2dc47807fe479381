"""A program that prints Penstock's answers to the questions of tests/golden/rdd_questions, as JSON by area.

usage: PYTHONHASHSEED=0 python -m tests.rdd.answer_rdd_questions threads|processes [AREA ...]
"""

from __future__ import annotations

import json
import logging
import sys

from penstock import embed

embed.install()
from pyspark import SparkConf, SparkContext  # noqa: E402

from tests.golden.rdd_questions.asking import AREAS, answers  # noqa: E402

if __name__ == "__main__":
    executor, *areas = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    context = SparkContext("local[2]", "questions", conf=SparkConf().set("spark.penstock.rdd.executor", executor))
    print(json.dumps({area: answers(context, area) for area in areas or AREAS}))
    context.stop()
