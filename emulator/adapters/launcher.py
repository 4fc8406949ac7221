"""The first program of every child: takes its own mount and PID namespace, then becomes what was asked for.

Run as a file by the spawner, and loaded by the fork server for its namespaces and mounts; it needs nothing but the
standard library. Three processes: this one (dies with the emulator, PR_SET_PDEATHSIG), an init that is PID 1 of the
new namespace (dies with this one, and the kernel then kills whatever is left in the namespace), and the program itself.
Linux only beyond the plain path; unshare(2) and mount(2) through ctypes, since `os.unshare` needs Python 3.12.

Where namespaces are refused (`isolate` false) the program runs in this process's group, and the group is killed when
the emulator dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import struct
import sys
from collections.abc import Iterable
from types import FrameType

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
_DEFAULTS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)
"""What we handle, the emulator ignores (SIGHUP) or Python ignores: a program must not inherit any of it."""

libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """mount(2)."""
    raw = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _check(libc.mount(raw[0], raw[1], raw[2], ctypes.c_ulong(flags), raw[3]), f"mount {source} on {target}")


def take_namespaces() -> None:
    """Own mount table and process table; for others than root through a user namespace that keeps our own uid."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and libc.unshare(CLONE_NEWNS | CLONE_NEWPID) == 0:
        return
    _check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def expose(source: str, target: str, is_read_only: bool) -> None:
    """Bind `source` on `target`; where `target` does not exist it is invented in the namespace, never on the disk."""
    if not os.path.exists(target):
        parent, name = os.path.split(target)
        if os.stat(parent).st_dev == os.stat("/").st_dev:
            _cover(parent)
        invent = os.mkdir if os.path.isdir(source) else os.mknod
        invent(os.path.join(parent, name))
    mount(source, target, None, MS_BIND | MS_REC)
    if is_read_only:
        mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _cover(parent: str) -> None:
    """Put a small tmpfs over `parent` and bind its old children back, so that a new child may be made there."""
    handle = os.open(parent, os.O_PATH | os.O_DIRECTORY)
    children = list(os.scandir(parent))
    mount("tmpfs", parent, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    for child in children:
        old, new = f"/proc/self/fd/{handle}/{child.name}", os.path.join(parent, child.name)
        if child.is_symlink():
            os.symlink(os.readlink(old), new)
        elif child.is_dir():
            os.mkdir(new)
            mount(old, new, None, MS_BIND | MS_REC)
        elif child.is_file():
            open(new, "w").close()
            mount(old, new, None, MS_BIND)
    os.close(handle)


def furnish(mounts: Iterable[tuple[str, str, bool]]) -> None:
    """Lay out a mount namespace that was just taken, from its own PID 1: nothing of it is seen outside."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    for source, target, is_read_only in mounts:
        expose(source, target, is_read_only)
    with contextlib.suppress(OSError):  # a container may forbid it; then /proc shows the outer process table
        mount("proc", "/proc", "proc")


def die_with_parent(parent_pid: int, how: signal.Signals) -> None:
    """Have the kernel send us `how` when the thread that made us ends; end now if it already has."""
    if sys.platform != "linux":
        return
    libc.prctl(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def run(spec: dict[str, object], argv: list[str]) -> int:
    """Run the program as our child, passing SIGTERM on; answers its wait status."""
    child = os.fork()
    if child == 0:
        for signum in _DEFAULTS:
            signal.signal(signum, signal.SIG_DFL)
        try:
            os.chdir(str(spec["cwd"]))
            os.execvp(argv[0], argv)
        except OSError as error:
            print(f"cannot run {argv[0]}: {error}", flush=True)
            os._exit(127)
    pass_on(child)
    while True:  # as PID 1 of the namespace we also reap what the program abandons
        pid, status = os.wait()
        if pid == child:
            return status


def pass_on(child: int) -> None:
    """Forward SIGTERM to `child`."""

    def forward(signum: int, frame: FrameType | None) -> None:
        os.kill(child, signum)

    signal.signal(signal.SIGTERM, forward)


def run_isolated(spec: dict[str, object], argv: list[str]) -> int:
    """The same in namespaces of our own, with the mounts; answers the program's wait status."""
    take_namespaces()
    reader, writer = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(reader)
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if _is_unread(writer):  # the parent ended before the line above; its pid means nothing in this namespace
            os._exit(1)
        furnish(spec["mounts"])  # type: ignore[arg-type]
        os.write(writer, struct.pack("!i", run(spec, argv)))
        os._exit(0)
    os.close(writer)
    pass_on(init)
    answer = os.read(reader, 4)
    os.waitpid(init, 0)
    return struct.unpack("!i", answer)[0] if len(answer) == 4 else int(signal.SIGKILL)


def _is_unread(writer: int) -> bool:
    """Whether nobody holds the other end of a pipe any more."""
    poll = select.poll()
    poll.register(writer, 0)
    return bool(poll.poll(0))


def main() -> None:
    spec = json.loads(sys.argv[1])
    if spec["isolate"]:
        die_with_parent(spec["parent"], signal.SIGKILL)
        status = run_isolated(spec, spec["argv"])
    else:
        signal.signal(signal.SIGUSR1, lambda signum, frame: os.killpg(0, signal.SIGKILL))
        die_with_parent(spec["parent"], signal.SIGUSR1)
        status = run(spec, spec["argv"])
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
