"""Starts an echo server, drives all of Autobahn's WebSocket cases at it, and fails unless each ends well.

A case ends well with OK, NON-STRICT or INFORMATIONAL. 13.3 and 13.5 offer nothing but permessage-deflate with a
server window of 9 bits, which a compressor shared by all connections cannot meet; RFC 7692 lets a server decline,
and declined (UNIMPLEMENTED) is what they must be.
"""

import asyncio
import collections
import os
import subprocess
import sys
import time

from kosoku import FailureError, run_fuzzingclient

FINE = {"OK", "NON-STRICT", "INFORMATIONAL"}
DECLINED = ("13.3.", "13.5.")
# The whole suite; fewer would mean that cases were skipped.
WHOLE_SUITE = 517
# All but the compression cases with messages of 8 KiB and more, which take minutes and ask the same again.
SHORT = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
SHORT += [f"{section}.{group}.{size}" for section, groups in ((12, 5), (13, 7))
          for group in range(1, groups + 1) for size in range(1, 6)]


def ends_well(case):
    if case.case_id.startswith(DECLINED):
        return case.behavior.value == "UNIMPLEMENTED"
    return case.behavior.value in FINE and case.behavior_close.value in FINE


async def drive(address, selected):
    try:
        return await run_fuzzingclient(address, selected or None, None, concurrency=os.cpu_count())
    except FailureError as failure:
        return failure.results


def main():
    server_path, *selected = sys.argv[1:]
    if selected == ["--short"]:
        selected = SHORT
    started = time.monotonic()
    server = subprocess.Popen([server_path, "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().strip()
        results = asyncio.run(drive(address, selected))
        crashed = server.poll() is not None
    finally:
        server.kill()
        server.wait()

    counts = collections.Counter(case.behavior.value for case in results)
    summary = ", ".join(f"{count} {behavior}" for behavior, count in counts.most_common())
    print(f"Autobahn: {len(results)} cases in {time.monotonic() - started:.0f} s: {summary}")
    bad = [case for case in results if not ends_well(case)]
    for case in bad:
        print(f"  {case.case_id}: {case.behavior.value}, close {case.behavior_close.value}: {case.result}")
    if crashed:
        print("  the echo server crashed")
    if not selected and len(results) < WHOLE_SUITE:
        print(f"  {WHOLE_SUITE} cases were expected")
        return 1
    return 1 if bad or crashed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
