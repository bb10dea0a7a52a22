#!/usr/bin/env bash
# The harness calls this before a build. This submission needs no library but those that cargo knows.
