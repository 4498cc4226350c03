"""Writes the node tests of the installed onnx package, which come with its code but not with data, as folders.

usage: generate.py FOLDER

Debian's libonnx-testdata ends at opset 17; this reaches the newest one that the package knows.
"""

import argparse
import sys

import onnx.backend.test.case.node as node
import onnx.backend.test.cmd_tools as tools


class Cases:
    """Stands for the module of tests that the tool writes by default, which are whole models."""

    @staticmethod
    def collect_testcases():
        return node.collect_testcases(None)


tools.model_test = Cases
tools.generate_data(argparse.Namespace(output=sys.argv[1]))
