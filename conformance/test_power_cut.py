"""Power cuts under load, which take with them what the service has not synced, lose nothing that it has acknowledged.

The long form, on the release build, is prove/power_cut.py; that both find a service that does not sync is shown by
prove/planted_bug.py.
"""

import os

import kill_rounds
import kill_shapes
import losing_disk
import pytest
from power_cuts import PowerCuts
from promises import broken

PLAN = kill_rounds.Plan(
    kills=2, senders=6, receivers=3, held_leases=60, held_lease_secs=6, working_lease_secs=3, load_secs=(0.5, 1.0)
)
SHAPES = kill_shapes.Plan(kills=2, held_leases=40, held_lease_secs=6, load_secs=(0.3, 1.0))


def test_what_was_acknowledged_outlives_every_power_cut(tmp_path):
    with PowerCuts(tmp_path, seed=1) as service:
        rounds, records = kill_rounds.run(service, PLAN, seed=1)
        lost = service.lost
    assert broken(records) == {}
    assert sum(one.sends_acknowledged for one in rounds) > 100
    assert any(one["lost_sectors"] > 0 for one in lost), "cuts that take nothing show nothing"


def test_traffic_of_every_shape_outlives_power_cuts(tmp_path):
    with PowerCuts(tmp_path, seed=2) as service:
        _, records = kill_shapes.run(service, SHAPES, seed=2)
    assert broken(records) == {}
    happened = kill_shapes.happened(records)
    assert min(happened.values()) > 0, happened


@pytest.fixture
def disk(tmp_path):
    with losing_disk.LosingDisk(tmp_path / "disk") as disk:
        yield disk


def write(path, data, sync):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(descriptor, data, 0)
    if sync:
        os.fdatasync(descriptor)
    os.close(descriptor)


def sync_names(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def test_the_disk_keeps_what_was_synced_and_nothing_else(disk):
    write(disk.folder / "kept", b"a" * 3000, sync=True)
    write(disk.folder / "empty", b"b" * 3000, sync=False)
    os.mkdir(disk.folder / "inner")
    sync_names(disk.folder)
    write(disk.folder / "kept", b"c" * 3000, sync=False)
    write(disk.folder / "nameless", b"d", sync=True)
    os.rename(disk.folder / "empty", disk.folder / "other")
    assert (disk.folder / "kept").read_bytes() == b"c" * 3000
    assert disk.cut(seed=1, loses="all") == {"lost_sectors": 12, "lost_names": 2}
    assert sorted(os.listdir(disk.folder)) == ["empty", "inner", "kept"]
    assert (disk.folder / "kept").read_bytes() == b"a" * 3000
    assert (disk.folder / "empty").read_bytes() == b""


def test_the_disk_tears_a_write_between_sectors(disk):
    write(disk.folder / "torn", b"a" * 8192, sync=True)
    sync_names(disk.folder)
    write(disk.folder / "torn", b"b" * 8192, sync=False)
    disk.cut(seed=1)
    content = (disk.folder / "torn").read_bytes()
    sectors = {content[place : place + 512] for place in range(0, 8192, 512)}
    assert sectors == {b"a" * 512, b"b" * 512}
